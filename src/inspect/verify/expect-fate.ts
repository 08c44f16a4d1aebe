import { cidrContains } from '../../net/address.ts';
import type { Packet, RejectionAnswer } from '../../walk/fate.ts';
import type { Expectations, ExpectedEndpoint, ExpectedFrontend } from './expectations.ts';

/** Why a packet should have its fate. */
type FateReason =
  | 'endpoints'
  | 'no-endpoints'
  | 'no-local-endpoints'
  | 'source-range'
  | 'unknown-port'
  | 'unallocated'
  | 'refused-endpoint'
  | 'localhost'
  | 'loopback-guard'
  | 'not-a-service';

/** The fate that the first packet of a connection should have. */
export interface ExpectedFate {
  readonly verdict: 'translated' | 'rejected' | 'dropped' | 'untouched';
  /** How a rejection must be answered, wherever the packet is rejected. */
  readonly rejection: RejectionAnswer;
  readonly reason: FateReason;
  /** The Service whose frontend decided. */
  readonly frontend: ExpectedFrontend | undefined;
  /** Where it may go, each with the same probability; empty unless translated. */
  readonly endpoints: readonly ExpectedEndpoint[];
  /** Whether the endpoint must see the node as the source. */
  readonly isMasqueraded: (endpoint: ExpectedEndpoint) => boolean;
  /** Endpoints, by their text, at which the rules refuse what they sent there themselves; almost always empty. */
  readonly refusals: ReadonlyMap<string, 'rejected' | 'dropped'>;
}

/**
 * The fate that a packet should have by the Services, policies and settings of the node. In order: source ranges
 * refuse, frontends translate, and what no frontend translated may be refused for lack of endpoints. Addresses are
 * canonical.
 */
export function expectFate(packet: Packet, expectations: Expectations): ExpectedFate {
  const { verdict, reason, frontend, endpoints, isMasqueraded, refusals } = expectVerdict(packet, expectations);
  const rejection = packet.protocol === 'tcp' ? 'tcp-reset' : 'port-unreachable';
  return { verdict, rejection, reason, frontend, endpoints, isMasqueraded, refusals };
}

/** A fate without the answer of rejections, which depends on the protocol. */
export type ExpectedVerdict = Omit<ExpectedFate, 'rejection'>;

function expectVerdict(packet: Packet, expectations: Expectations): ExpectedVerdict {
  const { ips, nodePorts } = expectations;
  const { destination, protocol, port, source } = packet;
  const atIP = ips.get(`${destination} ${protocol} ${port}`);
  const atNode = acceptsNodePorts(destination, expectations) ? nodePorts.get(`${protocol} ${port}`) : undefined;
  if (atIP?.kind === 'LoadBalancer' && !isAllowed(source, atIP.service.allowed)) {
    return refused('dropped', 'source-range', atIP);
  }
  // An IP with endpoints anywhere comes before a node port, even if it has none for this client.
  const served = atIP?.service.hasAny ? atIP : atNode;
  const frontend = served?.service.hasAny ? served : undefined;
  const endpoints = frontend ? endpointsFor(packet, frontend, expectations) : [];
  if (frontend && endpoints.length > 0) {
    return expectTranslation(packet, { frontend, endpoints }, expectations);
  }
  return expectRefusal(packet, { atIP, atNode }, expectations);
}

/** If all endpoints are refused in the same way, so is every connection. */
function expectTranslation(
  packet: Packet,
  { frontend, endpoints }: { readonly frontend: ExpectedFrontend; readonly endpoints: readonly ExpectedEndpoint[] },
  expectations: Expectations,
): ExpectedVerdict {
  const refusals = refusalsAt(packet, endpoints, expectations);
  const [verdict, ...others] = new Set(refusals.values());
  if (verdict && others.length === 0 && refusals.size === endpoints.length) {
    return refused(verdict, 'refused-endpoint', frontend);
  }
  const isMasqueraded = masqueradeOf(packet, frontend, expectations);
  return { verdict: 'translated', reason: 'endpoints', frontend, endpoints, isMasqueraded, refusals };
}

/** The filter chains see the translated destination, so they may refuse an endpoint as if the client had sent to it. */
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

/** Whether an address is local to the node, as its routing tables have it. */
export function isNodeAddress(address: string, { nodeAddresses }: Expectations): boolean {
  return nodeAddresses.includes(address) || isLoopback(address);
}

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.');
}

/** Whether node ports answer at an address; loopback addresses are none of these. */
export function acceptsNodePorts(address: string, expectations: Expectations): boolean {
  const { nodePortAddresses, nodeAddresses } = expectations;
  return nodePortAddresses === 'all' ? nodeAddresses.includes(address) : nodePortAddresses.has(address);
}

/** Whether source ranges let a client pass. */
export function isAllowed(source: string, allowed: ExpectedFrontend['service']['allowed']): boolean {
  return allowed === undefined || allowed.some((range) => cidrContains(range, source));
}

/**
 * The endpoints of a frontend for a client. externalTrafficPolicy Local applies to external clients only: pods and the node
 * itself may use all endpoints.
 */
