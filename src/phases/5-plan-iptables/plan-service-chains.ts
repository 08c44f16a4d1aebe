/** The chains of one service port in the table nat: from a frontend to one of its endpoints. */

import type { InterfaceMatch, IptablesChain, IptablesMatch, IptablesRule } from '../../iptables/iptables-ruleset.ts';
import { endpointText } from '../../net/network.ts';
import type { Endpoint, FrontendKind, LocalDetector, NodeSettings, ServicePort } from '../3-model/model.ts';
import type { Selection } from '../4-select/select-endpoints.ts';
import { displayName } from '../5-plan/names.ts';
import { endpointChainName, type ServiceChainNames } from './iptables-names.ts';

/** What the rules depend on besides Services. */
export interface IptablesContext extends Pick<NodeSettings, 'detector' | 'nodePortAddresses' | 'primaryAddress'> {
  readonly family: NodeSettings['family'];
  /** The mark bit that requests masquerading, as a number with that bit set. */
  readonly mark: number;
  readonly masqueradeAll: boolean;
  /** The loopback addresses at which node ports answer. */
  readonly loopback: string | undefined;
  /** Whether an endpoint may be on this node, and so may connect to itself here. */
  readonly mayBeHere: (endpoint: Endpoint) => boolean;
}

/** A service port, its endpoints, and where it is served. */
export interface ServedPort {
  readonly servicePort: ServicePort;
  readonly selection: Selection;
  readonly names: ServiceChainNames;
  /** The addresses, and the node port, that it holds; another Service may hold the rest. */
  readonly held: readonly HeldFrontend[];
  /** The sources that may use its load balancer IPs; undefined when all may. */
  readonly sources: readonly string[] | undefined;
}

/** One of the places where clients reach a service port; a node port has no address. */
export interface HeldFrontend {
  readonly kind: FrontendKind;
  readonly address: string | undefined;
}

/** The chain that a frontend's rule jumps to; undefined if nothing is translated there. */
export function entryChainOf(
  { servicePort, selection, names, sources }: ServedPort,
  kind: FrontendKind,
): string | undefined {
  if (kind === 'ClusterIP') {
    const isServed = selection.hasEndpoints && selection.internalRefusal === undefined;
    return isServed ? internalChainOf(servicePort, names) : undefined;
  }
  if (!selection.hasEndpoints) {
    return undefined;
  }
  return kind === 'LoadBalancer' && sources ? names.firewall : names.external;
}

function internalChainOf({ internalPolicy }: ServicePort, names: ServiceChainNames): string {
  return internalPolicy === 'Local' ? names.local : names.cluster;
}

/** All chains that the frontends that a service port holds lead to. */
export function planServiceChains(port: ServedPort, context: IptablesContext): IptablesChain[] {
  const { servicePort, selection, names, held, sources } = port;
  const entries = new Set(held.map(({ kind }) => entryChainOf(port, kind)));
  const hasFirewall = sources !== undefined && entries.has(names.firewall);
  const hasExternal = hasFirewall || entries.has(names.external);
  const keepsSource = servicePort.externalPolicy === 'Local';
  const usesLocal = entries.has(names.local) || (hasExternal && keepsSource && selection.local.length > 0);
  const usesCluster = entries.has(names.cluster) || hasExternal;
  const used = new Set([...(usesCluster ? selection.cluster : []), ...(usesLocal ? selection.local : [])]);
  const toClusterIp = (chain: string): IptablesRule[] =>
    entries.has(chain) ? masqueradeClusterIp(servicePort, context) : [];
  const picks = (chain: string, endpoints: readonly Endpoint[]): IptablesChain => ({
    name: chain,
    rules: [...toClusterIp(chain), ...pickRules(servicePort, endpoints, context)],
  });
  return [
    ...(hasFirewall ? [{ name: names.firewall, rules: firewallRules(port, sources) }] : []),
    ...(hasExternal ? [{ name: names.external, rules: externalTrafficRules(port, context) }] : []),
    ...(usesCluster ? [picks(names.cluster, selection.cluster)] : []),
    ...(usesLocal ? [picks(names.local, selection.local)] : []),
    ...[...used].filter(context.mayBeHere).map((endpoint) => endpointChain(servicePort, endpoint, context)),
  ];
}

/** `-s 198.51.100.0/24 -j SVC2NFT-EXT-X`; all other packets stay untranslated, and the filter chain drops them. */
function firewallRules({ servicePort, names }: ServedPort, sources: readonly string[]): IptablesRule[] {
  const target = { kind: 'jump', chain: names.external } as const;
  return sources.map((range) => ({ source: { range }, comment: displayName(servicePort), target }));
}

/**
 * With externalTrafficPolicy Cluster all traffic is masqueraded. With policy Local the source is kept and only local
 * endpoints may answer; but pods, to which every node knows the way, and the node itself, masqueraded, may use all
 * endpoints.
 */
