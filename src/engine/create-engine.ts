import { checkOptions } from '../config/check-options.ts';
import { type Diagnostic, withoutRepeats } from '../diagnostics/diagnostic.ts';
import { indexTable, noTable, rulesetOfTable } from '../diff/table-state.ts';
import { incompleteCodes } from '../kubernetes/completeness.ts';
import {
  deleteNamespaced,
  entriesOfNamespaced,
  getNamespaced,
  type Namespaced,
  setNamespaced,
} from '../kubernetes/namespaced-map.ts';
import { firstOf } from '../lib/heap.ts';
import { invariant } from '../lib/invariant.ts';
import { appendAll } from '../lib/lists.ts';
import type { Family } from '../net/network.ts';
import { printTransaction } from '../nft/command.ts';
import { printRulesets } from '../nft/print.ts';
import type { Ruleset } from '../nft/ruleset.ts';
import { type CompileOptions, withDefaults } from '../options.ts';
import { documentsOf } from '../phases/1-read/read-documents.ts';
import type { NodeSettings, NodeView } from '../phases/3-model/model.ts';
import type { ResolvedNode } from '../phases/3-model/resolve-node.ts';
import { describeSource } from '../phases/5-plan/describe-source.ts';
import { changeFamily } from './change-family.ts';
import { rulesetWithout } from './desired-snapshot.ts';
import type { Changes, Commit, Engine, TableUpdate, Update, WaitsFor } from './engine.ts';
import { desiredRulesetOf, emptyFamily, type FamilyState, viewOf } from './family-state.ts';
import { findNode, type NodeState } from './find-node.ts';
import { type FollowUp, planFollowUp } from './follow-up.ts';
import { type HealthCheckTracker, trackHealthChecks } from './health-checks.ts';
import { type LocalhostPortTracker, trackLocalhostPorts } from './localhost-ports.ts';
import {
  applyObject,
  emptyStore,
  noneTouched,
  type ObjectStore,
  removeObject,
  storedObjects,
  type Touched,
} from './object-store.ts';
import { readChanges } from './read-changes.ts';
import { statisticsOf } from './statistics.ts';

/**
 * An engine for one node, without any object and with no table in the kernel.
 *
 * @param options as for `compile`; invalid objects are always left out (keepGoing).
 * @throws RangeError for invalid options, with everything that is wrong with them.
 */
export function createEngine(options: Partial<CompileOptions> = {}): Engine {
  const settings = structuredClone(withDefaults(options));
  const misuse = checkOptions(settings);
  if (misuse.length > 0) {
    throw new RangeError(misuse.map(({ message }) => message).join('; '));
  }
  const state = emptyState(settings);
  const rulesets = (): Ruleset[] => [...state.families.values()].map(({ actual }) => rulesetOfTable(actual));
  return {
    families: settings.families,
    table: settings.table,
    isReady: () => waitsFor(state) === undefined,
    waitsFor: () => waitsFor(state),
    update: (changes) => update(state, changes),
    accept: (changes) => accept(state, changes),
    commit: () => commit(state),
    rulesets,
    text: () => (waitsFor(state) ? '' : printRulesets(rulesets(), describeSource(viewsOf(state)))),
    desiredRuleset: (family) => desiredRulesetOf(familyOf(state, family)),
    desiredWithout: (family, services) => {
      const view = viewOf(familyOf(state, family));
      invariant(view, `a ruleset of ${family} is desired before the node is known`);
      return rulesetWithout(view, settings, services);
    },
    adopt: (table) => {
      familyOf(state, table.family).actual = indexTable(table);
    },
    reject: (family, services) => reject(state, family, services),
    rejected: (family) => namesOf(rejectedIn(state, family)),
    retryRejected: () => {
      for (const rejected of state.rejected.values()) {
        for (const [namespace, name] of entriesOfNamespaced(rejected)) {
          setNamespaced(state.touched.services, namespace, name, true);
        }
      }
    },
    views: () => viewsOf(state),
    takeHealthChecks: () => state.healthChecks.take({ services: state.store.services, families: state.families }),
    takeLocalhostPorts: () => state.localhostPorts.take(state.families),
    objects: () => storedObjects(state.store),
    statistics: () => statisticsOf(state),
    nodeSettings: () => [...state.families.values()].flatMap((family) => family.settings ?? []),
  };
}

