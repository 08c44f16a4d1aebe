/**
 * What rules of iptables do with the first packet of a connection: those of kube-proxy's iptables mode (pkg/proxy/iptables of
 * Kubernetes), and those of svc2nft (docs/iptables.md), which differ in which rules they have and in their order.
 */

import { type Cidr, cidrContains, isLoopback } from '../../net/address.ts';
import type { Packet } from '../../walk/fate.ts';
import {
  acceptsNodePorts,
  type ExpectedFate,
  type ExpectedVerdict,
  endpointsFor,
  isAllowed,
  isNodeAddress,
  isPod,
  refusalOf,
  refused,
} from './expect-fate.ts';
import type { Expectations, ExpectedEndpoint, ExpectedFrontend, ExpectedService } from './expectations.ts';

/** What the rules depend on besides Services and the settings of the node. */
export interface IptablesTraits {
  readonly layout: 'kube-proxy' | 'svc2nft';
  /** The loopback addresses at which node ports answer; undefined for none. */
  readonly loopbackNodePorts: Cidr | undefined;
  /** Whether KUBE-FIREWALL, or SVC2NFT-LOOPBACK, drops what comes from elsewhere to loopback addresses. kubelet may have added the former. */
  readonly guardsLoopback: boolean;
}

/** What all functions here need to know. */
interface Context extends IptablesTraits {
  readonly expectations: Expectations;
  /** The Service whose rules come first; undefined for the order that svc2nft gives the claimants of a frontend. */
  readonly preferred: ExpectedService | undefined;
}

/**
 * The fate of a packet: the table nat may translate it, then the table filter sees it, translated or not.
 *
 * @param preferred the Service whose rules come first in their chains, which matters where several Services claim a frontend.
 */
export function iptablesFate(
  packet: Packet,
  { expectations, ...traits }: IptablesTraits & { readonly expectations: Expectations },
  preferred?: ExpectedService,
): ExpectedFate {
  const context: Context = { ...traits, expectations, preferred };
  const isReset = traits.layout === 'svc2nft' && packet.protocol === 'tcp';
  const frontend = translatingFrontend(packet, context);
  const verdict = frontend ? translate(packet, frontend, context) : filter({ ...packet, isMarked: false }, context);
  return { ...verdict, rejection: isReset ? 'tcp-reset' : 'port-unreachable' };
}

/** All frontends at which other rules of iptables than those of svc2nft's owner may come first. */
export function claimantsFor(
  { destination, protocol, port }: Pick<Packet, 'destination' | 'protocol' | 'port'>,
  { ips, nodePorts, contested }: Expectations,
): ExpectedFrontend[] {
  const [atIP, atNode] = [`${destination} ${protocol} ${port}`, `${protocol} ${port}`];
  const owners = [ips.get(atIP), nodePorts.get(atNode)].flatMap((owner) => owner ?? []);
  return [...owners, ...(contested.get(atIP) ?? []), ...(contested.get(atNode) ?? [])];
}

/** The order of the rules of one Service in KUBE-SERVICES. */
const ranks: readonly ExpectedFrontend['kind'][] = ['ClusterIP', 'ExternalIP', 'LoadBalancer', 'NodePort'];

/** The Services at an address and port, or node port, in the order of their rules: kube-proxy writes rules for all of them. */
function claimants(
  owners: Expectations['ips'],
  key: string,
  { expectations: { contested }, layout, preferred }: Context,
): readonly ExpectedFrontend[] {
  const owner = owners.get(key);
  if (!owner) {
    return [];
  }
  const others = layout === 'kube-proxy' ? contested.get(key) : undefined;
  if (!others) {
    return [owner];
  }
  const all = [owner, ...others];
  const services = all.map(({ service }) => service);
  const placeOf = (service: ExpectedService): number => (service === preferred ? -1 : services.indexOf(service));
  return all.sort((a, b) => placeOf(a.service) - placeOf(b.service) || ranks.indexOf(a.kind) - ranks.indexOf(b.kind));
}

function claimantsAtIP({ destination, protocol, port }: Packet, context: Context): readonly ExpectedFrontend[] {
  return claimants(context.expectations.ips, `${destination} ${protocol} ${port}`, context);
}

function claimantsAtNode({ protocol, port }: Packet, context: Context): readonly ExpectedFrontend[] {
  return claimants(context.expectations.nodePorts, `${protocol} ${port}`, context);
}

/**
 * The frontend that translates a packet. Chains of kube-proxy return what they do not translate, so that it meets the rules
 * of further claimants, and last those of node ports; svc2nft ends with the first rule that matches.
 */
