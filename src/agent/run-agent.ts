import type { ConntrackOutcome } from '../apply/clean-conntrack.ts';
import { createServiceProxy, type ServiceProxyOptions } from '../apply/create-service-proxy.ts';
import { type Lock, LockError, withoutLock } from '../apply/with-lock.ts';
import type { ClusterConnection } from '../cluster/cluster-connection.ts';
import { type ClusterFollower, followCluster } from '../cluster/follow-cluster.ts';
import type { ResourceState } from '../cluster/follow-resource.ts';
import type { BindAddress } from '../config/bind-address.ts';
import type { KubeProxySettings } from '../config/kube-proxy-settings.ts';
import type { Observe } from '../health/observation.ts';
import { createNftSession } from '../kernel/nft-session.ts';
import type { RunProgram } from '../kernel/run-program.ts';
import type { CompileOptions } from '../options.ts';
import { type AgentTools, createSyncer, type Syncer } from './create-syncer.ts';
import { createHub, observeAnswers, observeTransactions } from './observe-tools.ts';
import { trackWriters } from './own-writers.ts';
import { recheckPeriodically, repairFromMonitor } from './repair-tables.ts';
import { reportEvents } from './report-events.ts';
import { type HealthOptions, serveHealth } from './serve-health.ts';
import { serveLocalhost } from './serve-localhost.ts';
import { type MetricsServerOptions, serveMetrics } from './serve-metrics.ts';
import { createStateLog } from './state-log.ts';

/** What an agent does, and with what. The signal ends it; the rules stay. */
export interface AgentOptions extends Omit<AgentTools, 'observe'> {
  readonly connection: ClusterConnection;
  /** With the name of the node. */
  readonly compile: CompileOptions;
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
  /** Where its health is served, and metrics; undefined for nowhere. */
  readonly healthz: BindAddress | undefined;
  readonly metrics: BindAddress | undefined;
  readonly settings: KubeProxySettings;
  /** Whether pages for debugging are served beside metrics. */
  readonly debuggingHandlers: boolean;
  readonly wallClock: () => Date;
}

/**
 * Follows a cluster and keeps the tables of this node in sync with it, until the signal is aborted. The lock on the tables is
 * held all the time.
 *
 * @returns whether the tables were in sync with the cluster at the end, and every port was there that had to be.
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
  const { compile, log, signal, now } = options;
  const [end, failure] = [new AbortController(), new AbortController()];
  const whole = AbortSignal.any([signal, end.signal, failure.signal]);
  const writers = trackWriters(lockedRun);
  const { observe, add } = createHub();
  const session = createNftSession(writers.run, {
    owns: options.ownTable,
    onReplace: (reason) => observe({ kind: 'session-replaced', reason }),
  });
  const proxy = await createServiceProxy({
    ...compile,
    run: observeTransactions(session.run, observe, now),
    ...(options.ownTable && { owner: session }),
    now,
    lock: withoutLock,
    minSyncPeriod: options.minSyncPeriod,
    onCleanup: (conntrack) => reportCleanup(conntrack, { log, observe }),
  } satisfies ServiceProxyOptions);
  const tools = { ...options, signal: whole, observe };
  const policy = options.settings.bindAddressHardFail ? { onHardFailure: () => failure.abort() } : {};
  const servers = options.once ? [] : startServers({ ...tools, ...policy, families: compile.families, proxy });
  for (const server of servers) {
    add(server.observe);
  }
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
  const follower = follow(options, syncer, observe);
  await (options.once ? Promise.race([syncer.firstAttempt, aborted(whole)]) : aborted(whole));
  end.abort();
  for (const server of servers) {
    server.close();
  }
  await follower.close();
  await proxy.close();
  await Promise.all([session.close(), ...healing]);
  return syncer.isInSync() && !failure.signal.aborted;
}

/** Gives the changes of the cluster to a syncer. */
function follow(options: AgentOptions, { update }: Syncer, observe: Observe): ClusterFollower {
  const { connection, compile, log, wait, random, now, idleTimeout } = options;
  return followCluster({
    connection: observeAnswers(connection, observe),
    nodeName: compile.nodeName ?? '',
    onChanges: update,
    onState: followState(createStateLog(log, now), { observe, now }),
    onHeard: (resource) => observe({ kind: 'heard', resource, at: now() }),
    ...{ wait, random, now },
    ...(idleTimeout !== undefined && { idleTimeout }),
  });
}

function reportCleanup(
  conntrack: ConntrackOutcome | undefined,
  { log, observe }: Pick<AgentTools, 'log' | 'observe'>,
): void {
  if (conntrack?.failed !== undefined) {
    log('warn', 'stale UDP flows could not be deleted', { reason: conntrack.failed });
  }
  for (const family of conntrack?.families ?? []) {
    observe({ kind: 'flows-cleaned', ...family });
  }
}

/** What other programs ask an agent for. */
function startServers(
  options: HealthOptions & AgentTools & Omit<MetricsServerOptions, 'server'> & Pick<AgentOptions, 'connection'>,
) {
  const { server } = options.connection;
  return [serveHealth(options), serveLocalhost(options), serveMetrics({ ...options, server }), reportEvents(options)];
}

/** What is told of the states of a resource. */
function followState(
  log: (kind: string, state: ResourceState) => void,
  { observe, now }: Pick<AgentTools, 'observe' | 'now'>,
) {
  return (resource: string, state: ResourceState): void => {
    log(resource, state);
    observe({ kind: 'following', resource, state: state.state, at: now() });
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
    }
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
