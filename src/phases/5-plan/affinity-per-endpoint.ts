/**
 * ClientIP affinity (Service spec.sessionAffinity) with a chain and a set of clients for each endpoint. It is used over
 * IPv6 unless --target-nft says 1.1.3: nft 1.0.6 aborts on rules that write to a map whose key and value exceed 16 bytes,
 * which the maps of shared-affinity.ts do over IPv6. It takes far longer to load.
 */

import { saddr } from '../../nft/expressions.ts';
import type { Chain, Rule, SetDeclaration } from '../../nft/ruleset.ts';
import type { ServicePort } from '../3-model/model.ts';
import type { Selection } from '../4-select/select-endpoints.ts';
import type { Fragment, PlanContext, PlannedFrontend } from './fragment.ts';
import { externalLocalRules, externalRules } from './masquerade.ts';
import { type NamedEndpoint, perEndpointNames } from './names.ts';

/** What chains and sets of affinity per endpoint depend on: the names and settings of a service port. */
export type AffinityPort = Pick<
  ServicePort,
  'namespace' | 'name' | 'portName' | 'protocol' | 'affinitySeconds' | 'externalPolicy'
>;

/** The same of a selection. */
export type AffinitySelection = Pick<Selection, 'exposed' | 'hasEndpoints'> &
  Readonly<Record<'cluster' | 'local' | 'reachable', readonly NamedEndpoint[]>>;

/** Clients that one endpoint keeps at most; the kernel allocates as they come. */
const clientCapacity = 65_535;

/**
 * Plans affinity for one service port that has endpoints. Chains come after those that they go to.
 *
 * @returns nothing for a service port without affinity, or with shared affinity.
 */
export function planAffinityPerEndpoint(
  servicePort: AffinityPort,
  selection: AffinitySelection,
  context: PlanContext,
): Pick<Fragment, 'affinitySets' | 'affinityChains'> {
  const { cluster, local, reachable, exposed, hasEndpoints } = selection;
  if (servicePort.affinitySeconds === 0 || context.sharedAffinity || !hasEndpoints) {
    return { affinitySets: [], affinityChains: [] };
  }
  return {
    affinitySets: reachable.map((endpoint) => clientSet(servicePort, endpoint)),
    affinityChains: [
      ...reachable.map((endpoint) => endpointChain(servicePort, endpoint)),
      ...(cluster.length > 0 ? [pickChain(servicePort, perEndpointNames.clusterChain(servicePort), cluster)] : []),
      ...(local.length > 0 ? [pickChain(servicePort, perEndpointNames.localChain(servicePort), local)] : []),
      ...(exposed ? [externalChain(servicePort, selection, context)] : []),
    ],
  };
}

/** The chain that the verdict of a frontend goes to. */
export function affinityChainName(servicePort: ServicePort, { internal }: PlannedFrontend): string {
  if (!internal) {
    return perEndpointNames.externalChain(servicePort);
  }
  return servicePort.internalPolicy === 'Local'
    ? perEndpointNames.localChain(servicePort)
    : perEndpointNames.clusterChain(servicePort);
}

function clientSet(servicePort: AffinityPort, endpoint: NamedEndpoint): SetDeclaration {
  return {
    name: perEndpointNames.clientSet(servicePort, endpoint),
    key: ['address'],
    // Without `dynamic` some kernels add it at the first update, and the next load conflicts.
    flags: ['dynamic', 'timeout'],
    size: clientCapacity,
    timeoutSeconds: servicePort.affinitySeconds,
    comment: 'clients pinned to this endpoint',
  };
}

function endpointChain(servicePort: AffinityPort, endpoint: NamedEndpoint): Chain {
  const { protocol } = servicePort;
  return {
    name: perEndpointNames.endpointChain(servicePort, endpoint),
    rules: [
      // update @pinned/shop/web/tcp/http__fd00..1/8080 { ip6 saddr }
      [{ kind: 'update', set: perEndpointNames.clientSet(servicePort, endpoint), key: [saddr] }],
      // meta l4proto tcp dnat ip6 to [fd00::1]:8080
      [{ kind: 'dnat', protocol, ...endpoint.endpointAddress }],
    ],
  };
}

function pickChain(servicePort: AffinityPort, name: string, endpoints: readonly NamedEndpoint[]): Chain {
  const chains = endpoints.map((endpoint) => perEndpointNames.endpointChain(servicePort, endpoint));
  // ip6 saddr @pinned/shop/web/tcp/http__fd00..1/8080 goto endpoint/shop/web/tcp/http__fd00..1/8080
  const pinned = endpoints.map(
    (endpoint, index): Rule => [
      { kind: 'match-set', key: [saddr], set: perEndpointNames.clientSet(servicePort, endpoint) },
      { kind: 'goto', chain: chains[index] ?? '' },
    ],
  );
  // numgen random mod 2 vmap { 0 : goto endpoint/shop/web/tcp/http__fd00..1/8080, 1 : goto ... }
  return { name, rules: [...pinned, [{ kind: 'random-goto', chains }]] };
}

function externalChain(servicePort: AffinityPort, { local }: AffinitySelection, context: PlanContext): Chain {
  const clusterChain = perEndpointNames.clusterChain(servicePort);
  const localChain = local.length > 0 ? perEndpointNames.localChain(servicePort) : undefined;
  return {
    name: perEndpointNames.externalChain(servicePort),
    rules:
      servicePort.externalPolicy === 'Cluster'
        ? externalRules(clusterChain, context)
        : externalLocalRules(clusterChain, localChain, context),
  };
}
