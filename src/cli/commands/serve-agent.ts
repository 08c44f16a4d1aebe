import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { setKernelSettings } from '../../agent/kernel-settings.ts';
import type { AgentOptions } from '../../agent/run-agent.ts';
import type { AgentLog } from '../../agent/state-log.ts';
import { keepLock } from '../../apply/with-lock.ts';
import type { ClusterConnection } from '../../cluster/cluster-connection.ts';
import { type BindAddress, parseBindAddress, servers } from '../../config/bind-address.ts';
import type { ServerAddresses, SyncPeriods } from '../../config/config-options.ts';
import type { KubeProxySettings } from '../../config/kube-proxy-settings.ts';
import { type Diagnostic, hasError } from '../../diagnostics/diagnostic.ts';
import type { NftProbe } from '../../kernel/probe-nft.ts';
import { type CompileOptions, withDefaults } from '../../options.ts';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { type ClusterFlags, namesCluster } from '../flags/cluster-flags.ts';
import type { CompileFlags } from '../flags/compile-flags.ts';
import { type KubeProxyFlags, withKubeProxyFlags } from '../flags/kube-proxy-flags.ts';
import { connectCluster } from '../input/connect-cluster.ts';
import { findNft } from '../input/find-nft.ts';
import { loadSettings } from '../input/load-cluster.ts';
import { followContent } from '../input/watch-files.ts';
import { createLog } from '../output/agent-log.ts';
import { reportDiagnostics } from '../output/report-diagnostics.ts';

/** The flags of an agent that serves. */
export interface ServeFlags extends CompileFlags, ClusterFlags, KubeProxyFlags {
  readonly once?: true;
  readonly ownTable?: true;
  readonly minSyncPeriod?: number;
  readonly resyncPeriod?: number;
  readonly watchIdleTimeout: number;
  readonly healthzBindAddress?: string;
  readonly metricsBindAddress?: string;
  readonly enableDebuggingHandlers?: true;
}

/**
 * Runs an agent until SIGTERM or SIGINT. SIGHUP, and another content of `--config`, make it start again with that, unless it cannot be
 * used: a mistake must not end an agent that serves.
 *
 * @returns the exit code.
 */
export async function serveAgent(flags: ServeFlags, context: Context): Promise<number> {
  const log = await createLog(context);
  const starts = prepareStarts(flags, context, log);
  const end = new AbortController();
  // Before it is read, so that no change is missed.
  const watching = await followConfig(flags, end.signal, () => starts.prepare('--config has changed'));
  const signals = listenToSignals(context, () => starts.prepare('SIGHUP'));
  // Else another agent could take the tables while this one reads its configuration again.
  const { lock, release } = keepLock(context.lock);
  try {
    let start: Start | number | undefined = await prepareStart(flags, context);
    let exitCode: number = exitCodes.done;
    while (typeof start === 'object') {
      const signal = AbortSignal.any([signals.stopped, starts.wanted()]);
      exitCode = await serve(start, flags, { context: { ...context, lock }, log, signal });
      start = signals.stopped.aborted ? undefined : starts.take();
    }
    return start ?? exitCode;
  } finally {
    signals.close();
    end.abort();
    await watching?.ended;
    await starts.take()?.connection.close();
    await release();
  }
}

/** Calls back whenever `--config` has another content. */
async function followConfig(
  { config, once }: ServeFlags,
  signal: AbortSignal,
  onChange: () => Promise<void>,
): Promise<{ readonly ended: Promise<void> } | undefined> {
  return config === undefined || once ? undefined : followContent(config, signal, onChange);
}

/** What a start takes, all of it checked. */
interface Start {
  readonly options: Partial<CompileOptions>;
  readonly periods: SyncPeriods;
  readonly servers: ServerAddresses | undefined;
  readonly settings: KubeProxySettings;
  readonly nft: NftProbe;
  readonly connection: ClusterConnection;
}

