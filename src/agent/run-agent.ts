import { createServiceProxy, type ServiceProxyOptions } from '../apply/create-service-proxy.ts';
import { type Lock, LockError, withoutLock } from '../apply/with-lock.ts';
import type { ClusterConnection } from '../cluster/cluster-connection.ts';
import { followCluster } from '../cluster/follow-cluster.ts';
import type { BindAddress } from '../config/bind-address.ts';
import type { PortFailure } from '../health/service-health.ts';
import { createNftSession } from '../kernel/nft-session.ts';
import type { RunProgram } from '../kernel/run-program.ts';
import { type CompileOptions, defaultOptions } from '../options.ts';
import { type AgentTools, createSyncer } from './create-syncer.ts';
import { trackWriters } from './own-writers.ts';
import { recheckPeriodically, repairFromMonitor } from './repair-tables.ts';
import { serveHealth } from './serve-health.ts';
import { createStateLog } from './state-log.ts';

/** What an agent does, and with what. The signal ends it; the rules stay. */
export interface AgentOptions extends Omit<AgentTools, 'observe'> {
  readonly connection: ClusterConnection;
  /** Options of `compile`, with the name of the node. */
  readonly compile: Partial<CompileOptions> & Pick<CompileOptions, 'nodeName' | 'table'>;
  readonly run: RunProgram;
  readonly lock: Lock;
  /** Own the tables, so that no other program can change them; takes an nft and a kernel that can. */
  readonly ownTable: boolean;
  /** End after the first sync, also after one that failed. */
  readonly once: boolean;
  /** Called when all tables were in sync for the first time. */
  readonly onFirstSync: () => void;
  /** In milliseconds. */
  readonly minSyncPeriod: number;
  /** In milliseconds: a sync that failed is tried again after so long, and sooner at first. */
  readonly syncPeriod: number;
  /** In milliseconds, between two comparisons of all tables with what they should hold. */
  readonly resyncPeriod: number;
  /** In milliseconds: a watch without a byte for so long is started again. */
  readonly idleTimeout?: number;
  /** Where its health is served; undefined for nowhere. */
  readonly healthz: BindAddress | undefined;
  readonly wallClock: () => Date;
  /** Receives each failure to open a port for health checks of a Service. */
  readonly onPortFailure?: (failure: PortFailure) => void;
}

/**
 * Follows a cluster and keeps the tables of this node in sync with it, until the signal is aborted. The lock on the tables is
 * held all the time.
 *
 * @returns whether the tables were in sync with the cluster at the end.
 * @throws LockError when another process keeps the lock; Error when nft is missing or too old, or options are invalid.
 */
export async function runAgent(options: AgentOptions): Promise<boolean> {
  const { compile, run, lock, log, signal } = options;
  const tell = (notice: string): void => log('warn', notice);
  try {
    return await lock({ table: compile.table, run, tell, signal }, (lockedRun) => runLocked(options, lockedRun));
  } catch (error) {
    if (error instanceof LockError && signal.aborted) {
      log('info', error.message);
      return false;
    }
    throw error;
  }
}

async function runLocked(options: AgentOptions, lockedRun: RunProgram): Promise<boolean> {
  const { compile, connection, log, signal, now } = options;
  const end = new AbortController();
  const whole = AbortSignal.any([signal, end.signal]);
  const writers = trackWriters(lockedRun);
  const session = createNftSession(writers.run, { owns: options.ownTable });
  const proxy = await createServiceProxy({
    ...compile,
    run: session.run,
    ...(options.ownTable && { owner: session }),
    now,
    lock: withoutLock,
    minSyncPeriod: options.minSyncPeriod,
    onCleanup: (conntrack) => {
      if (conntrack?.failed !== undefined) {
        log('warn', 'stale UDP flows could not be deleted', { reason: conntrack.failed });
      }
    },
  } satisfies ServiceProxyOptions);
  const families = compile.families ?? defaultOptions.families;
  const health = options.once ? undefined : serveHealth({ ...options, families, proxy, signal: whole });
  const tools = { ...options, signal: whole, observe: health?.observe ?? ignore };
  const syncer = createSyncer(proxy, options.syncPeriod, tools);
  void syncer.firstSync.then(options.onFirstSync);
  const repairs = { table: compile.table, run: options.run, writers };
  const healing = options.once
    ? []
    : [
        // Not before: the first load would take twice as long, for telling of each element.
        Promise.race([syncer.firstSync, aborted(whole)]).then(() => repairFromMonitor(syncer, repairs, tools)),
        recheckPeriodically(syncer, options.resyncPeriod, tools),
      ];
  const follower = followCluster({
    connection,
    nodeName: compile.nodeName ?? '',
    onChanges: syncer.update,
    onState: createStateLog(log, now),
    wait: options.wait,
    random: options.random,
    now,
    ...(options.idleTimeout !== undefined && { idleTimeout: options.idleTimeout }),
  });
  await (options.once ? Promise.race([syncer.firstAttempt, aborted(signal)]) : aborted(signal));
  end.abort();
  health?.close();
  await follower.close();
  await proxy.close();
  await Promise.all([session.close(), ...healing]);
  return syncer.isInSync();
}

function ignore(): void {
  // Nobody is there to ask.
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
    }
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
