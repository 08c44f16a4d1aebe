import { planWithout } from '../apply/target.ts';
import { checkOptions } from '../config/check-options.ts';
import { type Diagnostic, hasError } from '../diagnostics/diagnostic.ts';
import { indexInstalled, installedRuleset, nothingInstalled } from '../diff/installed.ts';
import { deleteNamespaced, entriesOfNamespaced, type Namespaced, setNamespaced } from '../kubernetes/namespaced-map.ts';
import { appendAll } from '../lib/lists.ts';
import type { Family } from '../net/network.ts';
import { renderTransaction } from '../nft/command.ts';
import type { Ruleset } from '../nft/ruleset.ts';
import { type CompileOptions, withDefaults } from '../options.ts';
import { documentsOf } from '../phases/1-read/read-documents.ts';
import { buildNodeSettings } from '../phases/3-model/build-model.ts';
import { compareServicePorts } from '../phases/3-model/build-service-ports.ts';
import type { NodeSettings, NodeView, ServicePort } from '../phases/3-model/model.ts';
import { type ResolvedNode, resolveNode } from '../phases/3-model/resolve-node.ts';
import { changeFamily, emptyFamily } from './change-family.ts';
import { type Aftermath, describeHandovers } from './describe-handovers.ts';
import type { Changes, Engine, FamilyUpdate, Update } from './engine.ts';
import type { FamilyState } from './family-state.ts';
import { applyObject, emptyStore, noneTouched, type ObjectStore, removeObject, type Touched } from './object-store.ts';

/**
 * Makes an engine for one node, which knows of no object and takes the kernel for empty.
 *
 * @param options as for `compile`; invalid objects are always left out (keepGoing).
 * @throws RangeError for options that cannot be, with all that is wrong with them.
 */
export function createEngine(options: Partial<CompileOptions> = {}): Engine {
  const settings = withDefaults(options);
  const misuse = checkOptions(settings);
  if (misuse.length > 0) {
    throw new RangeError(misuse.map(({ message }) => message).join('; '));
  }
  const state = emptyState(settings);
  return {
    families: settings.families,
    table: settings.table,
    isReady: () => state.node?.node !== undefined,
    update: (changes) => update(state, changes),
    resync: (tables) => resync(state, tables),
    resyncs: (family) => state.resyncs.get(family) ?? 0,
    exclude: (family, services) => exclude(state, family, services),
    excluded: (family) => namesOf(excludedIn(state, family)),
    plan: (family, without) => planWithout(viewsOf(state), { family, without, options: settings }),
    rulesets: () => [...state.families.values()].map(({ installed }) => installedRuleset(installed)),
    views: () => viewsOf(state),
  };
}

interface EngineState {
  readonly options: CompileOptions;
  readonly store: ObjectStore;
  readonly families: Map<Family, FamilyState>;
  /** How often each was resynced. */
  readonly resyncs: Map<Family, number>;
  /** How many updates of each were given out. */
  readonly sequences: Map<Family, number>;
  /** Services that are left out of each. */
  readonly excluded: ReadonlyMap<Family, Namespaced<true>>;
  /** Undefined until the first objects come. */
  node: NodeState | undefined;
}

function emptyState(options: CompileOptions): EngineState {
  const store = emptyStore();
  const families = new Map(
    options.families.map((family) => [family, emptyFamily(nothingInstalled(family, options.table))] as const),
  );
  const excluded = new Map(options.families.map((family) => [family, new Map()] as const));
  return { options, store, families, resyncs: new Map(), sequences: new Map(), excluded, node: undefined };
}

/** An exception, for an object that throws when it is read, must not leave half a change behind. */
function update(state: EngineState, changes: Changes): Update {
  try {
    const { families, ...rest } = takeChanges(state, changes);
    return { ...rest, families: families.map((family) => ({ ...family, sequence: nextSequence(state, family) })) };
  } catch (error) {
    state.node = undefined;
    for (const family of state.families.values()) {
      family.settings = undefined;
    }
    throw error;
  }
}

function nextSequence({ sequences }: EngineState, { family }: FamilyUpdate): number {
  const sequence = (sequences.get(family) ?? 0) + 1;
  sequences.set(family, sequence);
  return sequence;
}

function takeChanges(state: EngineState, { apply = [], remove = [] }: Changes): Update {
  const touched = noneTouched();
  const diagnostics: Diagnostic[] = [];
  for (const reference of remove) {
    removeObject(state.store, reference, touched);
  }
  for (const document of documentsOf(apply)) {
    appendAll(diagnostics, applyObject(state.store, document, touched));
  }
  for (const [namespace, name] of entriesOfNamespaced(touched.services)) {
    for (const excluded of state.excluded.values()) {
      deleteNamespaced(excluded, namespace, name);
    }
  }
  if (touched.node || touched.serviceCIDRs || !state.node) {
    const said = new Set(state.node?.diagnostics.map(({ message }) => message));
    state.node = findNode(state.store, state.options);
    // Nodes report often, and mostly nothing new.
    appendAll(
      diagnostics,
      state.node.diagnostics.filter(({ message }) => !said.has(message)),
    );
  }
  return bringUpToDate(state, touched, diagnostics);
}

