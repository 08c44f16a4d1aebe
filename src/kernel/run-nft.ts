import { setTimeout as wait } from 'node:timers/promises';
import type { TableName } from '../nft/listed-table.ts';
import { identifier } from '../nft/print.ts';
import { classifyNftError, isNftError, type NftError } from './nft-error.ts';
import type { RunProgram } from './run-program.ts';

/** Waits this many milliseconds; a parameter, so that tests do not wait for a clock. */
export type Pause = (milliseconds: number) => Promise<void>;

/** Waits with the clock. */
export const pauseWithClock: Pause = async (milliseconds) => {
  await wait(milliseconds);
};

/** In milliseconds, before the second and the third attempt. */
const pauses = [50, 500];

/**
 * The result of an attempt, which is repeated after errors that may pass: another program changed rules at the same time,
 * or a signal ended nft. Which errors: nftRemedies in nft-error.ts.
 *
 * @param mayRepeat whether another attempt is allowed after an error.
 */
export async function withRetries<T extends object | undefined>(
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

/** Loads a transaction; undefined when the kernel accepted it. An empty one is accepted without running nft. */
export function loadTransaction(run: RunProgram, text: string): Promise<NftError | undefined> {
  return runNft(run, ['-f', '-'], text);
}

/** Asks the kernel whether it would accept a transaction, and changes nothing. */
export function checkTransaction(run: RunProgram, text: string): Promise<NftError | undefined> {
  return runNft(run, ['--check', '-f', '-'], text);
}

async function runNft(run: RunProgram, args: readonly string[], text: string): Promise<NftError | undefined> {
  if (text === '') {
    return undefined;
  }
  const result = await run('nft', args, text);
  return result.exitCode === 0 ? undefined : classifyNftError(result);
}

/** Removes one table with everything in it, and no other. */
export async function removeTable(
  run: RunProgram,
  { family, table }: TableName,
): Promise<'removed' | 'absent' | NftError> {
  const error = await loadTransaction(run, `delete table ${family} ${identifier(table)}\n`);
  if (error?.kind === 'no-such-file') {
    return 'absent';
  }
  return error ?? 'removed';
}
