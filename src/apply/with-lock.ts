import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

/** Does work on a table while no other process does. */
export type Lock = <T>(table: string, work: () => Promise<T>) => Promise<T>;

/** How long to wait for other processes, and how often to look, in milliseconds. */
const patience = 60_000;
const interval = 25;

/**
 * Does work on a table while no other svc2nft process does: two processes that read the same table and send what differs
 * would leave a mixture. The lock is a socket with an abstract name (unix(7)), which belongs to a network namespace, as
 * tables do, and is released when its process ends, however it ends. Any program can take that name, so after a minute
 * the work is done without the lock.
 */
export async function withLock<T>(table: string, work: () => Promise<T>): Promise<T> {
  const lock = await takeLock(`\0svc2nft ${table}`);
  try {
    return await work();
  } finally {
    lock?.close();
  }
}

/** For callers with a network namespace of their own, such as tests. */
export function withoutLock<T>(_table: string, work: () => Promise<T>): Promise<T> {
  return work();
}

async function takeLock(name: string): Promise<Server | undefined> {
  for (let waited = 0; waited < patience; waited += interval) {
    const server = createServer();
    try {
      server.listen(name);
      await once(server, 'listening');
      server.unref();
      return server;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) {
        // Without abstract names there is no lock.
        return undefined;
      }
    }
    await wait(interval);
  }
  return undefined;
}
