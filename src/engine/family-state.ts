/** What the engine remembers of one family; all of it follows from the objects and the table in the kernel. */

import { rulesetOfTable, type TableState } from '../diff/table-state.ts';
import { entriesOfNamespaced, type Namespaced } from '../kubernetes/namespaced-map.ts';
import type { Heap } from '../lib/heap.ts';
import { appendAll } from '../lib/lists.ts';
import type { Element, Ruleset, SetDeclaration } from '../nft/ruleset.ts';
import { isEndpointMap, setsOf } from '../nft/ruleset-parts.ts';
import { compareServicePorts } from '../phases/3-model/build-service-ports.ts';
import type { NodeSettings, NodeView, ServicePort } from '../phases/3-model/model.ts';
import type { AffinityGroup, Claim, DispatchChain, PlanContext } from '../phases/5-plan/fragment.ts';
import { isDispatchChainName } from '../phases/5-plan/known-names.ts';
import {
  createRefusedEndpoints,
  type PortFragment,
  type RefusedEndpoints,
} from '../phases/5-plan/refused-endpoints.ts';

/** A service port with its part of the ruleset. */
export interface PlannedPort extends PortFragment {
  /** The shared elements of the fragment. */
  readonly sharers: readonly Sharer[];
  /** Whether it drops connections to its cluster IP, and external ones, because policy Local finds no endpoint. */
  readonly dropsInternal: boolean;
  readonly dropsExternal: boolean;
}

/** An element that several service ports may share, and one of those service ports. */
export interface Sharer {
  readonly servicePort: ServicePort;
  readonly set: SetDeclaration;
  readonly element: Element;
}

/** Something that several claims need, and how many of them. */
export interface Use<T> {
  readonly what: T;
  count: number;
}

/** One family's part of the engine. */
export interface FamilyState {
  /** Undefined until the first load, and while the node is not known. */
  settings: NodeSettings | undefined;
  context: PlanContext | undefined;
  /** The table in the kernel once all commands that were returned have been carried out. */
  actual: TableState;
  readonly ports: Namespaced<readonly PlannedPort[]>;
  /** All claims to a key of the verdict maps; the first one holds it (compareClaims). */
  readonly claims: Map<string, Heap<Claim>>;
  /** By set and key. */
  readonly sharers: Map<string, Heap<Sharer>>;
  /** Dispatch chains that held claims need, by name. */
  readonly chains: Map<string, Use<DispatchChain>>;
  /** Groups of frontends with affinity among the held claims, by the name of their set. */
  readonly affinity: Map<string, Use<AffinityGroup>>;
  /** Warnings about Services that were given (adviseOnService). */
  readonly advice: Namespaced<readonly string[]>;
  /** How many of the held claims have source ranges. */
  guarded: number;
  /** Whether endpoints are at addresses that are refused. */
  readonly refused: RefusedEndpoints;
  /** How many fragments have endpoints outside of the node's range of pods. */
  strays: number;
  /** How many service ports drop connections that policy Local finds no endpoint for. */
  readonly withoutLocal: { internal: number; external: number };
}

/** A family without objects, on top of a table. */
export function emptyFamily(actual: TableState): FamilyState {
  return {
    settings: undefined,
    context: undefined,
    actual,
    ports: new Map(),
    claims: new Map(),
    sharers: new Map(),
    chains: new Map(),
    affinity: new Map(),
    advice: new Map(),
    guarded: 0,
    refused: createRefusedEndpoints(),
    strays: 0,
    withoutLocal: { internal: 0, external: 0 },
  };
}

/** Services and endpoints as the node sees them; undefined while the node is not known. */
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

/** What the table should hold: without idle chains, and without the endpoint maps that only those read. */
export function desiredRulesetOf({ actual, chains: needed }: FamilyState): Ruleset {
  const ruleset = rulesetOfTable(actual);
  const chains = ruleset.chains.filter(({ name }) => needed.has(name) || !isDispatchChainName(name));
  const read = new Set(chains.flatMap(({ rules }) => rules.flatMap(setsOf)));
  const sets = ruleset.sets.filter((set) => read.has(set.name) || !isEndpointMap(set));
  return { ...ruleset, sets, chains };
}
