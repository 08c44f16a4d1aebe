/** Whoever knows what the kernel should hold: the engine, or a compiled snapshot. Types only. */
import type { Update } from '../engine/engine.ts';
import type { Family } from '../network.ts';
import type { NodeView } from '../phases/3-model/model.ts';
import type { Ruleset } from '../phases/5-plan/ruleset.ts';

/** What the applier asks of it; an Engine is one. */
export interface Target {
  /** Families that have a table. */
  readonly families: readonly Family[];
  /** The name of the tables. */
  readonly table: string;
  /** False while nobody knows what is wanted, because the node is not known: then no table is touched. */
  isReady(): boolean;
  /** What leads from tables as they are (undefined: none) to those wanted, which count as installed from then on. */
  resync(tables: ReadonlyMap<Family, Ruleset | undefined>): Update;
  /** How often a family was resynced: an update from before the last time is part of what that gave. */
  resyncs(family: Family): number;
  /** Leaves Services, `namespace/name`, out of a family. */
  exclude(family: Family, services: ReadonlySet<string>): Update;
  /** Those that are left out. */
  excluded(family: Family): readonly string[];
  /** A family's ruleset made from scratch, without some Services besides those left out already. */
  plan(family: Family, without: ReadonlySet<string>): Ruleset;
  /** The rulesets that count as installed. */
  rulesets(): readonly Ruleset[];
  /** What they are made of; none while the target is not ready. */
  views(): readonly NodeView[];
}
