import { changeInstalled } from '../diff/change-installed.ts';
import type { Installed } from '../diff/installed.ts';
import { wantAbsences } from '../diff/want-absences.ts';
import { emptyWanted, wantChain, wantSet } from '../diff/wanted.ts';
import type { Namespaced } from '../namespaced.ts';
import type { NodeSettings } from '../phases/3-model/model.ts';
import { planFixedChains } from '../phases/5-plan/fixed-chains.ts';
import type { FragmentContext } from '../phases/5-plan/fragment-context.ts';
import { fixedSets } from '../phases/5-plan/set-declarations.ts';
import { changeNodeElements } from './change-node-elements.ts';
import type { FamilyState, PlannedPort } from './family-state.ts';
import { type FamilyChange, wantServices } from './want-services.ts';

/** A family of which nothing is known yet, above a table. */
export function emptyFamily(installed: Installed): FamilyState {
  return {
    settings: undefined,
    context: undefined,
    installed,
    ports: new Map(),
    claims: new Map(),
    sharers: new Map(),
    chains: new Map(),
    sticky: new Map(),
  };
}

/** Brings a family's table, whatever it holds, to all that the plans and the node's settings want; `state` is empty. */
export function loadFamily(
  state: FamilyState,
  { settings, context }: { readonly settings: NodeSettings; readonly context: FragmentContext },
  plans: Namespaced<readonly PlannedPort[]>,
): FamilyChange {
  const wanted = emptyWanted();
  state.settings = settings;
  state.context = context;
  for (const set of fixedSets) {
    wantSet(wanted, set.name, set);
  }
  for (const chain of planFixedChains(context)) {
    wantChain(wanted, chain.name, chain);
  }
  changeNodeElements(wanted, undefined, settings);
  const { handovers, diagnostics } = wantServices(state, context, plans, wanted);
  wantAbsences(wanted, state.installed);
  return { commands: changeInstalled(state.installed, wanted), handovers, diagnostics };
}
