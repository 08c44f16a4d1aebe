import { setTimeout as wait } from 'node:timers/promises';
import { escapeControls } from '../lib/text.ts';
import type { TableFlag, TableName } from '../nft/listed-table.ts';
import { identifier } from '../nft/print.ts';
import {
  classifyNftError,
  createNftError,
  createUnreadable,
  isNftError,
  leavesOpen,
  type NftError,
} from './nft-error.ts';
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

/**
 * Loads a transaction; undefined when the kernel accepted it. An empty one is accepted without running nft.
 *
 * @param onStart is called when nft works on it.
 */
export function loadTransaction(run: RunProgram, text: string, onStart?: () => void): Promise<NftError | undefined> {
  return runNft(run, ['-f', '-'], text, onStart);
}

/** Asks the kernel whether it would accept a transaction, and changes nothing. */
export function checkTransaction(run: RunProgram, text: string, onStart?: () => void): Promise<NftError | undefined> {
  return runNft(run, ['--check', '-f', '-'], text, onStart);
}

/** In milliseconds. A megabyte takes half a second, and nft waits for other programs that change rules. */
const longestLoad = 30_000;
const longestLoadOfMegabyte = 10_000;

async function runNft(
  run: RunProgram,
  args: readonly string[],
  text: string,
  onStart?: () => void,
): Promise<NftError | undefined> {
  if (text === '') {
    return undefined;
  }
  const longest = longestLoad + Math.floor(text.length / 1e6) * longestLoadOfMegabyte;
  const result = await run('nft', args, text, { longest, ...(onStart && { onStart }) });
  return result.exitCode === 0 ? undefined : classifyNftError(result);
}

/** Removes one table with everything in it, and no other. */
export async function removeTable(run: RunProgram, name: TableName): Promise<'removed' | 'absent' | NftError> {
  const error = await loadTransaction(run, `delete table ${name.family} ${identifier(name.table)}\n`);
  if (error?.kind === 'no-such-file') {
    return 'absent';
  }
  if (error && leavesOpen(error)) {
    const head = await readHead(run, name);
    if (typeof head === 'string') {
      return error;
    }
    if (head.kind === 'no-such-file') {
      return 'removed';
    }
    return error.kind === 'crashed' && head.kind === 'crashed' ? createUnreadable(error) : error;
  }
  return error ? nameOwner(run, name, error) : 'removed';
}

/** The error of a change that is not permitted; it names the owner if the table has one, who alone may change it. */
export async function nameOwner(run: RunProgram, name: TableName, error: NftError): Promise<NftError> {
  const head = error.kind === 'no-permission' ? await readTableHead(run, name) : undefined;
  return head?.owner === undefined ? error : createNftError('owned', [describeOwner(name, head.owner)]);
}

/** Who alone may change a table. */
export function describeOwner({ family, table }: TableName, owner: string): string {
  return `table ${family} ${table} is owned by ${owner}, which alone may change it`;
}

/** What a table is by itself. */
export interface TableHead {
  readonly flags: readonly TableFlag[];
  /** Who owns it, human-readable; undefined if nobody does. */
  readonly owner: string | undefined;
}

/** What a table is by itself, also if what it holds cannot be read; undefined if it cannot be read either, or does not exist. */
export async function readTableHead(run: RunProgram, name: TableName): Promise<TableHead | undefined> {
  const head = await readHead(run, name);
  if (typeof head !== 'string') {
    return undefined;
  }
  const words = /^\tflags ([a-z, ]+)$/m.exec(head)?.[1]?.split(/, ?/) ?? [];
  const flags = (['owner', 'persist'] as const).filter((flag) => words.includes(flag));
  // nft prints the name of the process that has the netlink socket, if it can see it.
  const program = /^table .* # progname (.*)$/m.exec(head)?.[1];
  const owner = program === undefined ? 'another process' : `the process "${escapeControls(program)}"`;
  return { flags, owner: flags.includes('owner') ? owner : undefined };
}

/** What nft prints for a table without the elements of its sets. */
async function readHead(run: RunProgram, { family, table }: TableName): Promise<string | NftError> {
  const result = await run('nft', ['-t', 'list', 'table', family, table]);
  return result.exitCode === 0 ? result.stdout : classifyNftError(result);
}
