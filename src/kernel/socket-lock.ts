import { once } from 'node:events';
import { fstatSync } from 'node:fs';
import { link, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';

/** A lock that this process holds. */
export interface HeldLock {
  /** Programs that inherit this descriptor hold the lock, too, until they end. */
  readonly descriptor: number | undefined;
  release(): void;
}

/** Who holds a lock. */
export interface LockHolder {
  /** Processes that can be seen from here: the one that took it, programs that it started, or both. */
  readonly processes: readonly { readonly pid: number; readonly command: string }[];
  /** The process that took the lock, which may have ended, by the number that it had in its own namespace. */
  readonly pid: number | undefined;
  /** When it took the lock, in milliseconds since 1970. */
  readonly since: number | undefined;
}

/**
 * Takes the lock of a folder, or returns undefined when another process holds it.
 *
 * A lock is a Unix socket that listens: the kernel ends that when the last process that has it ends, however it ends, and
 * connecting shows whether it still listens. The sockets of a lock are numbered from 1 on. A process that finds the last
 * one silent links a socket that listens to the next number, which succeeds for one process only, and has the lock if that
 * is still the last number then. Only earlier numbers are removed, so that a number is used once. The folder has nothing
 * else: a few names are listed at one moment, while a long list could miss the number that was last before and the next.
 *
 * @param folder only the own user can write to it, and its path has at most 80 bytes.
 * @throws Error of the operating system, such as ENOSPC.
 */
export async function tryLock(folder: string): Promise<HeldLock | undefined> {
  const last = await lastNumber(folder);
  if (last > 0 && (await listens(join(folder, `${last}`)))) {
    return undefined;
  }
  const server = await listen(folder, last + 1);
  if (!server) {
    return undefined;
  }
  if ((await lastNumber(folder)) > last + 1) {
    server.close();
    return undefined;
  }
  const descriptor = descriptorOf(server);
  await describeHolder(folder, descriptor);
  await removeOthers(folder, last + 1);
  return { descriptor, release: () => server.close() };
}

async function lastNumber(folder: string): Promise<number> {
  return Math.max(0, ...(await readdir(folder)).map(Number).filter(Number.isSafeInteger));
}

const holderFile = 'holder';

/** Whether a process has the socket; true also when there was a change meanwhile. */
async function listens(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return true;
  } catch (error) {
    // EAGAIN: nobody has accepted those who asked before, as when only a program is left that inherited the socket.
    if (hasCode(error, ['EAGAIN', 'ECONNRESET', 'ENOENT'])) {
      return true;
    }
    if (hasCode(error, ['ECONNREFUSED'])) {
      return false;
    }
    throw error;
  } finally {
    socket.destroy();
  }
}

/** A server that listens on the socket with this number; undefined when another process was faster. */
async function listen(folder: string, number: number): Promise<Server | undefined> {
  const server = createServer((socket) => socket.destroy());
  // Linked when it listens already: one that does not yet would be taken for one that is left over.
  const path = join(folder, `new-${crypto.randomUUID().slice(0, 8)}`);
  server.listen(path);
  await once(server, 'listening');
  server.unref();
  try {
    await link(path, join(folder, `${number}`));
    return server;
  } catch (error) {
    server.close();
    // ENOENT: the process that was faster has removed the path, too.
    if (hasCode(error, ['EEXIST', 'ENOENT'])) {
      return undefined;
    }
    throw error;
  } finally {
    await rm(path, { force: true });
  }
}

/** Node documents no other way to share a server with a program. */
function descriptorOf(server: Server & { readonly _handle?: { readonly fd?: number } | null }): number | undefined {
  return server._handle?.fd;
}

/** Whether the operating system gave one of these reasons. */
export function hasCode(error: unknown, codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}

/** Removes what those before have left. A process that is about to link its socket finds it gone, and tries again. */
async function removeOthers(folder: string, number: number): Promise<void> {
  const others = (await readdir(folder)).filter((name) => name !== holderFile && !(Number(name) >= number));
  await Promise.all(others.map((name) => rm(join(folder, name), { force: true })));
}

/** Only for messages, so nothing depends on it. */
async function describeHolder(folder: string, descriptor: number | undefined): Promise<void> {
  const inode = descriptor === undefined ? undefined : fstatSync(descriptor).ino;
  const text = JSON.stringify({ pid: process.pid, since: Date.now(), inode });
  await writeFile(join(folder, holderFile), text).catch(() => undefined);
}

/** Who held the lock a moment ago, as far as it can be seen. */
export async function findLockHolder(folder: string): Promise<LockHolder> {
  const text = await readFile(join(folder, holderFile), 'utf8').catch(() => '');
  const [, pid, since, inode] = /^\{"pid":(\d+),"since":(\d+)(?:,"inode":(\d+))?\}$/.exec(text) ?? [];
  return {
    processes: inode === undefined ? [] : await findProcesses(`socket:[${inode}]`),
    pid: pid === undefined ? undefined : Number(pid),
    since: since === undefined ? undefined : Number(since),
  };
}

/** The processes that have something open; others' need root to be seen. */
async function findProcesses(target: string): Promise<LockHolder['processes']> {
  const names = await readdir('/proc').catch(() => []);
  const found = names
    .filter((name) => /^\d+$/.test(name))
    .map(async (name) => {
      const folder = `/proc/${name}/fd`;
      const descriptors = await readdir(folder).catch(() => []);
      const targets = await Promise.all(descriptors.map((one) => readlink(join(folder, one)).catch(() => '')));
      if (!targets.includes(target)) {
        return [];
      }
      const command = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
      return [{ pid: Number(name), command: command.split('\0').join(' ').trim() }];
    });
  return (await Promise.all(found)).flat();
}
