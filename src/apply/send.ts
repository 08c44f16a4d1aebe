import { classifyNftError, type NftError } from '../kernel/nft-error.ts';
import { isNftError } from '../kernel/read-table.ts';
import type { RunProgram } from '../kernel/run-program.ts';
import type { ListedTable, TableName } from '../nft/listed-table.ts';
import { identifier } from '../nft/print.ts';

/** How long to wait, in milliseconds; a parameter so that nobody's clock has to be waited for. */
export type Pause = (milliseconds: number) => Promise<void>;

/** Before the second and the third try. */
const pauses = [50, 500];

/** Hands a transaction to nft; undefined when the kernel took it. An empty one is taken without asking. */
export async function send(run: RunProgram, text: string): Promise<NftError | undefined> {
  if (text === '') {
    return undefined;
  }
  const result = await run('nft', ['-f', '-'], text);
  return result.exitCode === 0 ? undefined : classifyNftError(result);
}

/**
 * Tries again where a moment may help: somebody else changed rules at the same time, or a signal came.
 *
 * @param mayRepeat says after which errors that is allowed.
 */
export async function patiently<T extends ListedTable | undefined>(
  attempt: () => Promise<T | NftError>,
  pause: Pause,
  mayRepeat: (error: NftError) => boolean = () => true,
): Promise<T | NftError> {
  let result = await attempt();
  for (const milliseconds of pauses) {
    if (!isNftError(result) || !result.retry || !mayRepeat(result)) {
      break;
    }
    await pause(milliseconds);
    result = await attempt();
  }
  return result;
}

/** Whether the kernel would take a transaction; it changes nothing. */
export async function check(run: RunProgram, text: string): Promise<NftError | undefined> {
  const result = await run('nft', ['--check', '-f', '-'], text);
  return result.exitCode === 0 ? undefined : classifyNftError(result);
}

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
