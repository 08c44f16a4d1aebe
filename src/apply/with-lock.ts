import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { access, lstat, mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { RunProgram } from '../kernel/run-program.ts';
import { findLockHolder, type HeldLock, hasCode, type LockHolder, tryLock } from '../kernel/socket-lock.ts';
import { invariant } from '../lib/invariant.ts';
import { escapeControls } from '../lib/text.ts';

/**
 * Does work on a table while no other process does. What the work runs with the runner that it is given keeps the lock, too:
 * an nft that outlives this process may still change the table.
 *
 * @throws LockError when others do not finish, or the signal ends the wait.
 */
export type Lock = <T>(request: LockRequest, work: (run: RunProgram) => Promise<T>) => Promise<T>;

/** What is locked, for which programs. */
export interface LockRequest {
  readonly table: string;
  readonly run: RunProgram;
  /** Receives one line about whom the work waits for, or why others are not kept away; default: a warning of the process. */
  readonly tell?: (notice: string) => void;
  /** Ends waiting for the lock. */
  readonly signal?: AbortSignal | undefined;
}

/** Another process keeps the lock for too long. */
export class LockError extends Error {
  override readonly name = 'LockError';
}

/** Where locks are kept, and how long to wait for them. */
export interface LockSettings {
  /** Folders to try, the first one that only this user can write to is taken. */
  readonly folders?: readonly string[];
  /** How long to wait for other processes, in milliseconds; a large table takes minutes to load. */
  readonly patience?: number;
  /** How long to wait silently, in milliseconds. */
  readonly silence?: number;
}

/** A lock that no other user can take; docs/decisions/lock.md says why. */
export function createLock(settings: LockSettings = {}): Lock {
  return async ({ table, run, tell = warnOnce, signal }, work) => {
    const parent = await chooseFolder(settings.folders ?? [sharedFolder, `/tmp/svc2nft-${process.geteuid?.()}`], tell);
    if (parent === undefined) {
      return work(run);
    }
    const folder = join(parent, await nameOf(table));
    await mkdir(folder, { mode: 0o700, recursive: true });
    const { descriptor, release } = await waitForLock({ folder, table, tell, signal }, settings);
    try {
      return await work((program, args, input, options) =>
        run(program, args, input, { ...options, ...(descriptor !== undefined && { inherit: descriptor }) }),
      );
    } finally {
      release();
    }
  };
}

/** The lock of this machine. */
export const withLock: Lock = createLock();

/** For callers with a network namespace of their own, such as tests. */
export const withoutLock: Lock = ({ run }, work) => work(run);

/** A lock that is kept between two pieces of work, until it is released. */
export interface KeptLock {
  readonly lock: Lock;
  /** Resolves when others can have it. */
  release(): Promise<void>;
}

/** Keeps a lock from the first work on that has it. All work is about one table, and none of it overlaps. */
export function keepLock(lock: Lock): KeptLock {
  let kept: { readonly table: string; readonly run: RunProgram } | undefined;
  let end = (): void => undefined;
  const released = new Promise<void>((resolve) => {
    end = resolve;
  });
  let holding: Promise<void> | undefined;
  const take = (request: LockRequest): Promise<RunProgram> =>
    new Promise((resolve, reject) => {
      holding = lock(request, (run) => {
        kept = { table: request.table, run };
        resolve(run);
        return released;
      }).catch(reject);
    });
  return {
    lock: async (request, work) => {
      invariant(kept === undefined || kept.table === request.table, 'a kept lock is that of one table');
      return work(kept?.run ?? (await take(request)));
    },
    release: async () => {
      end();
      await holding;
    },
  };
}

const sharedFolder = '/run/svc2nft';

function warnOnce(notice: string): void {
  if (!warnings.has(notice)) {
    warnings.add(notice);
    process.emitWarning(notice, { code: 'SVC2NFT_LOCK' });
  }
}

const warnings = new Set<string>();

/** The first folder in which no other user can take or remove the lock; undefined when there is none. */
async function chooseFolder(folders: readonly string[], tell: (notice: string) => void): Promise<string | undefined> {
  const problems: string[] = [];
  let isExpected = true;
  for (const folder of folders) {
    const problem = await problemOf(folder);
    if (problem === undefined) {
      if (!isExpected) {
        tell(`the lock is in ${folder}, so it keeps away only those who use this folder, too: ${problems.join(', ')}`);
      }
      return folder;
    }
    // Other users than root, and root of a user namespace, change network namespaces of their own.
    isExpected &&= problem === foreign;
    problems.push(`${folder}: ${problem}`);
  }
  tell(`no lock keeps another svc2nft away: ${problems.join(', ')}`);
  return undefined;
}

const foreign = 'it belongs to another user';

async function problemOf(folder: string): Promise<string | undefined> {
  try {
    await mkdir(folder, { mode: 0o700 });
  } catch (error) {
    if (!hasCode(error, ['EEXIST'])) {
      return hasCode(error, ['EACCES', 'EPERM']) ? foreign : reasonOf(error);
    }
  }
  try {
    const found = await lstat(folder);
    if (found.uid !== process.geteuid?.()) {
      return foreign;
    }
    if (!found.isDirectory() || (found.mode & 0o022) !== 0) {
      return 'it is not a folder that only its owner may write to';
    }
    await access(folder, constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
}

/** Node's message, such as `EROFS: read-only file system`, without the call and the path. */
function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.replace(/, .*$/s, '') : String(error);
}

/** A table of a network namespace. The name is hashed, because the path of a socket has at most 107 bytes. */
async function nameOf(table: string): Promise<string> {
  const namespace = await stat('/proc/self/ns/net').catch(() => undefined);
  return `${namespace?.ino ?? 0}-${createHash('sha256').update(table).digest('hex').slice(0, 12)}`;
}

interface WantedLock extends Required<Pick<LockRequest, 'table' | 'tell'>>, Pick<LockRequest, 'signal'> {
  readonly folder: string;
}

/** In milliseconds. */
const interval = 25;

async function waitForLock(
  { folder, table, tell, signal }: WantedLock,
  { patience = 600_000, silence = 1_000 }: LockSettings,
): Promise<HeldLock> {
  const start = performance.now();
  for (let isTold = false; ; ) {
    const lock = await tryLock(folder);
    if (lock) {
      return lock;
    }
    const waited = performance.now() - start;
    if (waited >= patience) {
      throw new LockError(`${describeHolder(table, await findLockHolder(folder))}; end it if it hangs`);
    }
    if (signal?.aborted) {
      throw new LockError(`ended before it had the lock: ${describeHolder(table, await findLockHolder(folder))}`);
    }
    if (waited >= silence && !isTold) {
      isTold = true;
      tell(`waiting: ${describeHolder(table, await findLockHolder(folder))}`);
    }
    await wait(interval);
  }
}

function describeHolder(table: string, { processes, pid, since }: LockHolder): string {
  const seen = processes.map((one) => `${one.pid} (${escapeControls(one.command.slice(0, 100))})`);
  const holder =
    seen.length > 0 ? `process ${seen.join(' and ')}` : `process ${pid ?? 'unknown'}, which cannot be seen from here`;
  const time = since === undefined ? '' : ` for ${Math.max(0, Math.round((Date.now() - since) / 1_000))} s`;
  const isLeft = seen.length > 0 && !processes.some((one) => one.pid === pid);
  return `the lock on table ${table} is held by ${holder}${time}${isLeft ? `, left by process ${pid}` : ''}`;
}
