import { isDeepStrictEqual } from 'node:util';
import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import { changeTable } from '../diff/change-table.ts';
import { idleChainLimit, idleChains, removeUndesired } from '../diff/diff-rulesets.ts';
import { type DesiredParts, noDesiredParts, setElement } from '../diff/table-state.ts';
import {
  deleteNamespaced,
  entriesOfNamespaced,
  getNamespaced,
  type Namespaced,
  setNamespaced,
} from '../kubernetes/namespaced-map.ts';
import type { Service, Sourced } from '../kubernetes/objects.ts';
import { healthCheckPort } from '../kubernetes/services.ts';
import { firstOf } from '../lib/heap.ts';
import { appendAll, collectAll } from '../lib/lists.ts';
import type { Chain } from '../nft/ruleset.ts';
import { isEndpointMap, setsOf } from '../nft/ruleset-parts.ts';
import type { CompileOptions } from '../options.ts';
import { adviseOnService } from '../phases/3-model/advise-on-service.ts';
import { sortSlices } from '../phases/3-model/build-endpoints.ts';
import { adviseOn } from '../phases/3-model/build-model.ts';
import { buildServicePorts } from '../phases/3-model/build-service-ports.ts';
import type { NodeSettings } from '../phases/3-model/model.ts';
import type { ResolvedNode } from '../phases/3-model/resolve-node.ts';
import { selectEndpoints } from '../phases/4-select/select-endpoints.ts';
import type { PlanContext } from '../phases/5-plan/fragment.ts';
import { isDispatchChainName } from '../phases/5-plan/known-names.ts';
import { planFragment } from '../phases/5-plan/plan-fragment.ts';
import {
  nodePlacements,
  planContext,
  planFixedChains,
  planFixedSets,
  planVaryingChains,
} from '../phases/5-plan/plan-ruleset.ts';
import { emptyFamily, type FamilyState, type PlannedPort, viewOf } from './family-state.ts';
import type { ObjectStore } from './object-store.ts';
import { type FamilyUpdate, type Handover, replaceServices } from './replace-services.ts';

/** The objects and settings that a family is brought up to date with. */
interface FamilyInput {
  readonly store: ObjectStore;
  readonly options: CompileOptions;
  readonly node: ResolvedNode;
  readonly settings: NodeSettings;
  /** Services that may have changed. */
  readonly touched: Namespaced<unknown>;
  /** Services that are left out of this family, because nft rejected them. */
  readonly rejected: Namespaced<true>;
}

/**
 * Brings a family up to date: the touched Services, or all of them when the node changed, on which every fragment
 * depends. The returned state replaces the given one.
 */
export function changeFamily(state: FamilyState, input: FamilyInput): { state: FamilyState; update: FamilyUpdate } {
  const { settings } = input;
  if (!state.settings || !state.context || !isSameNode(state.settings, settings)) {
    return reload(state, input);
  }
  const desired = noDesiredParts();
  changeNodeElements(desired, state.settings, settings);
  state.settings = settings;
  const plans = planTouched(input, input.touched, state.context);
  const before = variationOf(state);
  const { handovers, diagnostics } = replaceServices(state, state.context, plans, desired);
  state.refused.setRanges(settings.serviceCIDRs);
  changeVaryingChains(desired, state, { before, context: state.context });
  removeIdle(state, desired);
  const advice = adviseOnTouched(state, input, input.touched);
  return {
    state,
    update: { commands: changeTable(state.actual, desired), handovers, diagnostics: [...diagnostics, ...advice] },
  };
}

/** Advice on Services, unless it was given before: most changes are those of endpoints. */
function adviseOnTouched(
  { advice, claims }: Pick<FamilyState, 'advice' | 'claims'>,
  { store, settings }: Pick<FamilyInput, 'store' | 'settings'>,
  touched: Namespaced<unknown>,
): Diagnostic[] {
  const fresh: Diagnostic[] = [];
  const examine = (namespace: string, name: string, service: Sourced<Service> | undefined): void => {
    const given = service ? adviseOnService(service, settings, store.healthChecks) : [];
    const known = getNamespaced(advice, namespace, name) ?? [];
    appendAll(
      fresh,
      given.filter(({ message }) => !known.includes(message)),
    );
    if (given.length > 0) {
      const messages = given.map(({ message }) => message);
      setNamespaced(advice, namespace, name, messages);
    } else if (known.length > 0) {
      deleteNamespaced(advice, namespace, name);
    }
  };
  const healthCheckPorts = new Set<number>();
  for (const [namespace, name] of entriesOfNamespaced(touched)) {
    const service = getNamespaced(store.services, namespace, name);
    examine(namespace, name, service);
    healthCheckPorts.add(service ? healthCheckPort(service.object) : 0);
  }
  for (const port of healthCheckPorts) {
    // Services that had the port as a node port before it became one for health checks.
    for (const { servicePort } of (port > 0 && claims.get(`tcp . ${port}`)?.items) || []) {
      const other = getNamespaced(store.services, servicePort.namespace, servicePort.name);
      examine(servicePort.namespace, servicePort.name, other);
    }
  }
  return fresh;
}

function reload(before: FamilyState, input: FamilyInput): { state: FamilyState; update: FamilyUpdate } {
  const { settings, options, store, node } = input;
  const context = planContext(settings, options);
  const state = emptyFamily(before.actual);
  const plans = planTouched(input, store.services, context);
  const { commands, diagnostics } = loadFamily(state, { settings, context }, plans);
  const view = viewOf(state);
  const aboutNode = view ? adviseOn(view, { node, nodes: store.nodes.values(), options }) : [];
  const advice = [...aboutNode, ...adviseOnTouched(state, input, store.services)];
  const handovers = handoversBetween(before, state);
  return { state, update: { commands, diagnostics: [...diagnostics, ...advice], handovers } };
}