function resync(state: EngineState, tables: ReadonlyMap<Family, Ruleset | undefined>): Update {
  for (const [family, ruleset] of tables) {
    const installed = ruleset ? indexInstalled(ruleset) : nothingInstalled(family, state.options.table);
    // Who held an address before still matters for UDP flows and pins.
    const claims = state.families.get(family)?.claims ?? new Map();
    state.families.set(family, { ...emptyFamily(installed), claims });
    state.resyncs.set(family, (state.resyncs.get(family) ?? 0) + 1);
  }
  return bringUpToDate(state, noneTouched(), []);
}

function exclude(state: EngineState, family: Family, services: ReadonlySet<string>): Update {
  const touched = noneTouched();
  for (const service of services) {
    const [namespace = '', name = ''] = service.split('/');
    setNamespaced(excludedIn(state, family), namespace, name, true);
    setNamespaced(touched.services, namespace, name, true);
  }
  return bringUpToDate(state, touched, []);
}

function excludedIn({ excluded }: EngineState, family: Family): Namespaced<true> {
  return excluded.get(family) ?? new Map();
}

function namesOf(services: Namespaced<true>): string[] {
  return [...entriesOfNamespaced(services)].map(([namespace, name]) => `${namespace}/${name}`).sort();
}

function viewsOf({ families }: EngineState): NodeView[] {
  return [...families.values()].flatMap((family) => viewOf(family) ?? []);
}

/** Flows to a node port that was not open at an address before were never translated, and go on like that. */
function withNodeAddresses(aftermath: Aftermath, before: NodeSettings | undefined, after: FamilyState): Aftermath {
  const isSame = JSON.stringify(before?.nodePortAddresses) === JSON.stringify(after.settings?.nodePortAddresses);
  if (aftermath.touchesUdp || (isSame && before?.addresses.join() === after.settings?.addresses.join())) {
    return aftermath;
  }
  const holders = [...after.claims.values()].flatMap((claimants) => claimants.slice(0, 1));
  const touchesUdp = holders.some(({ kind, servicePort }) => kind === 'NodePort' && servicePort.protocol === 'udp');
  return { ...aftermath, touchesUdp };
}

/** A family whose node is not known keeps its table, and is brought up to date as a whole once it is. */
function bringUpToDate(state: EngineState, touched: Touched, diagnostics: Diagnostic[]): Update {
  const { options, store, node } = state;
  const families: FamilyUpdate[] = [];
  for (const [family, before] of state.families) {
    const settings = node?.settings.get(family);
    if (!settings || !node?.node) {
      before.settings = undefined;
      continue;
    }
    const excluded = excludedIn(state, family);
    const input = { store, options, node: node.node, settings, touched: touched.services, excluded };
    const { state: after, change } = changeFamily(before, input);
    state.families.set(family, after);
    appendAll(diagnostics, change.diagnostics);
    const aftermath = withNodeAddresses(describeHandovers(change.handovers), before.settings, after);
    if (change.commands.length > 0 || aftermath.touchesUdp) {
      const transaction = { family, table: options.table, commands: change.commands };
      const resyncs = state.resyncs.get(family) ?? 0;
      families.push({ ...transaction, text: renderTransaction(transaction), aftermath, resyncs, sequence: 0 });
    }
  }
  return { families, text: families.map(({ text }) => text).join(''), diagnostics };
}

/** The node, if it is known well enough to make rules for it, and what is to be said about that. */
interface NodeState {
  readonly node: ResolvedNode | undefined;
  readonly settings: ReadonlyMap<Family, NodeSettings>;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Finds the node among the objects. It is not known when another one is there in its place, or when its own object is
 * invalid and nobody gave its addresses: then node ports would open on all addresses.
 */
function findNode(store: ObjectStore, options: CompileOptions): NodeState {
  const { node, diagnostics } = resolveNode({ nodes: [...store.nodes.values()] }, options);
  if (hasError(diagnostics) || isInvalid(store, options)) {
    return { node: undefined, settings: new Map(), diagnostics };
  }
  const cidrs = [...store.serviceCIDRs.values()];
  const settings = options.families.map((family) => [family, buildNodeSettings(node, cidrs, family, options)] as const);
  return { node, settings: new Map(settings), diagnostics };
}

function isInvalid({ invalidNodes }: ObjectStore, { nodeName, nodeAddresses }: CompileOptions): boolean {
  const isRefused = nodeName === undefined ? invalidNodes.size > 0 : invalidNodes.has(nodeName);
  return isRefused && nodeAddresses.length === 0;
}

/** All that a node has to know in one family; undefined before the node is known. */
export function viewOf({ settings, ports }: FamilyState): NodeView | undefined {
  if (!settings) {
    return undefined;
  }
  const servicePorts: ServicePort[] = [];
  for (const [, , planned] of entriesOfNamespaced(ports)) {
    appendAll(
      servicePorts,
      planned.map(({ servicePort }) => servicePort),
    );
  }
  return { ...settings, servicePorts: servicePorts.sort(compareServicePorts) };
}
