import type { Diagnostic } from '../../diagnostics/diagnostic.ts';
import { appendAll, collectAll } from '../../lib/lists.ts';
import type { Chain, Element, EndpointList, FilledSet, Ruleset, SetDeclaration } from '../../nft/ruleset.ts';
import type { CompileOptions } from '../../options.ts';
import type { NodeSettings } from '../3-model/model.ts';
import type { SelectedView } from '../4-select/select-endpoints.ts';
import { collectSticky, pinSets, planPinChains } from './affinity.ts';
import { resolveClaims } from './claims.ts';
import { collectDispatchChains, planDispatchChain } from './dispatch-chains.ts';
import { planFixedChains } from './fixed-chains.ts';
import { type ElementPlacement, fragmentContext, type Placement } from './fragment.ts';
import { tableComment } from './names.ts';
import { planFragment } from './plan-fragment.ts';
import * as sets from './set-declarations.ts';

/** Plans the whole ruleset of one family, and tells which service ports want the same address. */
export function planRuleset(
  { view, ports }: SelectedView,
  options: CompileOptions,
): { ruleset: Ruleset; diagnostics: Diagnostic[] } {
  const context = fragmentContext(view, options);
  const fragments = ports.map(({ servicePort, selection }) => planFragment(servicePort, selection, context));
  const { held, diagnostics } = resolveClaims(collectAll(fragments, (fragment) => fragment.claims));
  const sticky = collectSticky(held.map((claim) => claim.sticky));
  const dispatch = collectDispatchChains(held.map(({ chain }) => chain));
  const chains: Chain[] = [
    ...collectAll(fragments, (fragment) => fragment.ownedChains),
    ...dispatch.map((chain) => planDispatchChain(chain, context)),
    ...planPinChains(sticky, context),
    ...planFixedChains(context),
  ];
  const declared = [...sets.fixedSets, ...pinSets(sticky), ...collectAll(fragments, (fragment) => fragment.ownedSets)];
  const shared = [...nodePlacements(view), ...collectAll(fragments, (fragment) => fragment.shared)];
  const claimed = collectAll(held, (claim) => claim.placements);
  return {
    ruleset: {
      family: view.family,
      table: options.table,
      comment: tableComment,
      sets: fillSets(declared, shared, claimed),
      chains,
    },
    diagnostics,
  };
}

/**
 * Brings the elements of every set together, in the order they come.
 *
 * @param declared sets that must exist, with elements or without.
 * @param shared elements that several service ports may have (a cluster IP, a hairpin connection): the first one stays.
 * @param claimed elements and endpoint lists that nobody else has.
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

/** The elements that come from the node and the cluster, not from a Service. */
export function nodePlacements({ serviceCIDRs, nodePortAddresses }: NodeSettings): ElementPlacement[] {
  const elementsOf = (texts: readonly string[]): Element[] => texts.map((key) => ({ key }));
  const cidrs = { set: sets.serviceCidrs, elements: elementsOf(serviceCIDRs) };
  return nodePortAddresses.kind === 'all'
    ? [cidrs]
    : [cidrs, { set: sets.nodePortIps, elements: elementsOf(nodePortAddresses.addresses) }];
}
