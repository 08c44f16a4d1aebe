import type { Listing } from '../listing/listing.ts';
import { classifyNftError, type NftError } from './nft-error.ts';
import { isNftError } from './read-table.ts';
import type { RunProgram } from './run-program.ts';

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
export async function patiently<T extends Listing | undefined>(
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