/** Fragments do not depend on ServiceCIDRs. */
function isSameNode(
  { serviceCIDRs: _, ...before }: NodeSettings,
  { serviceCIDRs: __, ...after }: NodeSettings,
): boolean {
  return JSON.stringify(before) === JSON.stringify(after);
}

function planTouched(
  { store, settings, rejected }: FamilyInput,
  services: Namespaced<unknown>,
  context: PlanContext,
): Namespaced<readonly PlannedPort[]> {
  const plans: Namespaced<readonly PlannedPort[]> = new Map();
  for (const [namespace, name] of entriesOfNamespaced(services)) {
    const isRejected = getNamespaced(rejected, namespace, name) === true;
    setNamespaced(plans, namespace, name, isRejected ? [] : planService(store, namespace, name, { settings, context }));
  }
  return plans;
}

function handoversBetween(before: FamilyState, after: FamilyState): Handover[] {
  const keys = new Set([...before.claims.keys(), ...after.claims.keys()]);
  return [...keys].map((key) => ({ before: firstOf(before.claims.get(key)), after: firstOf(after.claims.get(key)) }));
}

/** Brings a family's table, whatever it holds, to everything that the plans and the node's settings need; `state` is empty. */
function loadFamily(
  state: FamilyState,
  { settings, context }: { readonly settings: NodeSettings; readonly context: PlanContext },
  plans: Namespaced<readonly PlannedPort[]>,
): FamilyUpdate {
  const desired = noDesiredParts();
  state.settings = settings;
  state.context = context;
  for (const set of planFixedSets(context)) {
    desired.sets.set(set.name, set);
  }
  for (const chain of planFixedChains(context)) {
    desired.chains.set(chain.name, chain);
  }
  changeNodeElements(desired, undefined, settings);
  const { handovers, diagnostics } = replaceServices(state, context, plans, desired);
  state.refused.setRanges(settings.serviceCIDRs);
  changeVaryingChains(desired, state, { before: undefined, context });
  removeUndesired(desired, state.actual);
  return { commands: changeTable(state.actual, desired), handovers, diagnostics };
}

type Variation = Parameters<typeof planVaryingChains>[1];

function variationOf({ refused, strays }: FamilyState): Variation {
  return { refusesEndpoints: refused.exist(), hasStrays: strays > 0 };
}

/** Changes the chains that depend on endpoints, when what decides about them has changed. */
function changeVaryingChains(
  desired: DesiredParts,
  state: FamilyState,
  { before, context }: { readonly before: Variation | undefined; readonly context: PlanContext },
): void {
  const after = variationOf(state);
  if (isDeepStrictEqual(before, after)) {
    return;
  }
  for (const { name } of before ? planVaryingChains(context, before) : []) {
    desired.chains.set(name, undefined);
  }
  for (const chain of planVaryingChains(context, after)) {
    desired.chains.set(chain.name, chain);
  }
}

/** Plans all service ports of one Service in one family; none when the Service does not exist. */
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
  const slices = sortSlices([...(getNamespaced(store.slicesByService, namespace, name) ?? [])]);
  return buildServicePorts(service, slices, settings).map((servicePort) => {
    const selection = selectEndpoints(servicePort, settings);
    const fragment = planFragment(servicePort, selection, context);
    const sharers = collectAll(fragment.shared, ({ set, elements }) =>
      elements.map((element) => ({ servicePort, set, element })),
    );
    const { internalRefusal, externalRefusal } = selection;
    const drops = { dropsInternal: internalRefusal === 'drop', dropsExternal: externalRefusal === 'drop' };
    return { servicePort, fragment, sharers, ...drops };
  });
}

/**
 * Removes unused dispatch chains when there are too many, or when a set that they use is removed; then endpoint maps that
 * no chain reads.
 */
function removeIdle({ actual, chains: needed }: FamilyState, desired: DesiredParts): void {
  const unused = [...actual.chains.values()].filter(({ name }) => isDispatchChainName(name) && !needed.has(name));
  const isRemoved = (set: string): boolean => desired.sets.has(set) && desired.sets.get(set) === undefined;
  if (unused.length <= idleChainLimit && ![...desired.sets.keys()].some(isRemoved)) {
    return;
  }
  const idle = idleChains(unused, {
    set: (name) => !isRemoved(name),
    chain: (name) => needed.has(name),
  });
  for (const chain of unused) {
    if (!idle.includes(chain)) {
      desired.chains.set(chain.name, undefined);
    }
  }
  const kept = [...needed.keys()].map((name) => desired.chains.get(name) ?? actual.chains.get(name));
  const read = new Set([...kept, ...idle].flatMap(setsRead));
  for (const [name, { declaration }] of actual.sets) {
    if (isEndpointMap(declaration) && !read.has(name)) {
      desired.sets.set(name, undefined);
    }
  }
}

function setsRead(chain: Chain | undefined): string[] {
  return chain?.rules.flatMap(setsOf) ?? [];
}

/** Changes the elements that come from the node and the cluster's ranges; `before` is undefined at first. */
function changeNodeElements(desired: DesiredParts, before: NodeSettings | undefined, after: NodeSettings): void {
  for (const { set, elements } of before ? nodePlacements(before) : []) {
    for (const { key } of elements) {
      setElement(desired, set.name, key, undefined);
    }
  }
  for (const { set, elements } of nodePlacements(after)) {
    desired.sets.set(set.name, set);
    for (const element of elements) {
      setElement(desired, set.name, element.key, element);
    }
  }
}