function translatingFrontend(packet: Packet, context: Context): ExpectedFrontend | undefined {
  const atIP = claimantsAtIP(packet, context).filter(hasChain);
  const isLast = atIP.length > 0 && context.layout === 'svc2nft';
  const atNode = isLast || !servesNodePorts(packet.destination, context) ? [] : claimantsAtNode(packet, context);
  return [...atIP, ...atNode].find((frontend) => translates(packet, frontend, context));
}

/** Whether a frontend has a rule in the table nat. */
function hasChain({ kind, service }: ExpectedFrontend): boolean {
  const { hasAny, internalLocal, local } = service;
  return hasAny && !(kind === 'ClusterIP' && internalLocal && local.length === 0);
}

function translates(packet: Packet, frontend: ExpectedFrontend, { expectations }: Context): boolean {
  const isOpen = frontend.kind !== 'LoadBalancer' || isAllowed(packet.source, frontend.service.allowed);
  return isOpen && hasChain(frontend) && endpointsFor(packet, frontend, expectations).length > 0;
}

function servesNodePorts(address: string, { expectations, loopbackNodePorts }: Context): boolean {
  const isServed = loopbackNodePorts !== undefined && cidrContains(loopbackNodePorts, address);
  return isServed || acceptsNodePorts(address, expectations);
}

/** If the table filter refuses all endpoints in the same way, so is every connection. */
function translate(packet: Packet, frontend: ExpectedFrontend, context: Context): ExpectedVerdict {
  const { expectations } = context;
  const endpoints = endpointsFor(packet, frontend, expectations);
  const isMarked = markOf(packet, frontend, context);
  const refusals = new Map<string, 'rejected' | 'dropped'>();
  for (const endpoint of endpoints) {
    const verdict = refusalAt(packet, endpoint, isMarked(endpoint), context);
    if (verdict) {
      refusals.set(endpoint.text, verdict);
    }
  }
  const [verdict, ...others] = new Set(refusals.values());
  if (verdict && others.length === 0 && refusals.size === endpoints.length) {
    return refused(verdict, 'refused-endpoint', frontend);
  }
  const fromNode = isNodeAddress(packet.source, expectations);
  // What arrives for the node itself does not pass POSTROUTING.
  const isMasqueraded = (endpoint: ExpectedEndpoint): boolean =>
    isMarked(endpoint) && (fromNode || !isNodeAddress(endpoint.address, expectations));
  return { verdict: 'translated', reason: 'endpoints', frontend, endpoints, isMasqueraded, refusals };
}

/** Whether a connection to an endpoint gets the mark. */
function markOf(
  packet: Packet,
  { kind, service }: ExpectedFrontend,
  { expectations, layout }: Context,
): (endpoint: ExpectedEndpoint) => boolean {
  const { detector, masqueradeAll } = expectations;
  const { source } = packet;
  const pod = isPod(packet, expectations);
  const atClusterIP = masqueradeAll || (detector !== undefined && !pod);
  const atExternal = !service.externalLocal || (!pod && isNodeAddress(source, expectations));
  const isMarked = kind === 'ClusterIP' ? atClusterIP : atExternal;
  const hasHairpin = (endpoint: ExpectedEndpoint): boolean =>
    layout === 'kube-proxy' || mayBeHere(endpoint, expectations);
  return (endpoint) => isMarked || (endpoint.address === source && hasHairpin(endpoint));
}

/** Whether an endpoint has a rule of svc2nft for its connections to itself: what one slice says of an address goes for all. */
function mayBeHere(
  { address }: ExpectedEndpoint,
  { hairpins, hairpinsOfNode, hairpinRange, nodeAddresses }: Expectations,
): boolean {
  const isInRange = !hairpinRange || cidrContains(hairpinRange, address) || nodeAddresses.includes(address);
  return hairpins.has(address) && (isInRange || hairpinsOfNode.has(address));
}

/** How the table filter refuses a connection that was sent to an endpoint; svc2nft's rules are for what was not translated. */
function refusalAt(
  packet: Packet,
  { address, port }: ExpectedEndpoint,
  isMarked: boolean,
  context: Context,
): 'rejected' | 'dropped' | undefined {
  const isMoved = address !== packet.destination || port !== packet.port;
  if (isMoved && (context.layout === 'svc2nft' || !mayRefuse(address, port, packet, context))) {
    return undefined;
  }
  const { verdict } = filter({ ...packet, destination: address, port, isMarked }, context);
  return verdict === 'rejected' || verdict === 'dropped' ? verdict : undefined;
}

/** Nearly no endpoint is at an address or port that rules name. */
function mayRefuse(address: string, port: number, { protocol }: Packet, { expectations }: Context): boolean {
  return (
    expectations.guardedEndpoints.has(`${address} ${protocol} ${port}`) ||
    expectations.nodePorts.has(`${protocol} ${port}`)
  );
}

/** A packet as the table filter sees it. */
interface Filtered extends Packet {
  readonly isMarked: boolean;
}

