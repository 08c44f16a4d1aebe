import { changeInstalled } from '../diff/change-installed.ts';
import { wantAbsences } from '../diff/diff-rulesets.ts';
import { idleChainLimit, idleChains } from '../diff/idle-chains.ts';
import { emptyWanted, type Installed, type Wanted, wantChain, wantElement, wantSet } from '../diff/installed.ts';
import { entriesOfNamespaced, getNamespaced, type Namespaced, setNamespaced } from '../kubernetes/namespaced-map.ts';
import type { Chain } from '../nft/ruleset.ts';
import { setsOf } from '../nft/ruleset-parts.ts';
import type { CompileOptions } from '../options.ts';
import { adviseOn } from '../phases/3-model/build-model.ts';
import { buildServicePorts } from '../phases/3-model/build-service-ports.ts';
import type { NodeSettings } from '../phases/3-model/model.ts';
import type { ResolvedNode } from '../phases/3-model/resolve-node.ts';
import { selectEndpoints } from '../phases/4-select/select-endpoints.ts';
import { isDispatchChainName } from '../phases/5-plan/dispatch-chains.ts';
import type { PlanContext } from '../phases/5-plan/fragment.ts';
import { planFragment } from '../phases/5-plan/plan-fragment.ts';
import { fixedSets, nodePlacements, planContext, planFixedChains } from '../phases/5-plan/plan-ruleset.ts';
import { viewOf } from './create-engine.ts';
import type { FamilyState, PlannedPort } from './family-state.ts';
import type { ObjectStore } from './object-store.ts';
import { type FamilyChange, type Handover, wantServices } from './want-services.ts';

/** What a family is brought up to date with. */
interface FamilyInput {
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
  const context = planContext(settings, options);
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
  context: PlanContext,
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
function loadFamily(
  state: FamilyState,
  { settings, context }: { readonly settings: NodeSettings; readonly context: PlanContext },
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

/** Plans all service ports of one Service in one family; none when there is no such Service. */
function planService(
  store: ObjectStore,
  namespace: string,
  name: string,
  { settings, context }: { readonly settings: NodeSettings; readonly context: PlanContext },
): PlannedPort[] {
  const service = getNamespaced(store.services, namespace, name);
  if (!service) {
    return [];
  }
  const { nodeName } = settings;
  return buildServicePorts(service, settings.family, store.owned, nodeName).map((servicePort) => ({
    servicePort,
    fragment: planFragment(servicePort, selectEndpoints(servicePort, settings), context),
  }));
}

/**
 * Lets go of dispatch chains that nobody needs when they have become too many, or when a set that they use goes; and
 * then of endpoint maps that no chain reads.
 */
function dropIdle({ installed, chains: needed }: FamilyState, wanted: Wanted): void {
  const unused = [...installed.chains.values()].filter(({ name }) => isDispatchChainName(name) && !needed.has(name));
  const isLeaving = (set: string): boolean => wanted.sets.has(set) && wanted.sets.get(set) === undefined;
  if (unused.length <= idleChainLimit && ![...wanted.sets.keys()].some(isLeaving)) {
    return;
  }
  const idle = idleChains(unused, {
    set: (name) => !isLeaving(name),
    chain: (name) => needed.has(name),
  });
  for (const chain of unused) {
    if (!idle.includes(chain)) {
      wantChain(wanted, chain.name, undefined);
    }
  }
  const kept = [...needed.keys()].map((name) => wanted.chains.get(name) ?? installed.chains.get(name));
  const read = new Set([...kept, ...idle].flatMap(setsRead));
  for (const [name, { declaration }] of installed.sets) {
    if (declaration.key.includes('index') && !read.has(name)) {
      wantSet(wanted, name, undefined);
    }
  }
}

function setsRead(chain: Chain | undefined): string[] {
  return chain?.rules.flatMap(setsOf) ?? [];
}

/** Changes what the node and the cluster's ranges put into sets; `before` is undefined at first. */
function changeNodeElements(wanted: Wanted, before: NodeSettings | undefined, after: NodeSettings): void {
  for (const { set, elements } of before ? nodePlacements(before) : []) {
    for (const { key } of elements) {
      wantElement(wanted, set.name, key, undefined);
    }
  }
  for (const { set, elements } of nodePlacements(after)) {
    wantSet(wanted, set.name, set);
    for (const element of elements) {
      wantElement(wanted, set.name, element.key, element);
    }
  }
}
