import {
  addressNumber,
  addressOfNumber,
  type Cidr,
  cidrContains,
  parseAddress,
  rangeEdges,
  rangeOf,
  singleAddress,
} from '../../net/address.ts';
import type { NodeSettings } from '../../phases/3-model/model.ts';
import type { Packet } from '../../walk/fate.ts';
import { isNodeAddress } from '../verify/expect-fate.ts';
import type { Expectations, ExpectedFrontend } from '../verify/expectations.ts';
import { frontendLabel } from '../verify/fault-collector.ts';
import { standardClients } from '../verify/list-clients.ts';

/** Kinds of clients, in the order in which they are named. */
export const probeClients = {
  'pods-here': 'Pods on this node',
  'pods-elsewhere': 'Pods on other nodes',
  node: 'the node itself',
  external: 'external clients',
  'allowed-source': 'clients in a source range',
  'itself-here': 'endpoints on this node that connect to themselves',
  'itself-elsewhere': 'endpoints on other nodes that connect to themselves through this one',
} as const;

/** Who connects. */
export type ClientKind = keyof typeof probeClients;

/** Where to. */
export type PlaceKind =
  | 'cluster-ip'
  | 'load-balancer-ip'
  | 'external-ip'
  | 'node-port-primary'
  | 'node-port-secondary'
  | 'node-port-loopback'
  | 'health-check-port'
  /** A port of a cluster IP that no Service has there. */
  | 'other-port'
  /** An address of a ServiceCIDR that no Service has. */
  | 'unallocated';

/** The first packet of a connection that some client may open. */
export interface Probe {
  readonly client: ClientKind;
  readonly place: PlaceKind;
  /** `10.96.0.10:80/tcp`, `127.0.0.1:30080/tcp` */
  readonly frontend: string;
  /** The keys of Expectations' `ips` and `nodePorts` that the packet may match. */
  readonly keys: readonly [ip: string, nodePort: string];
  /** `namespace/name` of the Service that is asked; empty for none. */
  readonly service: string;
  readonly packet: Packet;
}

/** What packets are chosen by: the node and what it should do, for one proxy and family. */
export interface ProbedSide {
  readonly node: NodeSettings;
  readonly expectations: Expectations;
}

/** A health check node port of a Service. */
export interface HealthCheckPort {
  /** `namespace/name` */
  readonly service: string;
  readonly port: number;
}

/**
 * A packet from each kind of client to each frontend, at each kind of address, and to where Services have addresses but
 * none answers. Both sides are of the same node and family; a frontend of either is tried.
 */
export function listProbes(sides: readonly ProbedSide[], healthChecks: readonly HealthCheckPort[]): Probe[] {
  const [first] = sides;
  if (!first) {
    return [];
  }
  const context = { ...first, addresses: nodeAddressesOf(sides), common: commonSenders(first) };
  const frontends = new Map<string, ExpectedFrontend>();
  for (const { expectations } of [...sides].reverse()) {
    for (const [key, frontend] of [...expectations.ips, ...expectations.nodePorts]) {
      frontends.set(key, frontend);
    }
  }
  return [
    ...[...frontends.values()].flatMap((frontend) => probesOf(frontend, context)),
    ...healthCheckProbes(healthChecks, context),
    ...strayProbes(context),
  ];
}

interface ProbeContext extends ProbedSide {
  readonly addresses: readonly NodeAddress[];
  readonly common: readonly Sender[];
}

/** An address of the node, as clients see it. */
interface NodeAddress {
  readonly place: PlaceKind;
  readonly address: string;
}

/** How many secondary addresses are tried: rules that list addresses may know some and not others. */
const mostSecondary = 3;

/** One that the objects do not name, as a node may have any, comes last. */
function nodeAddressesOf(sides: readonly ProbedSide[]): NodeAddress[] {
  const [{ expectations, node } = {}] = sides;
  if (!expectations || !node) {
    return [];
  }
  const [primary, ...others] = expectations.nodeAddresses;
  return [
    ...(primary === undefined ? [] : [{ place: 'node-port-primary', address: primary } as const]),
    ...[...others.slice(0, mostSecondary), ...others.slice(mostSecondary).slice(-1)].map(
      (address) => ({ place: 'node-port-secondary', address }) as const,
    ),
    { place: 'node-port-loopback', address: loopbackOf(expectations) },
  ];
}

function loopbackOf({ family }: Pick<Expectations, 'family'>): string {
  return family === 'ip' ? '127.0.0.1' : '::1';
}

/** The client of a packet. */
interface Sender extends Pick<Packet, 'source' | 'inputInterface'> {
  readonly client: ClientKind;
}

const outside = { inputInterface: 'out0' } as const;

