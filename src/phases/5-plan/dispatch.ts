/** Dispatch: the maps from a frontend to the chain that picks its endpoint, and from there to the endpoints. */

import type { Protocol } from '../../net/network.ts';
import { daddr, l4proto, thDport } from '../../nft/expressions.ts';
import type { Chain, SetDeclaration } from '../../nft/ruleset.ts';
import type { Endpoint, ServicePort } from '../3-model/model.ts';
import type { Selection } from '../4-select/select-endpoints.ts';
import { affinityChainName } from './affinity-per-endpoint.ts';
import { dispatchChainName } from './dispatch-chains.ts';
import type {
  AffinityGroup,
  Claim,
  ElementPlacement,
  ListPlacement,
  PlanContext,
  PlannedFrontend,
} from './fragment.ts';
import { masqueradeClusterIps } from './masquerade.ts';
import { chainNames, type EndpointMapKey, endpointMapName, type FrontendScheme, setNames } from './names.ts';
import { isToNodePortAddress } from './node-ports.ts';
import { affinityPlacement } from './shared-affinity.ts';

/** The chain `services`, in which DNAT happens: cluster, load balancer and external IPs first, then node ports. */
export function planServices(context: PlanContext): Chain {
  return {
    name: chainNames.services,
    rules: [
      ...masqueradeClusterIps(context),
      // ip daddr . meta l4proto . th dport vmap @service-ips
      [{ kind: 'vmap', key: [daddr, l4proto, thDport], map: setNames.serviceIps }],
      // ip daddr @nodeport-ips meta l4proto . th dport vmap @service-nodeports
      [...isToNodePortAddress(context), { kind: 'vmap', key: [l4proto, thDport], map: setNames.serviceNodePorts }],
    ],
  };
}

/** Plans the way from a frontend to the endpoints that its traffic policy allows; there are some. */
export function planDispatch(
  servicePort: ServicePort,
  selection: Selection,
  frontend: PlannedFrontend,
  { sharedAffinity, counters }: PlanContext,
): Pick<Claim, 'placements' | 'chain' | 'affinity'> {
  const { protocol, affinitySeconds } = servicePort;
  const maps = counters ? countedMaps : plainMaps;
  if (affinitySeconds > 0 && !sharedAffinity) {
    const chain = affinityChainName(servicePort, frontend);
    return { placements: [verdictPlacement(frontend, chain, maps)], chain: undefined, affinity: undefined };
  }
  const chain = dispatchChainOf(servicePort, selection, frontend);
  const endpoints = maps.endpoints[protocol][frontend.scheme];
  const affinity: AffinityGroup | undefined =
    affinitySeconds > 0 ? { protocol, frontend: frontend.scheme, seconds: affinitySeconds } : undefined;
  return {
    placements: [
      verdictPlacement(frontend, dispatchChainName(chain), maps),
      ...(chain.clusterCount > 0 ? [endpointPlacement(frontend, selection.cluster, endpoints.cluster)] : []),
      ...(chain.localCount > 0 ? [endpointPlacement(frontend, selection.local, endpoints.local)] : []),
      ...(affinity ? [affinityPlacement(frontend, affinity, chain, selection)] : []),
    ],
    chain,
    affinity,
  };
}

/** Whether clients keep their source and get local endpoints depends on the policy that applies to the frontend. */
function dispatchChainOf(servicePort: ServicePort, { cluster, local }: Selection, frontend: PlannedFrontend) {
  const { protocol, internalPolicy, externalPolicy, affinitySeconds } = servicePort;
  const isLocal = (frontend.internal ? internalPolicy : externalPolicy) === 'Local';
  const entries = frontend.internal ? (['cluster', 'local'] as const) : (['external', 'external-local'] as const);
  const entry = entries[isLocal ? 1 : 0];
  return {
    protocol,
    frontend: frontend.scheme,
    entry,
    clusterCount: entry === 'local' ? 0 : cluster.length,
    localCount: isLocal ? local.length : 0,
    affinity: affinitySeconds > 0,
  };
}

