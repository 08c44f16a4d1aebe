import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { Command, InvalidArgumentError } from 'commander';
import type { AgentOptions } from '../../agent/run-agent.ts';
import type { AgentLog } from '../../agent/state-log.ts';
import { keepLock } from '../../apply/with-lock.ts';
import type { ClusterConnection } from '../../cluster/cluster-connection.ts';
import { type BindAddress, bindAddressProblem, parseBindAddress, servers } from '../../config/bind-address.ts';
import { periodProblem, type ServerAddresses } from '../../config/config-options.ts';
import { parseDuration } from '../../config/parse-duration.ts';
import { hasError } from '../../diagnostics/diagnostic.ts';
import type { TableName } from '../../nft/listed-table.ts';
import { withDefaults } from '../../options.ts';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { addRuleOptions, type CompileFlags, configHelp } from '../flags/compile-flags.ts';
import { findNft } from '../input/find-nft.ts';
import { loadSettings } from '../input/load-cluster.ts';
import { addHelpTexts } from '../manual/format-help.ts';
import { createLog } from '../output/agent-log.ts';
import { reportDiagnostics } from '../output/report-diagnostics.ts';
import { cleanTables, removeTables } from './clean-command.ts';

const examples = `
  svc2nft agent --node worker-1 --kubeconfig /etc/kubernetes/proxy.conf --cluster-cidr 10.244.0.0/16
  svc2nft agent --config kube-proxy.yaml --server https://10.0.0.1:6443
  svc2nft agent --once --server http://127.0.0.1:8001
`;

const notes = `
Lists and watches Services, EndpointSlices, ServiceCIDRs and this Node. Nothing is written before all of them are read; while the API
server is away, the rules stay as they are. A change is one transaction. Invalid objects, and Services that nft rejects, are left out
and named; the others are served.

What other programs change in the tables is repaired as soon as nft monitor tells, and every --resync-period in any case, which reads
all of them; nftables.syncPeriod of --config says, as for kube-proxy, how soon a failed sync is tried again. Other tables are never
touched. The lock on the tables is held all the time, so another agent, apply and clean wait.

In a Pod, the API server is KUBERNETES_SERVICE_HOST, a cluster IP: on a node where nothing else serves cluster IPs, name another one
with --server. Tokens and certificates are read again before each request.

--own-table keeps all other programs from the tables: what they send is refused by the kernel, and nft flush ruleset passes them over.
When the agent ends, even by SIGKILL, its tables stay in force, and the next agent adopts them.

--cleanup takes no cluster. Chains of kube-proxy's iptables mode are not touched: kube-proxy --cleanup removes them.

SIGTERM and SIGINT end the agent, and the rules stay. SIGHUP reads --config again. A start over existing tables sends only what
differs: clients with affinity keep their endpoints.
`;

/** The flags of `svc2nft agent`. */
interface AgentFlags extends CompileFlags {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly server?: string;
  readonly tokenFile?: string;
  readonly certificateAuthority?: string;
  readonly once?: true;
  readonly ownTable?: true;
  readonly minSyncPeriod?: number;
  readonly resyncPeriod?: number;
  readonly cleanup?: true;
  readonly cleanupKubeProxy?: true;
  readonly watchIdleTimeout: number;
  readonly healthzBindAddress?: string;
  readonly metricsBindAddress?: string;
}

