import type { NftError } from '../kernel/nft-error.ts';
import { readTable } from '../kernel/read-table.ts';
import { type Pause, pauseWithClock, withRetries } from '../kernel/run-nft.ts';
import type { RunProgram } from '../kernel/run-program.ts';
import type { ListedTable, TableName } from '../nft/listed-table.ts';
import { knownNames } from '../phases/5-plan/names.ts';

/**
 * The table that the kernel holds, and no other table; undefined when there is none. Reading takes about as long as loading
 * the table. It is repeated when another program interrupts it.
 *
 * @param pause waits before another attempt.
 */
export function readActualTable(
  run: RunProgram,
  name: TableName,
  pause: Pause = pauseWithClock,
): Promise<ListedTable | NftError | undefined> {
  return withRetries(() => readTable(run, name, knownNames), pause);
}
