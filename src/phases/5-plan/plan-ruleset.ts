import { collectAll } from '../../collect-all.ts';
import type { Diagnostic } from '../../diagnostics.ts';
import type { CompileOptions } from '../../options.ts';
import type { SelectedView } from '../4-select/select-view.ts';
import { collectDispatchChains } from './collect-dispatch-chains.ts';
import { planDispatchChain } from './dispatch-chains.ts';
import { fillSets } from './fill-sets.ts';
import { planFixedChains } from './fixed-chains.ts';
import { fragmentContext } from './fragment-context.ts';
import { tableComment } from './names.ts';
import { nodePlacements } from './node-placements.ts';
import { collectSticky, pinSets, planPinChains } from './pin-chains.ts';
import { planFragment } from './plan-fragment.ts';
import { resolveClaims } from './resolve-claims.ts';
import type { Chain, Ruleset } from './ruleset.ts';
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
