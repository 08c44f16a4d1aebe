import { foreignHooks } from '../diff/diff-rulesets.ts';
import { indexInstalled } from '../diff/installed.ts';
import { deletePins, partPins, repinnedFrontends, restorePins } from '../diff/pins.ts';
import type { Family } from '../net/network.ts';
import type { Command } from '../nft/command.ts';
import type { ListedTable } from '../nft/listed-table.ts';
import type { Target } from './target.ts';

/** What leads from a table that was just read to what is wanted. */
export interface PlannedTransaction {
  readonly commands: readonly Command[];
  /** Of these, how many at the end delete pins; packets may be faster and change a pin, so that nft refuses to. */
  readonly pinCommands: number;
  /** Whether the table is made anew. */
  readonly isNewTable: boolean;
}

/**
 * Plans the transaction that brings a table, as it was read, to what the target wants: the difference, or a new table
 * where single commands cannot mend it. Clients stay pinned, but for those whose endpoint is gone.
 *
 * @param listing undefined when there is no table, or nobody knows what it holds.
 * @param anew true when only a new table is left to try.
 */
export function planTransaction(
  target: Target,
  family: Family,
  { listing, anew }: { readonly listing: ListedTable | undefined; readonly anew: boolean },
): PlannedTransaction {
  const isNewTable = anew || !listing || needsNewTable(listing);
  const update = target.resync(new Map([[family, isNewTable ? undefined : listing.ruleset]]));
  const commands = update.families.find((one) => one.family === family)?.commands ?? [];
  const pins = listing ? commandsForPins(target, family, listing, isNewTable) : [];
  const all = [...(isNewTable ? [deleteTable] : []), ...commands, ...pins];
  return { commands: all, pinCommands: isNewTable ? 0 : pins.length, isNewTable };
}

const deleteTable: Command = { kind: 'delete-table' };

function needsNewTable({ ruleset, deviations }: ListedTable): boolean {
  return deviations.some(({ needsRebuild }) => needsRebuild) || foreignHooks(ruleset).length > 0;
}

/** In a table that stays, what is wrong is deleted; into a new one, what is right is written again. */
function commandsForPins(target: Target, family: Family, listing: ListedTable, isNewTable: boolean): Command[] {
  const ruleset = target.rulesets().find((one) => one.family === family);
  if (!ruleset || listing.dynamic.size === 0) {
    return [];
  }
  const before = indexInstalled(listing.ruleset);
  const after = indexInstalled(ruleset);
  const { kept, lost } = partPins(listing.dynamic, after, repinnedFrontends(before.sets, after.sets));
  return isNewTable ? restorePins(kept) : deletePins(lost).filter(({ set }) => after.sets.has(set));
}