export function endpointsFor(
  packet: Packet,
  { kind, service }: ExpectedFrontend,
  expectations: Expectations,
): readonly ExpectedEndpoint[] {
  const { cluster, local, internalLocal, externalLocal } = service;
  if (kind === 'ClusterIP') {
    return internalLocal ? local : cluster;
  }
  const isExternal = !isPod(packet, expectations) && !isNodeAddress(packet.source, expectations);
  return externalLocal && isExternal ? local : cluster;
}

/** Whether a packet comes from a pod of the cluster, as the node's detector has it. */
export function isPod({ source, inputInterface = '' }: Packet, expectations: Expectations): boolean {
  const { detector, podCidr } = expectations;
  if (detector?.kind !== 'interface') {
    return podCidr !== undefined && cidrContains(podCidr, source);
  }
  // What the node itself sends has no input interface.
  const arrivedAt = isNodeAddress(source, expectations) ? '' : inputInterface;
  return detector.prefix ? arrivedAt.startsWith(detector.name) : arrivedAt === detector.name;
}

/**
 * At cluster IPs, clients other than pods are masqueraded, so that answers return through this node. Elsewhere, all
 * clients are with policy Cluster, and only the node with policy Local. An endpoint that reaches itself always is.
 */
function masqueradeOf(
  packet: Packet,
  { kind, service }: ExpectedFrontend,
  expectations: Expectations,
): ExpectedFate['isMasqueraded'] {
  const { clusterIPs, detector, masqueradeAll, hairpins, hairpinRange } = expectations;
  const { source, destination, port } = packet;
  const pod = isPod(packet, expectations);
  const fromNode = isNodeAddress(source, expectations);
  const atClusterIP = clusterIPs.has(destination) && (masqueradeAll || (detector !== undefined && !pod));
  const atExternal = kind !== 'ClusterIP' && (!service.externalLocal || (!pod && fromNode));
  return (endpoint) => {
    // What arrives for the node itself does not pass postrouting.
    if (!fromNode && isNodeAddress(endpoint.address, expectations)) {
      return false;
    }
    const isMoved = endpoint.address !== destination || endpoint.port !== port;
    const reachesItself =
      source === endpoint.address && hairpins.has(source) && (!hairpinRange || cidrContains(hairpinRange, source));
    return atClusterIP || atExternal || (reachesItself && isMoved);
  };
}

interface Addressed {
  readonly atIP: ExpectedFrontend | undefined;
  readonly atNode: ExpectedFrontend | undefined;
}

/** For what no frontend translated: the filter chains of output come first, then those of input or forward. */
function expectRefusal(packet: Packet, { atIP, atNode }: Addressed, expectations: Expectations): ExpectedVerdict {
  const { destination, source } = packet;
  const atIPRefusal = atIP && refusalOf(atIP);
  const isHere = isNodeAddress(destination, expectations);
  const passesForwardOrOutput = !isHere || isNodeAddress(source, expectations);
  const early = passesForwardOrOutput ? (atIPRefusal ?? refusalOfAddress(destination, expectations)) : undefined;
  const late = isHere ? ((atNode && refusalOf(atNode)) ?? atIPRefusal) : undefined;
  return early ?? late ?? refusalAtLocalhost(packet, expectations) ?? refused('untouched', 'not-a-service', undefined);
}

/** How a frontend refuses clients for whom it has no endpoint; undefined if it has one for every client. */
export function refusalOf(frontend: ExpectedFrontend): ExpectedVerdict | undefined {
  const { hasAny, local, internalLocal, externalLocal } = frontend.service;
  if (!hasAny) {
    return refused('rejected', 'no-endpoints', frontend);
  }
  const needsLocal = frontend.kind === 'ClusterIP' ? internalLocal : externalLocal;
  return needsLocal && local.length === 0 ? refused('dropped', 'no-local-endpoints', frontend) : undefined;
}

/** What the node sends to a node port at a loopback address is refused, with endpoints or without, if the protocol is. */
function refusalAtLocalhost(
  { source, destination, protocol, port }: Packet,
  expectations: Expectations,
): ExpectedVerdict | undefined {
  const { nodePorts, refusedAtLocalhost } = expectations;
  const frontend = nodePorts.get(`${protocol} ${port}`);
  const isRefused = frontend && refusedAtLocalhost.has(frontend.service.protocol);
  return isRefused && isLoopback(destination) && isNodeAddress(source, expectations)
    ? refused('rejected', 'localhost', frontend)
    : undefined;
}

function refusalOfAddress(address: string, { clusterIPs, serviceCIDRs }: Expectations): ExpectedVerdict | undefined {
  if (clusterIPs.has(address)) {
    return refused('rejected', 'unknown-port', undefined);
  }
  const isUnallocated = serviceCIDRs.some((range) => cidrContains(range, address));
  return isUnallocated ? refused('dropped', 'unallocated', undefined) : undefined;
}

const noRefusals: ExpectedFate['refusals'] = new Map();
const never = (): boolean => false;

/** A verdict that ends a connection, or leaves it alone. */
export function refused(
  verdict: ExpectedFate['verdict'],
  reason: FateReason,
  frontend: ExpectedFrontend | undefined,
): ExpectedVerdict {
  return { verdict, reason, frontend, endpoints: [], isMasqueraded: never, refusals: noRefusals };
}
