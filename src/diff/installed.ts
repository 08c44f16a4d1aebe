/** A table as it stands in the kernel, indexed so that single parts can be found and changed. Types only. */
import type { Family, Socket } from '../network.ts';
import type { Chain, Element, SetDeclaration } from '../phases/5-plan/ruleset.ts';

/** A set or map with its elements by key, and its endpoint lists by the key of their frontend, in the installed order. */
export interface InstalledSet {
  readonly declaration: SetDeclaration;
  readonly elements: Map<string, Element>;
  readonly lists: Map<string, readonly Socket[]>;
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
  readonly lists: Map<string, Map<string, readonly Socket[] | undefined>>;
  readonly chains: Map<string, Chain | undefined>;
}
