import type { Snapshot } from '../../kubernetes/objects.ts';
import { pushTo } from '../../lib/lists.ts';
import { compareText } from '../../lib/text.ts';
import { type Cidr, cidrContains, rangeOf } from '../../net/address.ts';
import type { Protocol } from '../../net/network.ts';
import type { LocalhostNodePorts, NodeSettings } from '../../phases/3-model/model.ts';
import { expectServices, type ServiceWithAddresses } from './expect-services.ts';
import type { Expectations, ExpectedFrontend } from './expectations.ts';

/** The node's settings, and the options that NodeSettings lack. */
export interface ExpectationSettings {
  readonly node: NodeSettings;
  readonly masqueradeAll: boolean;
  /** Options' masqueradeBit, from 0 to 31. */
  readonly masqueradeBit: number;
}

/**
 * What a node must do in one family: its frontends, each with its Service and endpoints. Shares no code with the phases
 * that select endpoints and plan rules, so that their bugs show. Takes time in proportion to the snapshot.
 *
 * @param snapshot the valid objects, as `validate` returns them.
 */
export function deriveExpectations(
  snapshot: Pick<Snapshot, 'services' | 'endpointSlices'>,
  { node, masqueradeAll, masqueradeBit }: ExpectationSettings,
): Expectations {
  const services = expectServices(snapshot, node);
  const { nodePortAddresses, localhostNodePorts, detector } = node;
  const frontends = assignFrontends(services);
  const clusterIPs = new Set(services.map(({ clusterIP }) => clusterIP));
  const onNode = services.flatMap(({ service: { protocol }, hairpinEndpoints }) =>
    hairpinEndpoints
      .filter(({ nodeName }) => nodeName !== '')
      .map(({ address, port }) => ({ address, key: `${address} . ${address} . ${protocol} . ${port}` })),
  );
  const serviceCIDRs = node.serviceCIDRs.flatMap((text) => rangeOf(text) ?? []);
  return {
    family: node.family,
    nodeName: node.nodeName,
    ...frontends,
    siblings: groupByAffinity(frontends),
    clusterIPs,
    hairpins: new Set(services.flatMap(({ hairpinEndpoints }) => hairpinEndpoints.map(({ address }) => address))),
    hairpinsOfNode: new Set(onNode.map(({ address }) => address)),
    hairpinKeysOfNode: new Set(onNode.map(({ key }) => key)),
    hairpinRange: hairpinRange(services, node, masqueradeAll),
    servesExternalIPs: node.servesExternalIPs,
    serviceCIDRs,
    nodeAddresses: node.addresses.filter((address) => address.includes(':') === (node.family === 'ip6')),
    nodePortAddresses: nodePortAddresses.kind === 'all' ? 'all' : new Set(nodePortAddresses.addresses),
    healthCheckPorts: new Map(
      services.flatMap(({ service: { namespace, name }, healthCheckPort }) =>
        healthCheckPort === 0 ? [] : [[healthCheckPort, `${namespace}/${name}`] as const],
      ),
    ),
    refusedAtLocalhost: new Set(refusedAtLocalhost[localhostNodePorts]),
    detector,
    podCidr: detector?.kind === 'source' ? rangeOf(detector.cidr) : undefined,
    masqueradeAll,
    masqueradeMark: (1 << masqueradeBit) >>> 0,
    guardedEndpoints: guardedEndpoints(services, { ...frontends, clusterIPs, serviceCIDRs }),
  };
}

/** Where something serves node ports at loopback addresses, it does so for TCP alone. */
const refusedAtLocalhost = {
  untouched: [],
  refused: ['tcp', 'udp', 'sctp'],
  served: ['udp', 'sctp'],
} as const satisfies Readonly<Record<LocalhostNodePorts, readonly Protocol[]>>;

function groupByAffinity({ ips, nodePorts }: Pick<Expectations, 'ips' | 'nodePorts'>): Map<string, ExpectedFrontend[]> {
  const groups = new Map<string, ExpectedFrontend[]>();
  for (const frontend of [...ips.values(), ...nodePorts.values()]) {
    const { namespace, name, affinitySeconds } = frontend.service;
    const key = `${namespace}/${name}`;
    const known = groups.get(key);
    if (known) {
      known.push(frontend);
    } else if (affinitySeconds > 0) {
      groups.set(key, [frontend]);
    }
  }
  return groups;
}

/**
 * The node's range of pods, if nothing that runs here is elsewhere. The node's own addresses may be, if whatever it sends
 * from them to Services is masqueraded: it is, unless it counts as a pod, or pods cannot be recognized.
 */
