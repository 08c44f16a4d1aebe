import { createServiceProxy, type ServiceProxy, type ServiceProxyOptions } from '../apply/create-service-proxy.ts';
import type { UpdateOutcome } from '../apply/outcome.ts';
import { type Lock, LockError, withoutLock } from '../apply/with-lock.ts';
import type { ClusterConnection } from '../cluster/cluster-connection.ts';
import { followCluster } from '../cluster/follow-cluster.ts';
import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import type { Changes } from '../engine/engine.ts';
import { monitorTable, type TableChange } from '../kernel/monitor-table.ts';
import { createNftSession } from '../kernel/nft-session.ts';
import type { RunProgram } from '../kernel/run-program.ts';
import type { Family } from '../net/network.ts';
import type { CompileOptions } from '../options.ts';
import { type OwnWriters, trackWriters } from './own-writers.ts';
import { type AgentLog, createStateLog } from './state-log.ts';

/** What an agent works with. */
export interface AgentOptions {
  readonly connection: ClusterConnection;
  /** Options of `compile`, with the name of the node. */
  readonly compile: Partial<CompileOptions> & Pick<CompileOptions, 'nodeName' | 'table'>;
  readonly run: RunProgram;
  readonly lock: Lock;
  readonly log: AgentLog;
  /** Ends the agent; the rules stay. */
  readonly signal: AbortSignal;
  /** Own the tables, so that no other program can change them; takes an nft and a kernel that can. */
  readonly ownTable: boolean;
  /** End after the first sync. */
  readonly once: boolean;
  /** In milliseconds. */
  readonly minSyncPeriod: number;
  /** In milliseconds, between two comparisons of all tables with what they should hold. */
  readonly resyncPeriod: number;
  readonly idleTimeout?: number;
  readonly wait: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  readonly random: () => number;
  readonly now: () => number;
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
  const syncer = createSyncer(proxy, { ...options, signal: whole });
  const healing = options.once
    ? []
    : [
        // Not before: the first load would take twice as long, for telling of each element.
        Promise.race([syncer.firstSync, aborted(whole)]).then(() =>
          repairFromMonitor(syncer, options, { writers, signal: whole }),
        ),
        resyncPeriodically(syncer, options, whole),
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
  await (options.once ? Promise.race([syncer.firstSync, aborted(signal)]) : aborted(signal));
  end.abort();
  await follower.close();
  await proxy.close();
  await Promise.all([session.close(), ...healing]);
  return syncer.isInSync();
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
    }
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** In milliseconds, before a failed sync is tried again; doubled each time. */
const retryDelays = { first: 500, last: 30_000 };

/** In milliseconds: Services that nft rejects may be accepted after a while. */
const rejectedDelay = 300_000;

/** In milliseconds: nft has read all tables by then, and sees all changes. */
const monitorStart = 5_000;

function createSyncer(proxy: ServiceProxy, { log, signal, wait, now, random }: AgentOptions) {
  const reportDiagnostics = createDiagnosticLog(log);
  let lastFamilies: UpdateOutcome['families'] | undefined;
  let isInSync = false;
  let failures = 0;
  let announceSync = (): void => undefined;
  const firstSync = new Promise<void>((resolve) => {
    announceSync = resolve;
  });

  // Without a failure only rejected Services are tried again, which no change has to wait for.
  const retry = (): void => (isInSync ? void recheck() : resync());
  const retryAfter = createRetry(retry, { wait, random, now, signal });
  const handleOutcome = (outcome: UpdateOutcome, start: number): void => {
    const { families, diagnostics, ok, waitsFor } = outcome;
    reportDiagnostics(diagnostics);
    // Calls that were carried out together have one outcome, and the first one is the oldest.
    if (families === lastFamilies || waitsFor !== undefined) {
      return;
    }
    lastFamilies = families;
    isInSync = families.every(({ result }) => result !== 'failed');
    reportSync(log, outcome, now() - start);
    failures = isInSync ? 0 : failures + 1;
    if (isInSync) {
      announceSync();
    }
    if (!ok) {
      const delay = isInSync ? rejectedDelay : Math.min(retryDelays.first * 2 ** (failures - 1), retryDelays.last);
      retryAfter(delay);
    }
  };
  const awaitOutcome = async (outcome: Promise<UpdateOutcome>): Promise<void> => {
    const start = now();
    try {
      handleOutcome(await outcome, start);
    } catch (error) {
      if (!signal.aborted) {
        log('error', 'bug in svc2nft', { reason: error instanceof Error ? error.stack : String(error) });
        isInSync = false;
        retryAfter(retryDelays.last);
      }
    }
  };
  const resync = (families?: readonly Family[]): void => {
    if (!signal.aborted && proxy.isReady()) {
      void awaitOutcome(proxy.resync(families));
    }
  };
  /** Compares all tables with what they should hold, while changes go on. */
  const recheck = async (): Promise<void> => {
    if (!signal.aborted && proxy.isReady()) {
      await awaitOutcome(proxy.recheck());
    }
  };
  return {
    firstSync,
    resync,
    recheck,
    isInSync: () => isInSync,
    update: (changes: Changes): void => {
      void awaitOutcome(proxy.update(changes));
    },
  };
}

type Syncer = ReturnType<typeof createSyncer>;

/**
 * Does work again after a time, in milliseconds, more or less; once for several requests, after the shortest time. Services that
 * nft rejects wait for long, and a table that could not be changed must not wait for them.
 */
export function createRetry(
  work: () => void,
  { wait, random, now, signal }: Pick<AgentOptions, 'wait' | 'random' | 'now' | 'signal'>,
): (delay: number) => void {
  let due = Number.POSITIVE_INFINITY;
  return (delay) => {
    const length = delay * (0.75 + random() / 2);
    const time = now() + length;
    if (time >= due) {
      return;
    }
    due = time;
    const proceed = (): void => {
      // Otherwise a shorter time has taken its place.
      if (due === time) {
        due = Number.POSITIVE_INFINITY;
        work();
      }
    };
    void wait(length, signal).then(proceed, () => undefined);
  };
}

async function resyncPeriodically({ recheck }: Syncer, { resyncPeriod, wait }: AgentOptions, signal: AbortSignal) {
  while (!signal.aborted) {
    await wait(resyncPeriod, signal).catch(() => undefined);
    await recheck();
  }
}

/** Repairs what other programs change, as soon as nft tells of it. */
function repairFromMonitor(
  { resync, recheck }: Syncer,
  { run, compile: { table }, log, wait }: AgentOptions,
  { writers, signal }: { readonly writers: OwnWriters; readonly signal: AbortSignal },
): Promise<void> {
  const options = {
    table,
    markPrefix: writers.markPrefix,
    wait,
    onChange: (change: TableChange): void => {
      const { families, pid, name } = change;
      if (!writers.isOwn(change)) {
        log('warn', 'another program changed our rules; repairing them', { process: name, pid });
        resync([...families]);
      }
    },
    onLoss: () => {
      log('warn', 'nft monitor lost events; comparing all rules');
      resync();
    },
    onStart: () => {
      void wait(monitorStart, signal).then(recheck, () => undefined);
    },
    onEnd: (reason: string) => {
      log('warn', 'nft monitor ended; starting it again', { reason });
    },
  };
  return monitorTable(run, options, signal);
}

/** Diagnostics come again with each version of an object, and are logged once. */
function createDiagnosticLog(log: AgentLog): (diagnostics: readonly Diagnostic[]) => void {
  const known = new Set<string>();
  return (diagnostics) => {
    for (const { message, object, code } of diagnostics) {
      const subject =
        object && `${object.kind} ${object.namespace === undefined ? '' : `${object.namespace}/`}${object.name}`;
      const text = `${subject} ${message}`;
      if (!known.has(text)) {
        known.add(text);
        log('warn', message, { code, ...(subject !== undefined && { object: subject }) });
      }
      if (known.size > mostKnown) {
        known.clear();
      }
    }
  };
}

/** How many diagnostics are remembered. */
const mostKnown = 1_000;

function reportSync(log: AgentLog, { families, conntrack }: UpdateOutcome, age: number): void {
  const changed = families.filter(({ result }) => result !== 'unchanged');
  for (const { family, error, rejectedServices } of families) {
    if (error) {
      log('warn', `table ${family}: nft refused a change`, { kind: error.kind, said: error.said.join('\n') });
    }
    if (rejectedServices.length > 0) {
      log('warn', `table ${family}: nft rejects Services, which are left out`, { services: rejectedServices });
    }
  }
  if (changed.length > 0) {
    const failed = changed.some(({ result }) => result === 'failed');
    log(failed ? 'error' : 'info', failed ? 'sync failed' : 'synced', {
      tables: changed.map(({ family, result }) => `${family} ${result}`).join(', '),
      commands: changed.reduce((sum, { commands }) => sum + commands.length, 0),
      ageMs: Math.round(age * 10) / 10,
      ...(conntrack && { conntrack }),
    });
  }
}