/** `svc2nft agent`: follows a cluster and keeps the tables of this node in sync with it. */
export function agentCommand(context: Context, setExitCode: (code: number) => void): Command {
  const command = new Command('agent')
    .description("Follows a cluster's API server and keeps the rules of this node in sync with it, as kube-proxy does.")
    .optionsGroup('Cluster:')
    .option('--kubeconfig <file>', 'how to reach the API server (default: as a Pod does)')
    .option('--context <name>', 'a context of the kubeconfig (default: its current one)')
    .option('--server <url>', 'the API server, in place of that of the Pod', checkServer)
    .option('--token-file <file>', 'the token to send to --server (default: that of the Pod)')
    .option('--certificate-authority <file>', 'certificates that --server may have (default: those of the Pod)')
    .option(
      '--watch-idle-timeout <duration>',
      'a watch without a byte for so long is started again (default: 90s)',
      readPeriod,
      90_000,
    )
    .optionsGroup('Sync:')
    .option(
      '--once',
      'bring the tables in sync once the cluster is read, then exit: with 3 if nft or the kernel refused',
    )
    .option(
      '--own-table',
      'own the tables while the agent runs: no other program can change or flush them; takes nft 1.1 and Linux 6.9 or newer',
    )
    .option(
      '--min-sync-period <duration>',
      'collect changes for at most so long while they come faster than nft takes them (default: nftables.minSyncPeriod of --config, or 1s)',
      readDuration,
    )
    .option(
      '--resync-period <duration>',
      'compare the tables with what they should hold this often (default: 10m)',
      readPeriod,
    )
    .option('--config <file>', configHelp);
  addServerOptions(command)
    .optionsGroup('Cleanup:')
    .option('--cleanup', 'remove the tables of both families, and exit')
    .option('--cleanup-kube-proxy', "with --cleanup, also remove the tables of kube-proxy's nftables mode");
  addRuleOptions(command, 'the node to serve (default: the name of this machine)').action(async (flags: AgentFlags) => {
    setExitCode(await (flags.cleanup || flags.cleanupKubeProxy ? cleanUp(flags, context) : serve(flags, context)));
  });
  return addHelpTexts(command, { notes, examples });
}

function addServerOptions(command: Command): Command {
  return command
    .optionsGroup('Servers:')
    .option(
      '--healthz-bind-address <address>',
      'where /healthz and /livez are served, empty for nowhere (default: healthzBindAddress of --config, or 0.0.0.0:10256)',
      checkBindAddress,
    )
    .option(
      '--metrics-bind-address <address>',
      'where /metrics is served, empty for nowhere (default: metricsBindAddress of --config, or 127.0.0.1:10249)',
      checkBindAddress,
    );
}

function checkServer(value: string): string {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:') {
    throw new InvalidArgumentError('expected a URL such as https://10.0.0.1:6443');
  }
  return value;
}

/** `90s`, `1m30s`, `500ms`, as kube-proxy reads them, in milliseconds. */
function readDuration(value: string): number {
  const milliseconds = (parseDuration(value) ?? -1) / 1e6;
  if (periodProblem(milliseconds) !== undefined) {
    throw new InvalidArgumentError('expected a duration such as 30s, 1m30s or 500ms');
  }
  return milliseconds;
}

/** Empty for no server. */
function checkBindAddress(value: string): string {
  const problem = value === '' ? undefined : bindAddressProblem(value);
  if (problem !== undefined) {
    throw new InvalidArgumentError(problem);
  }
  return value;
}

/** In milliseconds. */
const shortestPeriod = 1_000;

/** A duration between two things that keep the agent and the API server busy. */
function readPeriod(value: string): number {
  const milliseconds = readDuration(value);
  if (milliseconds < shortestPeriod) {
    throw new InvalidArgumentError('expected at least 1s');
  }
  return milliseconds;
}

/** The tables of kube-proxy's nftables mode. */
const kubeProxyTables: readonly TableName[] = [
  { family: 'ip', table: 'kube-proxy' },
  { family: 'ip6', table: 'kube-proxy' },
];

/** Removes the tables that a node no longer needs; resolves to the exit code. */
async function cleanUp(flags: AgentFlags, context: Context): Promise<number> {
  if (!flags.cleanup) {
    context.stderr.write('error: --cleanup-kube-proxy goes with --cleanup, which also removes the tables of svc2nft\n');
    return exitCodes.wrongUsage;
  }
  const own = await cleanTables(flags, context);
  return flags.cleanupKubeProxy && own === exitCodes.done ? removeTables(kubeProxyTables, context) : own;
}

async function serve(flags: AgentFlags, context: Context): Promise<number> {
  const log = await createLog(context);
  const signals = listenToSignals(context, () => canReload(flags, context, log));
  // Else another agent could take the tables while this one reads its configuration again.
  const { lock, release } = keepLock(context.lock);
  try {
    for (;;) {
      signals.reset();
      const exitCode = await serveUntilSignal(flags, { context: { ...context, lock }, log, signal: signals.current() });
      if (!signals.wantsReload()) {
        return exitCode;
      }
      log('info', 'SIGHUP: reading the configuration again');
    }
  } finally {
    signals.close();
    await release();
  }
}