function hairpinRange(
  services: readonly ServiceWithAddresses[],
  { podCIDR, nodeName, addresses, detector }: NodeSettings,
  masqueradeAll: boolean,
): Cidr | undefined {
  const range = podCIDR === undefined ? undefined : rangeOf(podCIDR);
  const pods = detector?.kind === 'source' ? rangeOf(detector.cidr) : undefined;
  const isElsewhere = (address: string, place: string): boolean => {
    if (range && cidrContains(range, address)) {
      return false;
    }
    if (!addresses.includes(address)) {
      return nodeName !== '' && place === nodeName;
    }
    return pods ? cidrContains(pods, address) : !detector && !masqueradeAll;
  };
  const endpoints = services.flatMap(({ hairpinEndpoints }) => hairpinEndpoints);
  return endpoints.some(({ address, nodeName: place }) => isElsewhere(address, place)) ? undefined : range;
}

/** Endpoints at addresses where the rules may refuse connections, whichever Service they belong to. */
function guardedEndpoints(
  services: readonly ServiceWithAddresses[],
  { ips, nodePorts, clusterIPs, serviceCIDRs }: Pick<Expectations, 'ips' | 'nodePorts' | 'clusterIPs' | 'serviceCIDRs'>,
): Set<string> {
  const guarded = new Set<string>();
  // Nearly no endpoint has such an address or port, so that its text is not needed.
  const addresses = new Set([...clusterIPs, ...[...ips.values()].map(({ address }) => address)]);
  const ports = new Set([...nodePorts.values()].map(({ port }) => port));
  for (const { service } of services) {
    for (const { address, port } of [...service.cluster, ...service.local]) {
      if (serviceCIDRs.length === 0 && !addresses.has(address) && !ports.has(port)) {
        continue;
      }
      const endpointAddress = `${address} ${service.protocol} ${port}`;
      const isGuarded =
        clusterIPs.has(address) ||
        ips.has(endpointAddress) ||
        nodePorts.has(`${service.protocol} ${port}`) ||
        serviceCIDRs.some((range) => cidrContains(range, address));
      if (isGuarded) {
        guarded.add(endpointAddress);
      }
    }
  }
  return guarded;
}

/** Each frontend with the one service port that owns it, and the service ports that lost a frontend to another one. */
function assignFrontends(
  services: readonly ServiceWithAddresses[],
): Pick<Expectations, 'ips' | 'nodePorts' | 'contested' | 'losers'> {
  const ips = new Map<string, ExpectedFrontend>();
  const nodePorts = new Map<string, ExpectedFrontend>();
  const contested = new Map<string, ExpectedFrontend[]>();
  const losers = new Set<string>();
  const settle = (owners: Map<string, ExpectedFrontend>, key: string, claimant: ExpectedFrontend): void => {
    const owner = owners.get(key);
    const isFirst = !owner || compareClaims(claimant, owner) < 0;
    const loser = isFirst ? owner : claimant;
    if (loser) {
      pushTo(contested, key, loser);
      const { namespace, name, protocol, portName } = loser.service;
      losers.add(`${namespace}/${name}/${protocol}/${portName}`);
    }
    if (isFirst) {
      owners.set(key, claimant);
    }
  };
  for (const { service, port, clusterIP, loadBalancerIPs, externalIPs, nodePort } of services) {
    const claim = (kind: ExpectedFrontend['kind'], address: string): void =>
      settle(ips, `${address} ${service.protocol} ${port}`, { kind, address, port, service });
    claim('ClusterIP', clusterIP);
    for (const address of loadBalancerIPs) {
      claim('LoadBalancer', address);
    }
    for (const address of externalIPs) {
      claim('ExternalIP', address);
    }
    if (nodePort !== 0) {
      const frontend = { kind: 'NodePort', address: undefined, port: nodePort, service } as const;
      settle(nodePorts, `${service.protocol} ${nodePort}`, frontend);
    }
  }
  return { ips, nodePorts, contested, losers };
}

const ranks = ['ClusterIP', 'LoadBalancer', 'ExternalIP', 'NodePort'];

/** By kind, then those with endpoints, then by age (unknown counts as newest), then by name (docs/ruleset.md). */
function compareClaims(
  { kind, service: a }: ExpectedFrontend,
  { kind: otherKind, service: b }: ExpectedFrontend,
): number {
  return (
    ranks.indexOf(kind) - ranks.indexOf(otherKind) ||
    Number(b.hasAny) - Number(a.hasAny) ||
    ageOf(a) - ageOf(b) ||
    compareText(a.namespace, b.namespace) ||
    compareText(a.name, b.name) ||
    compareText(a.portName, b.portName)
  );
}

function ageOf({ createdAt }: ExpectedFrontend['service']): number {
  const milliseconds = Date.parse(createdAt);
  return Number.isNaN(milliseconds) ? Number.MAX_VALUE : milliseconds;
}
