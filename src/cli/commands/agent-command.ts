import { Command, InvalidArgumentError } from 'commander';
import { bindAddressProblem } from '../../config/bind-address.ts';
import { periodProblem } from '../../config/config-options.ts';
import { parseDuration } from '../../config/parse-duration.ts';
import type { TableName } from '../../nft/listed-table.ts';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { addClusterOptions } from '../flags/cluster-flags.ts';
import { addRuleOptions, configHelp } from '../flags/compile-flags.ts';
import { addAliasOptions, addKernelOptions } from '../flags/kube-proxy-flags.ts';
import { addHelpTexts } from '../manual/format-help.ts';
import { cleanRules, removeTables } from './clean-command.ts';
import { type ServeFlags, serveAgent } from './serve-agent.ts';

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

Without --kubeconfig and --server, clientConnection.kubeconfig of --config leads to the API server. Without that, too, it is that of
a Pod, KUBERNETES_SERVICE_HOST, a cluster IP: on a node where nothing else serves cluster IPs, name another one. Tokens and certificates are read again before each request.

--own-table keeps all other programs from the tables: what they send is refused by the kernel, and nft flush ruleset passes them over.
When the agent ends, even by SIGKILL, its tables stay in force, and the next agent adopts them.

--cleanup takes no cluster. Chains of kube-proxy's iptables mode are not touched: kube-proxy --cleanup removes them.

Events tell of Services that are left out, of ports for health checks that cannot be opened, and of repairs.

The kernel's connection tracking and the OOM score are set only where a flag or --config asks for it. docs/configuration.md has all fields.

SIGTERM and SIGINT end the agent, and the rules stay. SIGHUP reads --config again, and so does another content of that file; one that
cannot be used is reported, and the one before stays. A start over existing tables sends only what
differs: clients with affinity keep their endpoints.
`;

/** The flags of `svc2nft agent`. */
interface AgentFlags extends ServeFlags {
  readonly cleanup?: true;
  readonly cleanupKubeProxy?: true;
}

/** `svc2nft agent`: follows a cluster and keeps the tables of this node in sync with it. */
export function agentCommand(context: Context, setExitCode: (code: number) => void): Command {
  const command = addClusterOptions(new Command('agent'))
    .description("Follows a cluster's API server and keeps the rules of this node in sync with it, as kube-proxy does.")
    .optionsGroup('Cluster:')
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
  addRuleOptions(addKernelOptions(command), 'the node to serve (default: the name of this machine)');
  addAliasOptions(command.optionsGroup('Node:')).action(async (flags: AgentFlags) => {
    setExitCode(await (flags.cleanup || flags.cleanupKubeProxy ? cleanUp(flags, context) : serveAgent(flags, context)));
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
    )
    .option('--bind-address-hard-fail', 'end when one of these ports cannot be opened (default: try again)')
    .option(
      '--enable-debugging-handlers',
      'beside /metrics, also serve /debug/ruleset, /debug/services and /debug/explain?from=&to=; changes wait for each of these',
    );
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
  const own = await cleanRules(flags, context);
  return flags.cleanupKubeProxy && own === exitCodes.done ? removeTables(kubeProxyTables, context) : own;
}
