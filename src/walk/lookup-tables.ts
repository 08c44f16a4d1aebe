/** A ruleset with lookup tables, checked from end to end. Types only. */

import type { Family } from '../net/network.ts';
import type { Chain, Element, EndpointList, FilledSet, Hook, Ruleset } from '../nft/ruleset.ts';

/** The prefix length of each part of a key; undefined for a part that is a single value. */
export type Pattern = readonly (number | undefined)[];

/** A set or map that can be looked up. */
export interface IndexedSet {
  readonly declaration: FilledSet;
  /** Whether rules change it. */
  readonly isDynamic: boolean;
  /** Elements by the text of their canonical key, without those of lists. */
  readonly entries: ReadonlyMap<string, Element>;
  /** The endpoint lists by their keys, `10.96.0.1 . 80`; empty but for endpoint maps. */
  readonly lists: ReadonlyMap<string, EndpointList>;
  /** The combinations of prefix lengths that occur in keys with ranges. */
  readonly patterns: readonly Pattern[];
  /** The first part of each key, for sets of single values at that place that rules do not change; else undefined. */
  readonly firstParts: ReadonlySet<string> | undefined;
  /** The chains that the verdicts of the map go to. */
  readonly targets: ReadonlySet<string>;
}

/** The sets and chains of a ruleset by name. */
export interface RulesetNames {
  readonly family: Family;
  readonly sets: ReadonlyMap<string, IndexedSet>;
  readonly chains: ReadonlyMap<string, Chain>;
}

/** The first rule from `from` on that a packet may match, by its destination; the number of rules if there is none. */
export type NextRule = (from: number, packet: { readonly destination: string; readonly port: number }) => number;

/** A chain that the kernel calls. */
export type HookedChain = Chain & { readonly hook: Hook };

/** A ruleset that walks can rely on: every name in it stands for something, and every key and value fits. */
export interface IndexedRuleset extends RulesetNames, Pick<Ruleset, 'language'> {
  /** The base chains of each hook, in the order in which the kernel calls them. */
  readonly hooks: Readonly<Record<Hook['hook'], readonly HookedChain[]>>;
  /** For chains with many rules, most of which are for one address or port. */
  readonly nextRules: ReadonlyMap<Chain, NextRule>;
}