/** What a rule decides: `accept` ends the chain. */
type Check = (packet: Filtered, context: Context) => ExpectedVerdict | 'accept' | undefined;

/** The built-in chains of the table filter that a packet passes, in order. */
function filter(packet: Filtered, context: Context): ExpectedVerdict {
  const { expectations, layout } = context;
  const isHere = isNodeAddress(packet.destination, expectations);
  const sent = isNodeAddress(packet.source, expectations) ? (['output'] as const) : [];
  const received = isHere ? (['input'] as const) : [];
  const hooks = sent.length + received.length > 0 ? [...sent, ...received] : (['forward'] as const);
  for (const hook of hooks) {
    const refusal = runChecks(checks[layout][hook], packet, context);
    if (refusal) {
      return refusal;
    }
  }
  return refused('untouched', 'not-a-service', undefined);
}

function runChecks(list: readonly Check[], packet: Filtered, context: Context): ExpectedVerdict | undefined {
  for (const check of list) {
    const result = check(packet, context);
    if (result) {
      return result === 'accept' ? undefined : result;
    }
  }
  return undefined;
}

/** KUBE-FIREWALL: `-d 127.0.0.0/8 ! -s 127.0.0.0/8 -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP`. */
const guardLoopback: Check = ({ source, destination }, { guardsLoopback, expectations: { family } }) => {
  const isGuarded = guardsLoopback && family === 'ip' && isLoopback(destination) && !isLoopback(source);
  return isGuarded ? refused('dropped', 'loopback-guard', undefined) : undefined;
};

/** SVC2NFT-LOOPBACK: the same for all that did not begin on this node. */
const guardLoopbackFromOthers: Check = (packet, context) =>
  isNodeAddress(packet.source, context.expectations) ? undefined : guardLoopback(packet, context);

/** Load balancer IPs with source ranges, and endpoints, that have let the packet pass untranslated. */
const guardRanges: Check = (packet, context) => {
  const guarded = claimantsAtIP(packet, context).find(
    ({ kind, service }) => kind === 'LoadBalancer' && service.allowed && service.hasAny,
  );
  return guarded && refused('dropped', 'source-range', guarded);
};

const acceptHealthChecks: Check = ({ protocol, port }, { expectations }) =>
  protocol === 'tcp' && expectations.healthCheckPorts.has(port) ? 'accept' : undefined;

const acceptMarked: Check = ({ isMarked }) => (isMarked ? 'accept' : undefined);

const refuseClusterIPs: Check = (packet, context) =>
  firstRefusal(claimantsAtIP(packet, context).filter(({ kind }) => kind === 'ClusterIP'));

/** What remains in svc2nft's chain for cluster IPs. */
const refuseServiceCIDRs: Check = ({ destination }, { expectations: { clusterIPs, serviceCIDRs } }) => {
  if (clusterIPs.has(destination)) {
    return refused('rejected', 'unknown-port', undefined);
  }
  const isUnallocated = serviceCIDRs.some((range) => cidrContains(range, destination));
  return isUnallocated ? refused('dropped', 'unallocated', undefined) : undefined;
};

/** External and load balancer IPs and node ports, in kube-proxy in the order of Services. */
const refuseExternal: Check = (packet, context) => {
  const { expectations, layout, preferred } = context;
  const { destination } = packet;
  const hasNodePorts =
    layout === 'svc2nft' ? servesNodePorts(destination, context) : isNodeAddress(destination, expectations);
  const found = [
    ...claimantsAtIP(packet, context).filter(({ kind }) => kind !== 'ClusterIP'),
    ...(hasNodePorts ? claimantsAtNode(packet, context) : []),
  ];
  return firstRefusal(found.filter(({ service }) => service === preferred)) ?? firstRefusal(found);
};

function firstRefusal(frontends: readonly ExpectedFrontend[]): ExpectedVerdict | undefined {
  for (const frontend of frontends) {
    const refusal = refusalOf(frontend);
    if (refusal) {
      return refusal;
    }
  }
  return undefined;
}

/** The rules that the built-in chains lead to, in their order. */
const checks = {
  'kube-proxy': {
    input: [guardLoopback, guardRanges, acceptHealthChecks, refuseExternal],
    forward: [guardRanges, acceptMarked, refuseClusterIPs, refuseExternal],
    output: [guardLoopback, guardRanges, refuseClusterIPs],
  },
  svc2nft: {
    input: [guardLoopbackFromOthers, guardRanges, acceptHealthChecks, refuseExternal],
    forward: [guardRanges, acceptMarked, refuseClusterIPs, refuseServiceCIDRs, refuseExternal],
    output: [guardRanges, refuseClusterIPs, refuseServiceCIDRs, refuseExternal],
  },
} as const;