/** Whether the configuration is valid now. A mistake in it must not end an agent that serves. */
async function canReload(flags: AgentFlags, context: Context, log: AgentLog): Promise<boolean> {
  const { diagnostics } = await loadSettings(flags);
  const isValid = !hasError(diagnostics);
  if (!isValid) {
    reportDiagnostics(diagnostics, { refused: true, context });
    log('error', 'SIGHUP: the configuration has errors; going on with the one before');
  }
  return isValid;
}

interface ServeOptions {
  readonly context: Context;
  readonly log: AgentLog;
  readonly signal: AbortSignal;
}

async function serveUntilSignal(flags: AgentFlags, { context, log, signal }: ServeOptions): Promise<number> {
  const { options, periods = {}, servers: configured, diagnostics } = await loadSettings(flags);
  reportDiagnostics(diagnostics, { refused: hasError(diagnostics), context });
  if (hasError(diagnostics)) {
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
  const connection = await connect(flags, context);
  if (typeof connection === 'string') {
    context.stderr.write(`error: ${connection}\n`);
    return exitCodes.wrongUsage;
  }
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
  try {
    const isInSync = await runAgent({
      connection,
      compile: withDefaults({ targetNft: nft.targetNft, ...options, nodeName }),
      run: context.run,
      lock: context.lock,
      log,
      signal,
      once: flags.once === true,
      onFirstSync: collectGarbageSooner,
      ownTable: flags.ownTable === true,
      minSyncPeriod,
      syncPeriod,
      resyncPeriod,
      idleTimeout: flags.watchIdleTimeout,
      ...chooseServers(flags, configured),
      ...realTools(context),
    });
    log('info', 'agent stopped; the rules stay');
    return isInSync || !flags.once ? exitCodes.done : exitCodes.refused;
  } finally {
    await connection.close();
  }
}

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
  { healthzBindAddress, metricsBindAddress }: AgentFlags,
  configured: ServerAddresses | undefined,
): Pick<AgentOptions, 'healthz' | 'metrics'> {
  const choose = (text: string | undefined, server: keyof typeof servers): BindAddress | undefined => {
    const { port, defaults } = servers[server];
    return text === undefined && configured ? configured[server] : parseBindAddress(text ?? defaults.ip, port);
  };
  return { healthz: choose(healthzBindAddress, 'healthz'), metrics: choose(metricsBindAddress, 'metrics') };
}

/** A connection, or why there is none. */
async function connect(flags: AgentFlags, { env }: Context): Promise<ClusterConnection | string> {
  const { connectToCluster, describeConnectionError, podConnectOptions } = await import(
    '../../cluster/cluster-connection.ts'
  );
  try {
    if (flags.kubeconfig !== undefined) {
      const { kubeconfigConnectOptions } = await import('../../cluster/kubeconfig.ts');
      return await connectToCluster(await kubeconfigConnectOptions(flags.kubeconfig, flags.context));
    }
    const { server, tokenFile, certificateAuthority: caFile } = flags;
    return await connectToCluster(podConnectOptions({ env, server, tokenFile, caFile }));
  } catch (error) {
    return `${describeConnectionError(error)}; name the API server with --kubeconfig or --server`;
  }
}

/** SIGTERM and SIGINT end the agent; SIGHUP ends it, too, and it starts again, if it may. */
function listenToSignals({ interruption }: Context, mayReload: () => Promise<boolean>) {
  let controller = new AbortController();
  let isReload = false;
  let isStopped = false;
  const stop = (): void => {
    isStopped = true;
    controller.abort();
  };
  const reload = async (): Promise<void> => {
    if (await mayReload()) {
      isReload = true;
      controller.abort();
    }
  };
  process.on('SIGTERM', stop).on('SIGINT', stop).on('SIGHUP', reload);
  interruption?.addEventListener('abort', stop);
  return {
    current: () => (interruption ? AbortSignal.any([interruption, controller.signal]) : controller.signal),
    wantsReload: () => isReload,
    reset: () => {
      controller = isStopped ? controller : new AbortController();
      isReload = false;
    },
    close: () => {
      process.off('SIGTERM', stop).off('SIGINT', stop).off('SIGHUP', reload);
    },
  };
}
