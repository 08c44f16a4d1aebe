import { cidrContains } from '../../net/address.ts';
import type { Packet } from '../../walk/fate.ts';
import type { Expectations, ExpectedEndpoint, ExpectedFrontend } from './expectations.ts';

/** Why a packet must have its fate. */
type FateReason =
  | 'endpoints'
  | 'no-endpoints'
  | 'no-local-endpoints'
  | 'source-range'
  | 'unknown-port'
  | 'unallocated'
  | 'refused-endpoint'
  | 'not-a-service';

/** What must become of the first packet of a connection. */
export interface ExpectedFate {
  readonly verdict: 'translated' | 'rejected' | 'dropped' | 'untouched';
  readonly reason: FateReason;
  /** The Service whose frontend decided. */
  readonly frontend: ExpectedFrontend | undefined;
  /** Where it may go, each with the same chance; empty unless translated. */
  readonly endpoints: readonly ExpectedEndpoint[];
  /** Whether the endpoint must see the node as the source. */
  readonly isMasqueraded: (endpoint: ExpectedEndpoint) => boolean;
  /** Endpoints, by their text, at which connections are refused once they are sent there; hardly ever any. */
  readonly refusals: ReadonlyMap<string, 'rejected' | 'dropped'>;
}

/**
 * What must become of a packet, straight from what Services, policies and the node's settings mean: refusals by source
 * first, then translation, and for whatever nobody took the refusals for lack of endpoints. Addresses are canonical.
 */
export function expectFate(packet: Packet, expectations: Expectations): ExpectedFate {
  const { ips, nodePorts } = expectations;
  const { destination, protocol, port, source } = packet;
  const atIP = ips.get(`${destination} ${protocol} ${port}`);
  const atNode = acceptsNodePorts(destination, expectations) ? nodePorts.get(`${protocol} ${port}`) : undefined;
  if (atIP?.kind === 'load-balancer-ip' && !isAllowed(source, atIP.service.allowed)) {
    return refused('dropped', 'source-range', atIP);
  }
  // An address with endpoints anywhere takes the packet, though it may have none for this client.
  const taker = [atIP, atNode].find((frontend) => frontend?.service.hasAny);
  const endpoints = taker ? endpointsFor(packet, taker, expectations) : [];
  if (taker && endpoints.length > 0) {
    return expectTranslation(packet, { frontend: taker, endpoints }, expectations);
  }
  return expectRefusal(packet, { atIP, atNode }, expectations);
}

/** Where all endpoints are refused in one way, so is every connection. */
function expectTranslation(
  packet: Packet,
  { frontend, endpoints }: { readonly frontend: ExpectedFrontend; readonly endpoints: readonly ExpectedEndpoint[] },
  expectations: Expectations,
): ExpectedFate {
  const refusals = refusalsAt(packet, endpoints, expectations);
  const [verdict, ...others] = new Set(refusals.values());
  if (verdict && others.length === 0 && refusals.size === endpoints.length) {
    return refused(verdict, 'refused-endpoint', frontend);
  }
  const isMasqueraded = masqueradeOf(packet, frontend, expectations);
  return { verdict: 'translated', reason: 'endpoints', frontend, endpoints, isMasqueraded, refusals };
}

/** The filter chains see where a packet is bound by then, so an endpoint may be refused as if somebody had asked for it. */
function refusalsAt(
  packet: Packet,
  endpoints: readonly ExpectedEndpoint[],
  expectations: Expectations,
): ExpectedFate['refusals'] {
  const { ips, nodePorts, guardedEndpoints } = expectations;
  const { protocol } = packet;
  if (guardedEndpoints.size === 0) {
    return noRefusals;
  }
  const refusals = new Map<string, 'rejected' | 'dropped'>();
  for (const { address, port, text } of endpoints) {
    const endpointAddress = `${address} ${protocol} ${port}`;
    if (guardedEndpoints.has(endpointAddress)) {
      const atNode = acceptsNodePorts(address, expectations) ? nodePorts.get(`${protocol} ${port}`) : undefined;
      const sent = { ...packet, destination: address, port };
      const { verdict } = expectRefusal(sent, { atIP: ips.get(endpointAddress), atNode }, expectations);
      if (verdict === 'rejected' || verdict === 'dropped') {
        refusals.set(text, verdict);
      }
    }
  }
  return refusals;
}

/** Whether an address is the node's own, as its routing tables have it. */
export function isNodeAddress(address: string, { nodeAddresses }: Expectations): boolean {
  return nodeAddresses.includes(address) || address === '::1' || address.startsWith('127.');
}

function acceptsNodePorts(address: string, expectations: Expectations): boolean {
  const { nodePortAddresses, nodeAddresses } = expectations;
  return nodePortAddresses === 'all' ? nodeAddresses.includes(address) : nodePortAddresses.has(address);
}