function externalTrafficRules({ servicePort, selection, names }: ServedPort, context: IptablesContext): IptablesRule[] {
  const comment = displayName(servicePort);
  const requestMasquerade = masqueradeTarget(context);
  const toCluster = { kind: 'jump', chain: names.cluster } as const;
  if (servicePort.externalPolicy === 'Cluster') {
    return [
      { comment, target: requestMasquerade },
      { comment, target: toCluster },
    ];
  }
  const isFromNode: IptablesMatch[] = [{ kind: 'local-address', field: 'src' }];
  const toLocal: IptablesRule = { comment, target: { kind: 'jump', chain: names.local } };
  return [
    // First, so that a pod with the node's address is not taken for the node.
    ...(context.detector ? [{ ...fromPods(context.detector, false), comment, target: toCluster }] : []),
    { matches: isFromNode, comment, target: requestMasquerade },
    { matches: isFromNode, comment, target: toCluster },
    ...(selection.externalRefusal ? [] : [toLocal]),
  ];
}

/** `-d 10.96.0.10/32 ! -s 10.244.0.0/16 -p tcp -m tcp --dport 80 -j MARK`: its endpoint may be on another node. */
function masqueradeClusterIp(servicePort: ServicePort, context: IptablesContext): IptablesRule[] {
  const { detector, masqueradeAll } = context;
  const { clusterIP, protocol, port } = servicePort;
  if (!detector && !masqueradeAll) {
    return [];
  }
  return [
    {
      ...(detector && !masqueradeAll && fromPods(detector, true)),
      destination: { range: clusterIP },
      protocol,
      port,
      comment: displayName(servicePort),
      target: masqueradeTarget(context),
    },
  ];
}

/** Matches packets from pods of this node, or all others. */
function fromPods(detector: LocalDetector, negated: boolean): Pick<IptablesRule, 'source' | 'inInterface'> {
  if (detector.kind === 'source') {
    return { source: { range: detector.cidr, negated } };
  }
  const inInterface: InterfaceMatch = { name: detector.name, prefix: detector.prefix, negated };
  return { inInterface };
}

function masqueradeTarget({ mark }: IptablesContext) {
  return { kind: 'set-mark', operator: 'or', mark } as const;
}

/**
 * Of n endpoints the first gets one packet of n, the next one of the remaining n - 1, and the last all that are left: equal
 * shares. With affinity the endpoints whose clients are known come before: each lists the clients that it got.
 *
 * An endpoint elsewhere is translated to here. One on this node has a chain, because its connections to itself need a mark.
 */
function pickRules(
  servicePort: ServicePort,
  endpoints: readonly Endpoint[],
  { mayBeHere }: IptablesContext,
): IptablesRule[] {
  const { affinitySeconds: seconds } = servicePort;
  const commentOn = ({ endpointAddress }: Endpoint): string =>
    `${displayName(servicePort)} -> ${endpointText(endpointAddress)}`;
  const known =
    seconds === 0
      ? []
      : endpoints.map((endpoint): IptablesRule => {
          const list = endpointChainName(servicePort, endpoint);
          const isListed = { kind: 'listed-source', list, seconds, updates: !mayBeHere(endpoint) } as const;
          return mayBeHere(endpoint)
            ? { matches: [isListed], comment: commentOn(endpoint), target: { kind: 'jump', chain: list } }
            : translate(servicePort, endpoint, [isListed]);
        });
  const random = endpoints.map((endpoint, index): IptablesRule => {
    const left = endpoints.length - index;
    const matches: IptablesMatch[] = left > 1 ? [{ kind: 'random', outOf: left }] : [];
    return mayBeHere(endpoint)
      ? {
          matches,
          comment: commentOn(endpoint),
          target: { kind: 'jump', chain: endpointChainName(servicePort, endpoint) },
        }
      : translate(servicePort, endpoint, [...matches, ...listClient(servicePort, endpoint)]);
  });
  return [...known, ...random];
}

/** `-p tcp -j DNAT --to-destination 10.244.1.5:8080` */
function translate(servicePort: ServicePort, endpoint: Endpoint, matches: readonly IptablesMatch[]): IptablesRule {
  return {
    protocol: servicePort.protocol,
    matches,
    target: { kind: 'dnat', to: endpoint.endpointAddress },
  };
}

function listClient(servicePort: ServicePort, endpoint: Endpoint): IptablesMatch[] {
  return servicePort.affinitySeconds === 0
    ? []
    : [{ kind: 'list-source', list: endpointChainName(servicePort, endpoint) }];
}

/** A connection of an endpoint to itself is masqueraded, because the pod would answer itself with its own address. */
function endpointChain(servicePort: ServicePort, endpoint: Endpoint, context: IptablesContext): IptablesChain {
  const source = { range: endpoint.endpointAddress.address };
  return {
    name: endpointChainName(servicePort, endpoint),
    rules: [
      { source, comment: displayName(servicePort), target: masqueradeTarget(context) },
      translate(servicePort, endpoint, listClient(servicePort, endpoint)),
    ],
  };
}
