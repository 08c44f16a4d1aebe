/** A table as it stands in the kernel, indexed so that single parts can be found and changed. Types only. */

import type { EndpointAddress, Family } from '../net/network.ts';
import type { Chain, Element, FilledSet, Ruleset, SetDeclaration } from '../nft/ruleset.ts';
import { tableComment } from '../phases/5-plan/names.ts';

/** A set or map with its elements by key, and its endpoint lists by the key of their frontend, in the installed order. */
export interface InstalledSet {
  readonly declaration: SetDeclaration;
  readonly elements: Map<string, Element>;
  readonly lists: Map<string, readonly EndpointAddress[]>;
}

/** One table; changed by {@link file://./change-installed.ts} only. */
export interface Installed {
  readonly family: Family;
  readonly table: string;
  /** False until the first transaction makes the table. */
  exists: boolean;
  readonly sets: Map<string, InstalledSet>;
  readonly chains: Map<string, Chain>;
}

/** What some parts of a table should become; undefined means that they should go. Parts that are not named stay. */
export interface Wanted {
  readonly sets: Map<string, SetDeclaration | undefined>;
  readonly elements: Map<string, Map<string, Element | undefined>>;
  readonly lists: Map<string, Map<string, readonly EndpointAddress[] | undefined>>;
  readonly chains: Map<string, Chain | undefined>;
}

/** A table that is not there yet. */
export function nothingInstalled(family: Family, table: string): Installed {
  return { family, table, exists: false, sets: new Map(), chains: new Map() };
}

/** A ruleset as a table that holds it. */
export function indexInstalled({ family, table, sets, chains }: Ruleset): Installed {
  return {
    family,
    table,
    exists: true,
    sets: new Map(sets.map((set) => [set.name, indexSet(set)])),
    chains: new Map(chains.map((chain) => [chain.name, chain])),
  };
}

/** A table as the ruleset that it holds; parts come in the order in which they were made. */
export function installedRuleset({ family, table, sets, chains }: Installed): Ruleset {
  const filled = [...sets.values()].map(({ declaration, elements, lists }): FilledSet => {
    const set = { ...declaration, elements: [...elements.values()] };
    return lists.size === 0
      ? set
      : { ...set, lists: [...lists].map(([key, endpointAddresses]) => ({ key, endpointAddresses })) };
  });
  return { family, table, comment: tableComment, sets: filled, chains: [...chains.values()] };
}

function indexSet({ elements, lists = [], ...declaration }: FilledSet): InstalledSet {
  return {
    declaration,
    elements: new Map(elements.map((element) => [element.key, element])),
    lists: new Map(lists.map(({ key, endpointAddresses }) => [key, endpointAddresses])),
  };
}

/** Wants nothing yet. */
export function emptyWanted(): Wanted {
  return { sets: new Map(), elements: new Map(), lists: new Map(), chains: new Map() };
}

/** Says that there should be a set of this declaration, or none of this name. */
export function wantSet(wanted: Wanted, name: string, declaration: SetDeclaration | undefined): void {
  wanted.sets.set(name, declaration);
}

/** Says that there should be a chain of these rules, or none of this name. */
export function wantChain(wanted: Wanted, name: string, chain: Chain | undefined): void {
  wanted.chains.set(name, chain);
}

/** Says what a set should have at a key, if anything; the last word counts. */
export function wantElement(wanted: Wanted, set: string, key: string, element: Element | undefined): void {
  keysOf(wanted.elements, set).set(key, element);
}

/** Says which endpoints a frontend should have in an endpoint map, if any; the last word counts. */
export function wantList(
  wanted: Wanted,
  set: string,
  key: string,
  endpointAddresses: readonly EndpointAddress[] | undefined,
): void {
  keysOf(wanted.lists, set).set(key, endpointAddresses);
}

function keysOf<T>(sets: Map<string, Map<string, T>>, set: string): Map<string, T> {
  const known = sets.get(set);
  if (known) {
    return known;
  }
  const added = new Map<string, T>();
  sets.set(set, added);
  return added;
}
