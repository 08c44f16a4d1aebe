import type { NftError } from '../kernel/nft-error.ts';
import { readTable } from '../kernel/read-table.ts';
import type { RunProgram } from '../kernel/run-program.ts';
import type { ListedTable, TableName } from '../nft/listed-table.ts';
import { knownNames } from '../phases/5-plan/names.ts';

/**
 * The table that the kernel holds, and no other table; undefined when there is none. Reading takes about as long as loading
 * the table.
 */
export async function readActualTable(run: RunProgram, name: TableName): Promise<ListedTable | NftError | undefined> {
  return readTable(run, name, knownNames);
}
