/** What callers of the engine see. Types only. */

import type { Diagnostic, ObjectReference } from '../diagnostics/diagnostic.ts';
import type { Family } from '../net/network.ts';
import type { Command } from '../nft/command.ts';
import type { Ruleset } from '../nft/ruleset.ts';
import type { NodeView } from '../phases/3-model/model.ts';
import type { Aftermath } from './describe-handovers.ts';

/** Changes of a cluster, as a watch of its API reports them. An object that is added and one that changed are the same. */
export interface Changes {
  /** Whole objects of kinds Service, EndpointSlice, Node and ServiceCIDR; others are ignored. `kind: List` is expanded. */
  readonly apply?: readonly unknown[];
  /** Objects that are gone. An object in both lists is gone, then there again. */
  readonly remove?: readonly ObjectReference[];
}

/** What changes have to do in one family's table. */
export interface FamilyUpdate {
  readonly family: Family;
  readonly table: string;
  /** One transaction; empty when only the aftermath is left to do. */
  readonly commands: readonly Command[];
  /** The same for `nft -f`. */
  readonly text: string;
  readonly aftermath: Aftermath;
  /** How often the family had been resynced by then. What is older than the last time is part of what that gave. */
  readonly resyncs: number;
  /** Counts the updates of the family, from 1 on, so that one which is lost or comes twice is noticed. */
  readonly sequence: number;
}

/** What a call of `update` gives. */
export interface Update {
  /** The families that have anything to do; none when the changes make no difference to any packet. */
  readonly families: readonly FamilyUpdate[];
  /** The text of all of them, empty for none. One `nft -f` of it is one transaction for all. */
  readonly text: string;
  /** About the objects of this call, and who wants the same address as they. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Keeps the ruleset of one node up to date. It holds all that follows from the objects it was told of, and takes for
 * granted that its updates are carried out, in order; when one was not, tell it what the kernel holds (`resync`).
 */
export interface Engine {
  /** Families that have a table, and the name of the tables. */
  readonly families: readonly Family[];
  readonly table: string;
  /** False while the node is not known: then updates are empty. */
  isReady(): boolean;
  /**
   * Takes changes, and returns what they have to do in the kernel. What it costs depends on the Services that the
   * changes touch, not on how many there are. Invalid objects are left out, with a diagnostic, until a valid version
   * comes; nothing is thrown for wrong input.
   */
  update(changes: Changes): Update;
  /**
   * Starts from what the kernel holds, in families that were read: undefined for no table. Returns what leads from
   * there to what the objects want.
   */
  resync(tables: ReadonlyMap<Family, Ruleset | undefined>): Update;
  /** How often a family was resynced so far. */
  resyncs(family: Family): number;
  /** Leaves Services, `namespace/name`, out of a family until they or their slices change. */
  exclude(family: Family, services: ReadonlySet<string>): Update;
  /** Those that are left out, sorted. */
  excluded(family: Family): readonly string[];
  /** A family's ruleset compiled from scratch, without some Services besides those left out already. */
  plan(family: Family, without: ReadonlySet<string>): Ruleset;
  /** The rulesets as they are installed once all updates are carried out, one for each family. */
  rulesets(): readonly Ruleset[];
  /** Services and endpoints as this node sees them, one for each family; none before a node is known. */
  views(): readonly NodeView[];
}
