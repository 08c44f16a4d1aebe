/**
 * The ruleset of one family, from the service ports and their selected endpoints. A file for each purpose:
 *
 * | file | purpose |
 * | --- | --- |
 * | base-chains.ts | hooks and priorities: where the kernel calls the ruleset |
 * | firewall.ts | source ranges of load balancer IPs |
 * | dispatch.ts, dispatch-chains.ts | DNAT: from a frontend to one of its endpoints |
 * | shared-affinity.ts, affinity-per-endpoint.ts | ClientIP affinity |
 * | node-ports.ts | the addresses that accept node ports |
 * | refusals.ts | what is rejected or dropped |
 * | refused-endpoints.ts | endpoints that are refused themselves |
 * | masquerade.ts | which connections get the node as their source |
 * | claims.ts | which of several Services gets an address |
 */

import type { Diagnostic } from '../../diagnostics/diagnostic.ts';
import { appendAll, collectAll } from '../../lib/lists.ts';
import type { Chain, Element, EndpointList, FilledSet, Ruleset, SetDeclaration } from '../../nft/ruleset.ts';
import type { CompileOptions } from '../../options.ts';
import type { NodeSettings } from '../3-model/model.ts';
import type { SelectedView } from '../4-select/select-endpoints.ts';
import { natPostrouting, planFilterChains, planNatChains } from './base-chains.ts';
import { describeConflict, resolveClaims } from './claims.ts';
import { frontendMaps, planServices } from './dispatch.ts';
import { collectDispatchChains, planDispatchChain } from './dispatch-chains.ts';
import { firewallSets, hasSourceRanges, planFirewallChains } from './firewall.ts';
import type { ElementPlacement, Placement, PlanContext } from './fragment.ts';
import { hairpinConnections, planPostrouting, strayTest } from './masquerade.ts';
import { chainNames, tableComment } from './names.ts';
import { nodePortPlacements } from './node-ports.ts';
import { planFragment } from './plan-fragment.ts';
import * as refusals from './refusals.ts';
import { hasRefusedEndpoints, type PortFragment } from './refused-endpoints.ts';
import { collectAffinity, pinSets, planPinChains } from './shared-affinity.ts';

/** Plans the whole ruleset of one family, and warns where several service ports want the same address. */
export function planRuleset(
  { view, ports }: SelectedView,
  options: CompileOptions,
): { ruleset: Ruleset; diagnostics: Diagnostic[] } {
  const context = planContext(view, options);
  const planned = ports.map(({ servicePort, selection }): PortFragment => {
    return { servicePort, fragment: planFragment(servicePort, selection, context) };
  });
  const fragments = planned.map(({ fragment }) => fragment);
  const { held, lost } = resolveClaims(collectAll(fragments, (fragment) => fragment.claims));
  const affinity = collectAffinity(held.map((claim) => claim.affinity));
  const isGuarded = held.some(hasSourceRanges);
  const dispatch = collectDispatchChains(held.map(({ chain }) => chain));
  const chains: Chain[] = [
    ...collectAll(fragments, (fragment) => fragment.affinityChains),
    ...dispatch.map((chain) => planDispatchChain(chain, context)),
    ...planPinChains(affinity, context),
    ...(isGuarded ? planFirewallChains() : []),
    ...planFixedChains(context),
    ...planVaryingChains(context, {
      refusesEndpoints: hasRefusedEndpoints(planned, view.serviceCIDRs),
      hasStrays: fragments.some(({ hasStrays }) => hasStrays),
    }),
  ];
  const declared = [
    ...planFixedSets(context),
    ...(isGuarded ? firewallSets : []),
    ...pinSets(affinity),
    ...collectAll(fragments, (fragment) => fragment.affinitySets),
  ];
  const shared = [...nodePlacements(view), ...collectAll(fragments, (fragment) => fragment.shared)];
  const claimed = collectAll(held, (claim) => claim.placements);
  const { family } = view;
  const sets = fillSets(declared, shared, claimed);
  const diagnostics = lost.flatMap(describeConflict);
  return { ruleset: { family, table: options.table, comment: tableComment, sets, chains }, diagnostics };
}

/** What planning depends on besides Services, for one family. */
export function planContext(settings: NodeSettings, options: CompileOptions): PlanContext {
  return {
    family: settings.family,
    mark: 2 ** options.masqueradeBit,
    masqueradeAll: options.masqueradeAll,
    detector: settings.detector,
    nodePortAddresses: settings.nodePortAddresses,
    localhostNodePorts: settings.localhostNodePorts,
    primaryAddress: settings.primaryAddress,
    podCIDR: settings.podCIDR,
    isStray: strayTest(settings, options.masqueradeAll),
    sharedAffinity: settings.family === 'ip' || options.targetNft === '1.1.3',
    counters: options.counters,
  };
}