/** The clients of every frontend; those that cannot exist, or cannot be told from others, are left out. */
function commonSenders({ node, expectations }: ProbedSide): Sender[] {
  const external = standardClients(expectations).find(({ words }) => words === 'external clients')?.source;
  const services = [...expectations.ips.values(), ...expectations.nodePorts.values()].map(({ service }) => service);
  const endpoints = new Set(
    services.flatMap(({ cluster, local }) => [...cluster, ...local].map(({ address }) => address)),
  );
  const here = podHere({ node, expectations }, endpoints) ?? external;
  const elsewhere = podElsewhere({ node, expectations }, endpoints);
  const primary = expectations.nodeAddresses[0];
  return [
    ...(here === undefined ? [] : [sender('pods-here', here, podInterface(expectations))]),
    ...(elsewhere === undefined ? [] : [sender('pods-elsewhere', elsewhere, outside.inputInterface)]),
    ...(primary === undefined ? [] : [{ client: 'node', source: primary } as const]),
    ...(external === undefined ? [] : [sender('external', external, outside.inputInterface)]),
  ];
}

function sender(client: ClientKind, source: string, inputInterface: string): Sender {
  return { client, source, inputInterface };
}

function podInterface({ detector }: Expectations): string {
  return detector?.kind === 'interface' ? detector.name : 'in0';
}

/** An address in the range of this node's Pods, or else in that of all Pods, that no endpoint has. */
function podHere({ node, expectations }: ProbedSide, endpoints: ReadonlySet<string>): string | undefined {
  const range = rangeOf(node.podCIDR ?? '') ?? expectations.podCidr;
  const candidates = range ? hostsIn(range) : [];
  return candidates.find((address) => !endpoints.has(address) && !isNodeAddress(address, expectations));
}

/** An address in the range of all Pods but not of this node's, or else one beside that of an endpoint elsewhere. */
function podElsewhere({ node, expectations }: ProbedSide, endpoints: ReadonlySet<string>): string | undefined {
  const { podCidr, hairpins } = expectations;
  const own = rangeOf(node.podCIDR ?? '');
  const isElsewhere = (address: string): boolean =>
    !(own && cidrContains(own, address)) && !endpoints.has(address) && !isNodeAddress(address, expectations);
  return (
    (podCidr && own ? hostsIn(podCidr) : []).find(isElsewhere) ??
    [...endpoints]
      .filter((address) => !hairpins.has(address) && !isNodeAddress(address, expectations))
      .flatMap((address) => rangeEdges(singleAddress(address)))
      .find(isElsewhere)
  );
}

/** How many addresses are tried at either end of a range. */
const triedAtEnds = 14;

/** Addresses at both ends of a range, without its first and last one, which stand for networks, not hosts. */
function hostsIn({ family, address, prefix }: Cidr): string[] {
  const first = addressNumber(address);
  const last = first + (1n << BigInt((family === 'ip' ? 32 : 128) - prefix)) - 1n;
  const steps = Array.from({ length: triedAtEnds }, (_, index) => BigInt(triedAtEnds - index));
  const numbers = [...steps.map((step) => first + step), ...steps.map((step) => last - step)];
  const inside = numbers.filter((number) => number > first && number < last);
  return (inside.length > 0 ? inside : [first]).map((number) => addressOfNumber(family, number));
}

const placeOfKind = {
  ClusterIP: 'cluster-ip',
  LoadBalancer: 'load-balancer-ip',
  ExternalIP: 'external-ip',
} as const;

function probesOf(frontend: ExpectedFrontend, context: ProbeContext): Probe[] {
  const { kind, address, port, service } = frontend;
  const { expectations, addresses, common } = context;
  const places: readonly NodeAddress[] =
    kind === 'NodePort' ? addresses : [{ place: placeOfKind[kind], address: address ?? '' }];
  const senders = [
    ...common,
    ...(kind === 'LoadBalancer' ? allowedSenders(service.allowed, expectations) : []),
    ...itself(frontend, expectations),
  ];
  return places.flatMap((place) =>
    sendersTo(place, senders).map((from) => probeOf(from, { ...place, port, service }, expectations)),
  );
}

interface ProbeTo extends NodeAddress {
  readonly port: number;
  readonly service: Pick<ExpectedFrontend['service'], 'namespace' | 'name' | 'protocol'> | undefined;
}

function probeOf(
  { client, ...from }: Sender,
  { place, address, port, service }: ProbeTo,
  { family }: Expectations,
): Probe {
  const protocol = service?.protocol ?? 'tcp';
  return {
    client,
    place,
    frontend: frontendLabel({ address, port, protocol }, family),
    keys: [`${address} ${protocol} ${port}`, `${protocol} ${port}`],
    service: service ? `${service.namespace}/${service.name}` : '',
    packet: { ...from, destination: address, protocol, port },
  };
}