/** `10.96.0.10 . tcp . 80 comment "shop/web:http" : goto tcp-cluster-2` */
function verdictPlacement(
  { scheme, verdictKey, comment }: PlannedFrontend,
  chain: string,
  { frontends }: DispatchMaps,
): ElementPlacement {
  return { set: frontends[scheme], elements: [{ key: verdictKey, comment, value: { kind: 'goto', chain } }] };
}

/** `10.96.0.10 . 80 . 0 : 10.244.1.10 . 8080` and the same for each other endpoint */
function endpointPlacement(
  { key }: PlannedFrontend,
  endpoints: readonly Endpoint[],
  set: SetDeclaration,
): ListPlacement {
  const endpointAddresses = endpoints.map(({ endpointAddress }) => endpointAddress);
  return { set, list: { key, endpointAddresses } };
}

/** The maps that a connection's first packet is looked up in, of its frontend and of its endpoint. */
type DispatchMaps = ReturnType<typeof dispatchMaps>;

/** Used by every frontend, so each is created once. */
const plainMaps = dispatchMaps();

/** The same, in which the kernel counts how often each element is found. */
const countedMaps = dispatchMaps({ counter: true });

function dispatchMaps(counting: Pick<SetDeclaration, 'counter'> = {}) {
  return {
    frontends: {
      /** Cluster, load balancer and external IPs with endpoints -> the chain that picks one. */
      address: {
        name: setNames.serviceIps,
        key: ['address', 'protocol', 'port'],
        value: 'verdict',
        ...counting,
        comment: 'cluster, load balancer and external IPs',
      },
      /** Node ports with endpoints -> the chain that picks one. */
      nodeport: {
        name: setNames.serviceNodePorts,
        key: ['protocol', 'port'],
        value: 'verdict',
        ...counting,
        comment: 'node ports',
      },
    } satisfies Readonly<Record<FrontendScheme, SetDeclaration>>,
    endpoints: {
      tcp: endpointMapsOf('tcp', counting),
      udp: endpointMapsOf('udp', counting),
      sctp: endpointMapsOf('sctp', counting),
    },
  };
}

/** The maps of frontends. */
export function frontendMaps(counters: boolean): readonly SetDeclaration[] {
  return Object.values((counters ? countedMaps : plainMaps).frontends);
}

/** The maps of frontends and endpoints, each as it is without counters and as it is with them. */
export const everyDispatchMap: readonly SetDeclaration[] = [plainMaps, countedMaps].flatMap(
  ({ frontends, endpoints }): SetDeclaration[] => [
    ...Object.values(frontends),
    ...Object.values(endpoints).flatMap((schemes) => Object.values(schemes).flatMap((scopes) => Object.values(scopes))),
  ],
);

function endpointMapsOf(protocol: Protocol, counting: Pick<SetDeclaration, 'counter'>) {
  const scopesOf = (frontend: EndpointMapKey['frontend']) => ({
    cluster: endpointMap({ protocol, frontend, scope: 'cluster' }, counting),
    local: endpointMap({ protocol, frontend, scope: 'local' }, counting),
  });
  return { address: scopesOf('address'), nodeport: scopesOf('nodeport') };
}

/**
 * Frontend and index -> endpoint. One for each protocol, because nft needs the protocol of a port to know the type of a
 * key that also holds a random index; nft 1.0.6 accepts `th dport` there and then refuses the rules.
 */
function endpointMap(mapKey: EndpointMapKey, counting: Pick<SetDeclaration, 'counter'>): SetDeclaration {
  const { protocol, frontend, scope } = mapKey;
  const where = frontend === 'nodeport' ? 'node port' : 'IP, port';
  return {
    name: endpointMapName(mapKey),
    protocol,
    key: [...(frontend === 'address' ? (['address'] as const) : []), 'port', 'index'],
    value: 'endpoint',
    ...counting,
    comment: `${where} and index to ${scope === 'local' ? 'local endpoint' : 'endpoint'}`,
  };
}