/** The sets of every ruleset, used or not, because its fixed chains name them. */
export function planFixedSets({
  counters,
  localhostNodePorts,
}: Pick<PlanContext, 'counters' | 'localhostNodePorts'>): SetDeclaration[] {
  return [
    refusals.clusterIps,
    refusals.serviceCidrs,
    hairpinConnections,
    ...frontendMaps(counters),
    refusals.noEndpointServices,
    refusals.noEndpointNodePorts,
    ...(localhostNodePorts === 'untouched' ? [] : [refusals.localhostNodePorts]),
  ];
}

/** The chains of every ruleset whose rules depend on the node's settings only, base chains last. */
export function planFixedChains(context: PlanContext): Chain[] {
  return [
    refusals.planRejectChain(),
    planServices(context),
    refusals.planIncomingRefusals(context),
    refusals.planOutgoingRefusals(context),
    ...planNatChains(),
  ];
}

/** What endpoints decide about base chains. */
interface Variation {
  /** Whether some endpoint is at an address that is refused (refused-endpoints.ts). */
  readonly refusesEndpoints: boolean;
  /** Whether some endpoint on the node is outside of its range of pods (masquerade.ts). */
  readonly hasStrays: boolean;
}

/** The chains that depend on endpoints as well. */
export function planVaryingChains(context: PlanContext, { refusesEndpoints, hasStrays }: Variation): Chain[] {
  return [planPostrouting(context, hasStrays), ...(refusesEndpoints ? planFilterChains() : [])];
}

/** The parts of the context that shape fixed chains. */
export type ChainSetting = 'mark' | 'masqueradeAll' | 'detector' | 'nodePortAddresses' | 'localhostNodePorts';

/** The names of the chains of every ruleset, each with the settings that its rules depend on; some vary with endpoints, too. */
export const fixedChains: ReadonlyMap<string, readonly ChainSetting[]> = new Map<string, readonly ChainSetting[]>([
  [chainNames.rejectChain, []],
  [chainNames.services, ['mark', 'masqueradeAll', 'detector', 'nodePortAddresses']],
  [chainNames.incomingRefusals, ['nodePortAddresses']],
  [chainNames.outgoingRefusals, ['nodePortAddresses', 'localhostNodePorts']],
  ...planNatChains().map(({ name }) => [name, []] as const),
  [natPostrouting.name, ['mark']],
]);

/** The elements that come from the node and the cluster, not from a Service. */
export function nodePlacements(settings: NodeSettings): ElementPlacement[] {
  return [refusals.serviceCidrPlacement(settings), ...nodePortPlacements(settings)];
}

/**
 * Fills every set with its elements, in the order in which they come.
 *
 * @param declared sets that must exist, with elements or without.
 * @param shared elements that several service ports may have (a cluster IP, a hairpin connection): the first one stays.
 * @param claimed elements and endpoint lists of one service port each.
 */
function fillSets(
  declared: readonly SetDeclaration[],
  shared: readonly ElementPlacement[],
  claimed: readonly Placement[],
): FilledSet[] {
  const filling = new Map<string, Filling>();
  for (const set of declared) {
    fillingOf(set, filling);
  }
  for (const { set, elements } of shared) {
    addNew(elements, fillingOf(set, filling));
  }
  for (const placement of claimed) {
    const { elements, lists } = fillingOf(placement.set, filling);
    if ('list' in placement) {
      lists.push(placement.list);
    } else {
      appendAll(elements, placement.elements);
    }
  }
  return [...filling.values()].map(({ set, elements, lists }) =>
    lists.length > 0 ? { ...set, elements, lists } : { ...set, elements },
  );
}

interface Filling {
  readonly set: SetDeclaration;
  readonly elements: Element[];
  readonly lists: EndpointList[];
  /** Keys of shared elements. */
  readonly seen: Set<string>;
}

function fillingOf(set: SetDeclaration, filling: Map<string, Filling>): Filling {
  const known = filling.get(set.name);
  if (known) {
    return known;
  }
  const added: Filling = { set, elements: [], lists: [], seen: new Set() };
  filling.set(set.name, added);
  return added;
}

function addNew(shared: readonly Element[], { elements, seen }: Filling): void {
  for (const element of shared) {
    if (!seen.has(element.key)) {
      seen.add(element.key);
      elements.push(element);
    }
  }
}
