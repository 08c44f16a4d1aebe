/** A ruleset with lookup tables. Types only. */
import type { Family } from '../network.ts';
import type { Chain, Element, FilledSet, Hook } from '../phases/5-plan/ruleset.ts';

/** The prefix length of each part of a key, undefined where the part is a single value. */
export type Pattern = readonly (number | undefined)[];

/** A set or map that can be asked. */
export interface IndexedSet {
  readonly declaration: FilledSet;
  /** Whether rules change it. */
  readonly isDynamic: boolean;
  /** Elements by the text of their canonical key. */
  readonly entries: ReadonlyMap<string, Element>;
  /** The combinations of prefix lengths that keys with ranges have. */
  readonly patterns: readonly Pattern[];
  /** The chains that the verdicts of the map go to. */
  readonly targets: ReadonlySet<string>;
}

/** The names of a ruleset with what they stand for. */
export interface RulesetNames {
  readonly family: Family;
  readonly sets: ReadonlyMap<string, IndexedSet>;
  readonly chains: ReadonlyMap<string, Chain>;
}

/** A chain that the kernel calls. */
export type BaseChain = Chain & { readonly hook: Hook };

/** A ruleset that was checked from end to end. */
export interface IndexedRuleset extends RulesetNames {
  /** The base chains of each hook, in the order in which the kernel calls them. */
  readonly hooks: Readonly<Record<Hook['hook'], readonly BaseChain[]>>;
}
