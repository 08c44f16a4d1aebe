import type { TableName } from '../listing/collect-objects.ts';
import { identifier } from '../phases/6-render/render-text.ts';
import type { NftError } from './nft-error.ts';
import type { RunProgram } from './run-program.ts';
import { send } from './send.ts';

/** Removes one table with all that is in it, and no other. */
export async function removeTable(
  run: RunProgram,
  { family, table }: TableName,
): Promise<'removed' | 'absent' | NftError> {
  const error = await send(run, `delete table ${family} ${identifier(table)}\n`);
  if (error?.kind === 'no-such-file') {
    return 'absent';
  }
  return error ?? 'removed';
}