/** Everything for a start, or the exit code after a message that says why there can be none. */
async function prepareStart(flags: ServeFlags, context: Context): Promise<Start | number> {
  const { options, periods, servers: configured, diagnostics, ...loaded } = await loadSettings(withNodeName(flags));
  const found: Diagnostic[] = [];
  const settings = withKubeProxyFlags(loaded.settings, flags, (code, _, message) => found.push({ code, message }));
  const isRefused = hasError(diagnostics);
  reportDiagnostics([...diagnostics, ...found], { refused: isRefused, context });
  if (isRefused) {
    return exitCodes.badInput;
  }
  const nft = await findNft(context.run, flags, context);
  if (typeof nft === 'number') {
    return nft;
  }
  if (flags.ownTable && !nft.canOwn) {
    context.stderr.write(
      `error: --own-table takes nft 1.1 and Linux 6.9, or newer ones; here are nft ${nft.version} and Linux ${nft.kernel}\n`,
    );
    return exitCodes.wrongUsage;
  }
  const connection = await connect(flags, settings, context);
  if (typeof connection === 'string') {
    context.stderr.write(`error: ${connection}\n`);
    return exitCodes.wrongUsage;
  }
  return { options, periods, servers: configured, settings, nft, connection };
}

/** Which node it is may be said in the words of kube-proxy. */
function withNodeName(flags: ServeFlags): CompileFlags {
  return flags.hostnameOverride ? { ...flags, node: flags.hostnameOverride } : flags;
}

/** Prepares other starts while the agent runs. */
function prepareStarts(flags: ServeFlags, context: Context, log: AgentLog) {
  let wanted = new AbortController();
  let next: Start | undefined;
  let last = Promise.resolve();
  const prepareNext = async (reason: string): Promise<void> => {
    const { gathered, said } = gatherMessages(context);
    const prepared = await prepareStart(flags, gathered);
    if (typeof prepared === 'number') {
      log('error', `${reason}: the configuration cannot be used; going on with the one before`, said());
      return;
    }
    await next?.connection.close();
    next = prepared;
    log('info', `${reason}: starting again with the configuration`, said());
    wanted.abort();
  };
  return {
    /** One after the other; nothing is rejected. */
    prepare: (reason: string): Promise<void> => {
      last = last
        .then(() => prepareNext(reason))
        .catch((error) => log('error', 'bug in svc2nft', { reason: String(error) }));
      return last;
    },
    /** Aborted once another start is prepared. */
    wanted: (): AbortSignal => wanted.signal,
    /** The start that was prepared last, which nothing has taken yet. */
    take: (): Start | undefined => {
      const taken = next;
      next = undefined;
      wanted = new AbortController();
      return taken;
    },
  };
}

/** A context whose messages become a detail of a line in the log, so that all of the log of an agent that runs is JSON where it is. */
function gatherMessages(context: Context) {
  const texts: string[] = [];
  const stderr = { write: (text: string): boolean => texts.push(text) > 0 };
  return {
    gathered: {
      ...{ ...context, stderr, color: 'never', diagnostics: 'text' },
      refusal: 'the configuration is not used',
    } satisfies Context,
    said: () => (texts.length > 0 ? { said: texts.join('').trimEnd() } : {}),
  };
}

interface ServeOptions {
  readonly context: Context;
  readonly log: AgentLog;
  readonly signal: AbortSignal;
}

