/** A table as it is or as it will be, indexed so that single parts can be found and changed. */

import type { EndpointAddress, Family } from '../net/network.ts';
import type { Chain, Element, FilledSet, Ruleset, SetDeclaration } from '../nft/ruleset.ts';
import { tableComment } from '../phases/5-plan/names.ts';

/** A set or map: its elements by key, and its endpoint lists by their frontend's key, in the order of the kernel. */
export interface SetState {
  readonly declaration: SetDeclaration;
  readonly elements: Map<string, Element>;
  readonly lists: Map<string, readonly EndpointAddress[]>;
}

/** One table; only {@link file://./change-table.ts} changes it. */
export interface TableState {
  readonly family: Family;
  readonly table: string;
  /** False until the first transaction creates the table. */
  exists: boolean;
  readonly sets: Map<string, SetState>;
  readonly chains: Map<string, Chain>;
}

/** What some parts of a table should become; undefined deletes a part. Parts that are not named stay as they are. */
export interface DesiredParts {
  readonly sets: Map<string, SetDeclaration | undefined>;
  readonly elements: Map<string, Map<string, Element | undefined>>;
  readonly lists: Map<string, Map<string, readonly EndpointAddress[] | undefined>>;
  readonly chains: Map<string, Chain | undefined>;
}

/** A table that does not exist yet. */
export function noTable(family: Family, table: string): TableState {
  return { family, table, exists: false, sets: new Map(), chains: new Map() };
}

/** The table that holds a ruleset. */
export function indexTable({ family, table, sets, chains }: Ruleset): TableState {
  return {
    family,
    table,
    exists: true,
    sets: new Map(sets.map((set) => [set.name, indexSet(set)])),
    chains: new Map(chains.map((chain) => [chain.name, chain])),
  };
}

/** The ruleset that a table holds, its parts in the order in which they were created. */
export function rulesetOfTable({ family, table, sets, chains }: TableState): Ruleset {
  const filled = [...sets.values()].map(({ declaration, elements, lists }): FilledSet => {
    const set = { ...declaration, elements: [...elements.values()] };
    return lists.size === 0
      ? set
      : { ...set, lists: [...lists].map(([key, endpointAddresses]) => ({ key, endpointAddresses })) };
  });
  return { family, table, comment: tableComment, sets: filled, chains: [...chains.values()] };
}

function indexSet({ elements, lists = [], ...declaration }: FilledSet): SetState {
  return {
    declaration,
    elements: new Map(elements.map((element) => [element.key, element])),
    lists: new Map(lists.map(({ key, endpointAddresses }) => [key, endpointAddresses])),
  };
}

/** Nothing is to change. */
export function noDesiredParts(): DesiredParts {
  return { sets: new Map(), elements: new Map(), lists: new Map(), chains: new Map() };
}

/** Sets what a set should hold at a key; undefined for nothing. The last call for a key counts. */
export function setElement(desired: DesiredParts, set: string, key: string, element: Element | undefined): void {
  entriesOf(desired.elements, set).set(key, element);
}

/** Sets which endpoints an endpoint map should hold for a frontend; undefined for none. The last call for a key counts. */
export function setEndpoints(
  desired: DesiredParts,
  set: string,
  key: string,
  endpointAddresses: readonly EndpointAddress[] | undefined,
): void {
  entriesOf(desired.lists, set).set(key, endpointAddresses);
}

function entriesOf<T>(sets: Map<string, Map<string, T>>, set: string): Map<string, T> {
  const known = sets.get(set);
  if (known) {
    return known;
  }
  const added = new Map<string, T>();
  sets.set(set, added);
  return added;
}
