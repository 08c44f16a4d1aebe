import { changeInstalled } from '../diff/change-installed.ts';
import { emptyWanted } from '../diff/wanted.ts';
import { entriesOfNamespaced, getNamespaced, type Namespaced, setNamespaced } from '../namespaced.ts';
import type { CompileOptions } from '../options.ts';
import { adviseOn } from '../phases/3-model/build-model.ts';
import type { NodeSettings } from '../phases/3-model/model.ts';
import type { ResolvedNode } from '../phases/3-model/resolve-node.ts';
import { type FragmentContext, fragmentContext } from '../phases/5-plan/fragment-context.ts';
import type { Handover } from './change-claims.ts';
import { changeNodeElements } from './change-node-elements.ts';
import { dropIdle } from './drop-idle.ts';
import type { FamilyState, PlannedPort } from './family-state.ts';
import { emptyFamily, loadFamily } from './load-family.ts';
import type { ObjectStore } from './object-store.ts';
import { planService } from './plan-service.ts';
import { viewOf } from './view-of.ts';
import { type FamilyChange, wantServices } from './want-services.ts';

/** What a family is brought up to date with. */
export interface FamilyInput {
  readonly store: ObjectStore;
  readonly options: CompileOptions;
  readonly node: ResolvedNode;
  readonly settings: NodeSettings;
  /** Services that may have changed. */
  readonly touched: Namespaced<unknown>;
  /** Services that are left out of this family. */
  readonly excluded: Namespaced<true>;
}

/**
 * Brings a family up to date: the Services that were touched, or all of them when the node itself is another, on which
 * every fragment depends. The state that comes back takes the place of the one given.
 */
export function changeFamily(state: FamilyState, input: FamilyInput): { state: FamilyState; change: FamilyChange } {
  const { settings } = input;
  if (!state.settings || !state.context || !isSameNode(state.settings, settings)) {
    return reload(state, input);
  }
  const wanted = emptyWanted();
  changeNodeElements(wanted, state.settings, settings);
  state.settings = settings;
  const plans = planServices(input, input.touched, state.context);
  const { handovers, diagnostics } = wantServices(state, state.context, plans, wanted);
  dropIdle(state, wanted);
  return { state, change: { commands: changeInstalled(state.installed, wanted), handovers, diagnostics } };
}

function reload(before: FamilyState, input: FamilyInput): { state: FamilyState; change: FamilyChange } {
  const { settings, options, store, node } = input;
  const context = fragmentContext(settings, options);
  const state = emptyFamily(before.installed);
  const plans = planServices(input, store.services, context);
  const { commands, diagnostics } = loadFamily(state, { settings, context }, plans);
  const view = viewOf(state);
  const advice = view ? adviseOn(view, node, options) : [];
  const handovers = handoversBetween(before, state);
  return { state, change: { commands, diagnostics: [...diagnostics, ...advice], handovers } };
}

/** ServiceCIDRs are no matter for fragments. */
function isSameNode(
  { serviceCIDRs: _, ...before }: NodeSettings,
  { serviceCIDRs: __, ...after }: NodeSettings,
): boolean {
  return JSON.stringify(before) === JSON.stringify(after);
}

function planServices(
  { store, settings, excluded }: FamilyInput,
  services: Namespaced<unknown>,
  context: FragmentContext,
): Namespaced<readonly PlannedPort[]> {
  const plans: Namespaced<readonly PlannedPort[]> = new Map();
  for (const [namespace, name] of entriesOfNamespaced(services)) {
    const isExcluded = getNamespaced(excluded, namespace, name) === true;
    setNamespaced(plans, namespace, name, isExcluded ? [] : planService(store, namespace, name, { settings, context }));
  }
  return plans;
}

function handoversBetween(before: FamilyState, after: FamilyState): Handover[] {
  const keys = new Set([...before.claims.keys(), ...after.claims.keys()]);
  return [...keys].map((key) => ({ before: before.claims.get(key)?.[0], after: after.claims.get(key)?.[0] }));
}
