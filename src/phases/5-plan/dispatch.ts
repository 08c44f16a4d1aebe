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
  DispatchChain,
  ElementPlacement,
  ListPlacement,
  PlanContext,
  PlannedFrontend,
} from './fragment.ts';
import { masqueradeClusterIps } from './masquerade.ts';
import { chainNames, type EndpointMapKey, endpointMapName, setNames } from './names.ts';
import { isToNodePortAddress } from './node-ports.ts';
import { affinityPlacement } from './shared-affinity.ts';

/** Cluster, load balancer and external IPs with endpoints -> the chain that picks one. */
export const serviceIps: SetDeclaration = {
  name: setNames.serviceIps,
  key: ['address', 'protocol', 'port'],
  value: 'verdict',
  comment: 'cluster, load balancer and external IPs',
};

/** Node ports with endpoints -> the chain that picks one. */
export const serviceNodePorts: SetDeclaration = {
  name: setNames.serviceNodePorts,
  key: ['protocol', 'port'],
  value: 'verdict',
  comment: 'node ports',
};

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
  { sharedAffinity }: PlanContext,
): Pick<Claim, 'placements' | 'chain' | 'affinity'> {
  const { protocol, affinitySeconds } = servicePort;
  if (affinitySeconds > 0 && !sharedAffinity) {
    const chain = affinityChainName(servicePort, frontend);
    return { placements: [verdictPlacement(frontend, chain)], chain: undefined, affinity: undefined };
  }
  const chain = dispatchChainOf(servicePort, selection, frontend);
  const affinity: AffinityGroup | undefined =
    affinitySeconds > 0 ? { protocol, frontend: frontend.scheme, seconds: affinitySeconds } : undefined;
  return {
    placements: [
      verdictPlacement(frontend, dispatchChainName(chain)),
      ...(chain.clusterCount > 0 ? [endpointPlacement(frontend, chain, 'cluster', selection.cluster)] : []),
      ...(chain.localCount > 0 ? [endpointPlacement(frontend, chain, 'local', selection.local)] : []),
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
function verdictPlacement({ scheme, verdictKey, comment }: PlannedFrontend, chain: string): ElementPlacement {
  const set = scheme === 'address' ? serviceIps : serviceNodePorts;
  return { set, elements: [{ key: verdictKey, comment, value: { kind: 'goto', chain } }] };
}

/** `10.96.0.10 . 80 . 0 : 10.244.1.10 . 8080` and the same for each other endpoint */
function endpointPlacement(
  { scheme, key }: PlannedFrontend,
  { protocol }: DispatchChain,
  scope: 'cluster' | 'local',
  endpoints: readonly Endpoint[],
): ListPlacement {
  const endpointAddresses = endpoints.map(({ endpointAddress }) => endpointAddress);
  return { set: endpointMaps[protocol][scheme][scope], list: { key, endpointAddresses } };
}

/** Used by every frontend, so each is created once. */
const endpointMaps = {
  tcp: endpointMapsOf('tcp'),
  udp: endpointMapsOf('udp'),
  sctp: endpointMapsOf('sctp'),
} as const;

/** All of them. */
export const everyEndpointMap: readonly SetDeclaration[] = Object.values(endpointMaps).flatMap((schemes) =>
  Object.values(schemes).flatMap((scopes) => Object.values(scopes)),
);

function endpointMapsOf(protocol: Protocol) {
  const scopesOf = (frontend: EndpointMapKey['frontend']) => ({
    cluster: endpointMap({ protocol, frontend, scope: 'cluster' }),
    local: endpointMap({ protocol, frontend, scope: 'local' }),
  });
  return { address: scopesOf('address'), nodeport: scopesOf('nodeport') };
}

/**
 * Frontend and index -> endpoint. One for each protocol, because nft needs the protocol of a port to know the type of a
 * key that also holds a random index; nft 1.0.6 accepts `th dport` there and then refuses the rules.
 */
function endpointMap(mapKey: EndpointMapKey): SetDeclaration {
  const { protocol, frontend, scope } = mapKey;
  const where = frontend === 'nodeport' ? 'node port' : 'IP, port';
  return {
    name: endpointMapName(mapKey),
    protocol,
    key: [...(frontend === 'address' ? (['address'] as const) : []), 'port', 'index'],
    value: 'endpoint',
    comment: `${where} and index to ${scope === 'local' ? 'local endpoint' : 'endpoint'}`,
  };
}