interface EngineState {
  readonly options: CompileOptions;
  readonly store: ObjectStore;
  readonly families: Map<Family, FamilyState>;
  /** Services that are left out of each family. */
  readonly rejected: ReadonlyMap<Family, Namespaced<true>>;
  readonly healthChecks: HealthCheckTracker;
  readonly localhostPorts: LocalhostPortTracker;
  /** Whether a call has said that all objects are there. */
  isComplete: boolean;
  /** What was accepted since the last commit. */
  touched: Touched;
  /** Undefined until the first commit. */
  node: NodeState | undefined;
  /** As rules were last made for it, whatever became of its Node since. */
  knownNode: ResolvedNode | undefined;
}

function emptyState(options: CompileOptions): EngineState {
  const families = new Map(
    options.families.map((family) => [family, emptyFamily(noTable(family, options.table))] as const),
  );
  const rejected = new Map(options.families.map((family) => [family, new Map()] as const));
  return {
    options,
    store: emptyStore(),
    families,
    rejected,
    healthChecks: trackHealthChecks(),
    localhostPorts: trackLocalhostPorts(),
    isComplete: false,
    touched: noneTouched(),
    node: undefined,
    knownNode: undefined,
  };
}

function familyOf({ families }: EngineState, family: Family): FamilyState {
  const found = families.get(family);
  invariant(found, `there is no table of ${family}`);
  return found;
}

function update(state: EngineState, changes: Changes): Update {
  const found = accept(state, changes);
  const { families, diagnostics, ...others } = commit(state);
  const text = families.map(printTransaction).join('');
  return { ...others, families, text, diagnostics: [...found, ...diagnostics] };
}

function waitsFor({ isComplete, node }: EngineState): WaitsFor | undefined {
  if (!isComplete) {
    return 'complete';
  }
  return node?.node ? undefined : 'node';
}

/** If reading an object throws, as a getter may, the objects before it stay accepted. */
function accept(state: EngineState, changes: Changes): Diagnostic[] {
  const { store, touched } = state;
  const { apply, remove, isComplete, diagnostics } = readChanges(changes);
  const isWhole = diagnostics.length === 0;
  for (const reference of remove) {
    removeObject(store, reference, touched);
  }
  for (const document of documentsOf(apply)) {
    appendAll(diagnostics, applyObject(store, document, touched));
  }
  const lacksObjects = diagnostics.some(({ code }) => code === 'not-an-object' || incompleteCodes.has(code));
  if (isComplete && isWhole && !lacksObjects) {
    state.isComplete = true;
  }
  return diagnostics;
}

/** After an exception the next commit plans everything. */
function commit(state: EngineState): Commit {
  try {
    return commitTouched(state);
  } catch (error) {
    state.node = undefined;
    for (const family of state.families.values()) {
      family.settings = undefined;
    }
    throw error;
  }
}

function commitTouched(state: EngineState): Commit {
  const { touched } = state;
  if (!state.isComplete) {
    return { families: [], diagnostics: [], triggers: [], waitsFor: 'complete' };
  }
  state.touched = noneTouched();
  // nft may accept a new version of what it rejected.
  for (const [namespace, name] of entriesOfNamespaced(touched.services)) {
    for (const rejected of state.rejected.values()) {
      deleteNamespaced(rejected, namespace, name);
    }
  }
  const diagnostics: Diagnostic[] = [];
  const isFirst = state.node === undefined;
  if (touched.node || touched.serviceCIDRs || !state.node) {
    const known = new Set(state.node?.diagnostics.map(({ message }) => message));
    state.node = findNode(state.store, state.options, state.knownNode);
    state.knownNode = state.node.known;
    // Nodes report often, and mostly nothing new.
    appendAll(
      diagnostics,
      state.node.diagnostics.filter(({ message }) => !known.has(message)),
    );
  }
  return { ...bringUpToDate(state, touched, diagnostics), triggers: isFirst ? [] : touched.triggers };
}