/**
 * Loopback addresses are there for the node alone. What it sends to an address of its own has that as source. A Pod elsewhere
 * connects to itself through this node only by its node ports: other addresses are translated on its own node.
 */
function sendersTo({ place, address }: NodeAddress, senders: readonly Sender[]): Sender[] {
  const isOfNode = place.startsWith('node-port-');
  return senders
    .filter(({ client }) => place !== 'node-port-loopback' || client === 'node')
    .filter(({ client }) => client !== 'itself-here' || place !== 'node-port-secondary')
    .filter(({ client }) => client !== 'itself-elsewhere' || place === 'node-port-primary')
    .map((from) => (from.client === 'node' && isOfNode ? { ...from, source: address } : from));
}

/** A client in the first range that a load balancer IP admits. */
function allowedSenders(allowed: ExpectedFrontend['service']['allowed'], expectations: Expectations): Sender[] {
  const found = (allowed ?? []).flatMap((range) =>
    hostsIn(range).filter((address) => !isNodeAddress(address, expectations)),
  );
  return found.slice(0, 1).map((source) => sender('allowed-source', source, outside.inputInterface));
}

/** An endpoint on this node and one elsewhere, if the Service has them. */
function itself({ service }: ExpectedFrontend, expectations: Expectations): Sender[] {
  const endpoints = [...service.cluster, ...service.local].filter(
    ({ address }) => !isNodeAddress(address, expectations),
  );
  const here = endpoints.find(({ address }) => expectations.hairpins.has(address));
  const elsewhere = endpoints.find(({ address }) => !expectations.hairpins.has(address));
  return [
    ...(here ? [sender('itself-here', here.address, podInterface(expectations))] : []),
    ...(elsewhere ? [sender('itself-elsewhere', elsewhere.address, outside.inputInterface)] : []),
  ];
}

/** What checks the health of Services comes from outside. */
function healthCheckProbes(healthChecks: readonly HealthCheckPort[], context: ProbeContext): Probe[] {
  const { expectations, addresses, common } = context;
  const senders = common.filter(({ client }) => client === 'external');
  const [primary] = addresses;
  return healthChecks.flatMap(({ service, port }) => {
    const [namespace = '', name = ''] = service.split('/');
    const place = { place: 'health-check-port', address: primary?.address ?? '' } as const;
    return primary?.place === 'node-port-primary'
      ? senders.map((from) =>
          probeOf(from, { ...place, port, service: { namespace, name, protocol: 'tcp' } }, expectations),
        )
      : [];
  });
}

/** Ports of cluster IPs that no Service has, and addresses of ServiceCIDRs that none has. */
function strayProbes({ expectations, common }: ProbeContext): Probe[] {
  const { ips, nodePorts, clusterIPs } = expectations;
  const used = new Set([...ips.values(), ...nodePorts.values()].map(({ port }) => port));
  let port = 9;
  while (used.has(port) && port < 65_535) {
    port++;
  }
  const owned = [...ips.values()].filter(({ kind }) => kind === 'ClusterIP');
  const owners = new Map(owned.map(({ address, service }) => [address, service]));
  const other = [...clusterIPs].map((address): ProbeTo => {
    const { namespace = '', name = '' } = owners.get(address) ?? {};
    return { place: 'other-port', address, port, service: { namespace, name, protocol: 'tcp' } };
  });
  const free = freeAddress(expectations);
  const unallocated: ProbeTo[] =
    free === undefined ? [] : [{ place: 'unallocated', address: free, port: 80, service: undefined }];
  return [...other, ...unallocated].flatMap((to) => common.map((from) => probeOf(from, to, expectations)));
}

/** How many addresses are looked at in each ServiceCIDR: it may be full. */
const mostAddresses = 70_000;

/** The last address of a ServiceCIDR that no Service has; a broadcast address is as good. */
function freeAddress({ serviceCIDRs, clusterIPs, ips, nodeAddresses }: Expectations): string | undefined {
  const taken = new Set([...clusterIPs, ...nodeAddresses, ...[...ips.values()].map(({ address }) => address)]);
  for (const range of serviceCIDRs) {
    const last = rangeEdges(range).findLast((address) => cidrContains(range, address));
    for (let step = 0; last !== undefined && step < mostAddresses; step++) {
      const address = parseAddress(addressOfNumber(range.family, addressNumber(last) - BigInt(step)))?.text;
      if (address === undefined || !cidrContains(range, address)) {
        break;
      }
      if (!taken.has(address)) {
        return address;
      }
    }
  }
  return undefined;
}