function isAllowed(source: string, allowed: ExpectedFrontend['service']['allowed']): boolean {
  return allowed === undefined || allowed.some((range) => cidrContains(range, source));
}

/** externalTrafficPolicy Local is for strangers: pods and the node itself may use all endpoints. */
function endpointsFor(
  packet: Packet,
  { kind, service }: ExpectedFrontend,
  expectations: Expectations,
): readonly ExpectedEndpoint[] {
  const { cluster, local, internalLocal, externalLocal } = service;
  if (kind === 'cluster-ip') {
    return internalLocal ? local : cluster;
  }
  const isStranger = !isPod(packet, expectations) && !isNodeAddress(packet.source, expectations);
  return externalLocal && isStranger ? local : cluster;
}

function isPod({ source, inputInterface = '' }: Packet, expectations: Expectations): boolean {
  const { detector, podCidr } = expectations;
  if (detector?.kind !== 'interface') {
    return podCidr !== undefined && cidrContains(podCidr, source);
  }
  // A packet that the node itself sends has come in nowhere.
  const cameIn = isNodeAddress(source, expectations) ? '' : inputInterface;
  return detector.prefix ? cameIn.startsWith(detector.name) : cameIn === detector.name;
}

/**
 * At cluster IPs strangers are masqueraded, so that the way back leads through this node; elsewhere all are with policy
 * Cluster, the node alone with policy Local. An endpoint that meets itself always is.
 */
function masqueradeOf(
  packet: Packet,
  { kind, service }: ExpectedFrontend,
  expectations: Expectations,
): ExpectedFate['isMasqueraded'] {
  const { clusterIPs, detector, masqueradeAll, hairpins } = expectations;
  const { source, destination, protocol, port } = packet;
  const pod = isPod(packet, expectations);
  const fromNode = isNodeAddress(source, expectations);
  const atClusterIP = clusterIPs.has(destination) && (masqueradeAll || (detector !== undefined && !pod));
  const atExternal = kind !== 'cluster-ip' && (!service.externalLocal || (!pod && fromNode));
  return (endpoint) => {
    // What the node receives for itself does not leave it.
    if (!fromNode && isNodeAddress(endpoint.address, expectations)) {
      return false;
    }
    const isMoved = endpoint.address !== destination || endpoint.port !== port;
    const meetsItself = source === endpoint.address && hairpins.has(`${source} ${protocol} ${endpoint.port}`);
    return atClusterIP || atExternal || (meetsItself && isMoved);
  };
}

interface Addressed {
  readonly atIP: ExpectedFrontend | undefined;
  readonly atNode: ExpectedFrontend | undefined;
}

/** For what nobody took: the filter chains of input, or of forward, and before them those of output. */
function expectRefusal(packet: Packet, { atIP, atNode }: Addressed, expectations: Expectations): ExpectedFate {
  const { destination, source } = packet;
  const atIPRefusal = atIP && refusalOf(atIP);
  const isHere = isNodeAddress(destination, expectations);
  const passesForwardOrOutput = !isHere || isNodeAddress(source, expectations);
  const early = passesForwardOrOutput ? (atIPRefusal ?? refusalOfAddress(destination, expectations)) : undefined;
  const late = isHere ? ((atNode && refusalOf(atNode)) ?? atIPRefusal) : undefined;
  return early ?? late ?? refused('untouched', 'not-a-service', undefined);
}

/** What a frontend's Service says to those for whom it has nothing; undefined where it has something for everybody. */
function refusalOf(frontend: ExpectedFrontend): ExpectedFate | undefined {
  const { hasAny, local, internalLocal, externalLocal } = frontend.service;
  if (!hasAny) {
    return refused('rejected', 'no-endpoints', frontend);
  }
  const needsLocal = frontend.kind === 'cluster-ip' ? internalLocal : externalLocal;
  return needsLocal && local.length === 0 ? refused('dropped', 'no-local-endpoints', frontend) : undefined;
}

function refusalOfAddress(address: string, { clusterIPs, serviceCIDRs }: Expectations): ExpectedFate | undefined {
  if (clusterIPs.has(address)) {
    return refused('rejected', 'unknown-port', undefined);
  }
  const isUnallocated = serviceCIDRs.some((range) => cidrContains(range, address));
  return isUnallocated ? refused('dropped', 'unallocated', undefined) : undefined;
}

const noRefusals: ExpectedFate['refusals'] = new Map();
const never = (): boolean => false;

function refused(
  verdict: ExpectedFate['verdict'],
  reason: FateReason,
  frontend: ExpectedFrontend | undefined,
): ExpectedFate {
  return { verdict, reason, frontend, endpoints: [], isMasqueraded: never, refusals: noRefusals };
}