function reject(state: EngineState, family: Family, services: ReadonlySet<string>): void {
  const touched = noneTouched();
  for (const service of services) {
    const [namespace = '', name = ''] = service.split('/');
    setNamespaced(rejectedIn(state, family), namespace, name, true);
    setNamespaced(touched.services, namespace, name, true);
  }
  // In the other family the Service may have a newer version, which is not committed yet.
  bringFamilyUpToDate(state, family, touched);
}

function rejectedIn({ rejected }: EngineState, family: Family): Namespaced<true> {
  return rejected.get(family) ?? new Map();
}

function namesOf(services: Namespaced<true>): string[] {
  return [...entriesOfNamespaced(services)].map(([namespace, name]) => `${namespace}/${name}`).sort();
}

function viewsOf({ families }: EngineState): NodeView[] {
  return [...families.values()].flatMap((family) => viewOf(family) ?? []);
}

/**
 * Flows to a node port that was not open at an address before were never translated, and stay so. Which addresses accept node
 * ports depends on the node's addresses alone, as options do not change.
 */
function withNodeAddresses(followUp: FollowUp, before: NodeSettings | undefined, after: FamilyState): FollowUp {
  if (followUp.checkUdpFlows || before?.addresses.join() === after.settings?.addresses.join()) {
    return followUp;
  }
  const checkUdpFlows = [...after.claims.values()].some((claims) => {
    const holder = firstOf(claims);
    return holder?.kind === 'NodePort' && holder.servicePort.protocol === 'udp';
  });
  return { ...followUp, checkUdpFlows };
}

function bringUpToDate(state: EngineState, touched: Touched, diagnostics: Diagnostic[]): Omit<Commit, 'triggers'> {
  const updates = state.options.families.map((family) => bringFamilyUpToDate(state, family, touched));
  const families = updates.flatMap((update) => update?.table ?? []);
  return {
    families,
    diagnostics: withoutRepeats([...diagnostics, ...updates.flatMap((update) => update?.diagnostics ?? [])]),
    waitsFor: waitsFor(state),
  };
}

/** Nothing while the node is not known; a family is brought up to date as a whole once it is. */
function bringFamilyUpToDate(
  state: EngineState,
  family: Family,
  touched: Touched,
): { readonly table: TableUpdate | undefined; readonly diagnostics: readonly Diagnostic[] } | undefined {
  const { options, store, node } = state;
  const before = familyOf(state, family);
  const settings = node?.settings.get(family);
  if (!settings || !node?.node) {
    before.settings = undefined;
    return undefined;
  }
  const settingsBefore = before.settings;
  const rejected = rejectedIn(state, family);
  const input = { store, options, node: node.node, settings, touched: touched.services, rejected };
  const { state: after, update: changed } = changeFamily(before, input);
  state.families.set(family, after);
  noteHealthChecks(state, touched.services, after !== before);
  state.localhostPorts.note(after, changed.handovers);
  const { commands, diagnostics } = changed;
  const followUp = withNodeAddresses(planFollowUp(changed.handovers), settingsBefore, after);
  const isNothing = commands.length === 0 && !followUp.checkUdpFlows;
  return { table: isNothing ? undefined : { family, table: options.table, commands, followUp }, diagnostics };
}

/** @param isReloaded whether all Services were planned, and not only those that were touched. */
function noteHealthChecks(
  { healthChecks, store }: EngineState,
  touched: Namespaced<unknown>,
  isReloaded: boolean,
): void {
  if (isReloaded) {
    healthChecks.noteAll();
    return;
  }
  for (const [namespace, name] of entriesOfNamespaced(touched)) {
    healthChecks.note(namespace, name, getNamespaced(store.services, namespace, name)?.object);
  }
}
