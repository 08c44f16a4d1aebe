import type { IptablesRuleset } from '../iptables/iptables-ruleset.ts';
import type { SavedRules } from '../iptables/saved-rules.ts';
import type { Family } from '../net/network.ts';
import type { Ruleset } from '../nft/ruleset.ts';
import type { NodeView } from '../phases/3-model/model.ts';

/** What the tables of a node should hold: an engine, or a compiled snapshot. */
export interface DesiredState {
  /** Families that have a table, and the name of the tables. */
  readonly families: readonly Family[];
  readonly table: string;
  /** False while the objects are not complete or the node is not known: then nothing is desired, and tables stay as they are. */
  isReady(): boolean;
  /**
   * The ruleset that a family's table should hold.
   *
   * @param actual what it holds: a snapshot leaves that as it is where its input says nothing about it.
   */
  desiredRuleset(family: Family, actual?: Ruleset): Ruleset;
  /** The same compiled from scratch, without some more Services, `namespace/name`. */
  desiredWithout(family: Family, services: ReadonlySet<string>): Ruleset;
  /** Takes a table that means the same as the desired ruleset for what the kernel holds: later commands build on it. */
  adopt(table: Ruleset): void;
  /** Leaves Services, `namespace/name`, out of a family until they or their slices change. */
  reject(family: Family, services: ReadonlySet<string>): void;
  /** The Services that are left out, sorted. */
  rejected(family: Family): readonly string[];
  /** Services and endpoints as this node sees them, one for each family; none before the node is known. */
  views(): readonly NodeView[];
}

/** The rules that iptables of one family should hold. */
export interface DesiredIptables {
  readonly family: Family;
  /** Whether any Service is served, or refused. */
  readonly hasServices: boolean;
  /** Whether node ports answer at loopback addresses, for which the kernel has to route these. */
  readonly usesLoopback: boolean;
  /** @param actual what is there: a snapshot leaves that as it is where its input says nothing about it. */
  readonly rulesetOver: (actual: SavedRules) => IptablesRuleset;
}
