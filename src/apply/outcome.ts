/** What became of an apply. Types only. */

import type { NftError } from '../kernel/nft-error.ts';
import type { Family } from '../net/network.ts';
import type { Command } from '../nft/command.ts';
import type { ListedTable } from '../nft/listed-table.ts';
import type { ConntrackOutcome } from './clean-conntrack.ts';

/** What became of one family's table. */
export interface FamilyOutcome {
  readonly family: Family;
  /**
   * `unchanged`: it held everything already. `changed`: it took the difference. `rebuilt`: it was made anew, in one
   * transaction. `failed`: it holds what it held before,
   * unless nft was interrupted after the kernel was done.
   */
  readonly result: 'unchanged' | 'changed' | 'rebuilt' | 'failed';
  /** What the kernel was told; what it was meant to be told when that failed. */
  readonly commands: readonly Command[];
  /** What the table held before, where it was read: at the start, and after an error. */
  readonly before: ListedTable | undefined;
  /** What was found wrong with it, for people. */
  readonly found: readonly string[];
  /** Services, `namespace/name`, that are left out because nft refused them, now or before. */
  readonly leftOut: readonly string[];
  /** What nft said: why it failed, or why the table had to be made anew. */
  readonly error: NftError | undefined;
}

/** What became of all tables. */
export interface Outcome {
  /** Whether every table holds what it should, all Services included. */
  readonly ok: boolean;
  /** None while the node is not known. */
  readonly families: readonly FamilyOutcome[];
  /** What became of stale UDP flows; undefined when there was no need to look. */
  readonly conntrack: ConntrackOutcome | undefined;
}