async function serve(
  { options, periods, servers: configured, settings, nft, connection }: Start,
  flags: ServeFlags,
  { context, log, signal }: ServeOptions,
): Promise<number> {
  const { runAgent } = await import('../../agent/run-agent.ts');
  const nodeName = options.nodeName || context.hostName.toLowerCase();
  const minSyncPeriod = flags.minSyncPeriod ?? periods.minSyncPeriod ?? 1_000;
  const syncPeriod = Math.max(periods.syncPeriod ?? 30_000, shortestPeriod);
  const resyncPeriod = flags.resyncPeriod ?? 600_000;
  log('info', 'agent started', {
    node: nodeName,
    server: connection.server,
    minSyncPeriodMs: minSyncPeriod,
    syncPeriodMs: syncPeriod,
    resyncPeriodMs: resyncPeriod,
    ...(flags.ownTable && { ownTable: true }),
  });
  const { kernelFiles: files } = context;
  const setMissing = files && (await setKernelSettings(settings, { files, log, cpus: cpus().length }));
  try {
    const isAsWanted = await runAgent({
      connection,
      compile: withDefaults({ targetNft: nft.targetNft, ...options, nodeName }),
      run: context.run,
      lock: context.lock,
      log,
      signal,
      once: flags.once === true,
      onFirstSync: () => {
        collectGarbageSooner();
        void setMissing?.();
      },
      ownTable: flags.ownTable === true,
      minSyncPeriod,
      syncPeriod,
      resyncPeriod,
      idleTimeout: flags.watchIdleTimeout,
      settings,
      ...chooseServers(flags, configured),
      debuggingHandlers: flags.enableDebuggingHandlers === true,
      ...realTools(context),
    });
    log('info', 'agent stopped; the rules stay');
    return isAsWanted || (signal.aborted && !flags.once) ? exitCodes.done : exitCodes.refused;
  } finally {
    await connection.close();
  }
}

/** In milliseconds: a failed sync is not tried again sooner than this, in the end. */
const shortestPeriod = 1_000;

/**
 * Else the heap grows to several times of what is in use before the garbage of months of changes is collected, and so does its
 * young part. Before the first sync there is little garbage, and looking for it would take a tenth of the time.
 */
function collectGarbageSooner(): void {
  setFlagsFromString('--heap-growing-percent=15');
  setFlagsFromString('--semi-space-growth-factor=1');
}

/** Time and chance. */
function realTools({ now }: Context): Pick<AgentOptions, 'wait' | 'random' | 'now' | 'wallClock'> {
  return {
    wait: async (milliseconds, signal) => {
      await sleep(milliseconds, undefined, { signal });
    },
    random: Math.random,
    now,
    wallClock: () => new Date(),
  };
}

/** Where the servers of an agent listen, by the flags or else the configuration. */
function chooseServers(
  { healthzBindAddress, metricsBindAddress }: ServeFlags,
  configured: ServerAddresses | undefined,
): Pick<AgentOptions, 'healthz' | 'metrics'> {
  const choose = (text: string | undefined, server: keyof typeof servers): BindAddress | undefined => {
    const { port, defaults } = servers[server];
    return text === undefined && configured ? configured[server] : parseBindAddress(text ?? defaults.ip, port);
  };
  return { healthz: choose(healthzBindAddress, 'healthz'), metrics: choose(metricsBindAddress, 'metrics') };
}

/** A connection, or why there is none. */
async function connect(
  flags: ServeFlags,
  { kubeconfig: configured }: KubeProxySettings,
  context: Context,
): Promise<ClusterConnection | string> {
  const { context: name, ...others } = flags;
  const isConfigured = configured !== undefined && !namesCluster(others);
  const used = isConfigured ? { kubeconfig: configured, ...(name !== undefined && { context: name }) } : flags;
  const connection = await connectCluster(used, context);
  if (typeof connection !== 'string') {
    return connection;
  }
  const origin = isConfigured ? 'clientConnection.kubeconfig: ' : '';
  return `${origin}${connection}; name the API server with --kubeconfig or --server`;
}

/** SIGTERM, SIGINT and an interruption end the agent; SIGHUP calls a function. */
function listenToSignals({ interruption }: Context, onHangup: () => void) {
  const controller = new AbortController();
  const stop = (): void => controller.abort();
  process.on('SIGTERM', stop).on('SIGINT', stop).on('SIGHUP', onHangup);
  return {
    stopped: interruption ? AbortSignal.any([interruption, controller.signal]) : controller.signal,
    close: () => {
      process.off('SIGTERM', stop).off('SIGINT', stop).off('SIGHUP', onHangup);
    },
  };
}
