import { Command } from 'commander';
import { compareSides } from '../../inspect/migrate/compare-sides.ts';
import { listNotes } from '../../inspect/migrate/list-notes.ts';
import type { Migration } from '../../inspect/migrate/migration.ts';
import { renderMigration } from '../../inspect/migrate/render-migration.ts';
import { healthCheckPort, namespaceOf } from '../../kubernetes/services.ts';
import { nameOfFamily } from '../../net/network.ts';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { addSnapshotOptions, inputPaths, type SnapshotFlags } from '../flags/compile-flags.ts';
import { formatOption } from '../flags/general-flags.ts';
import { type Cluster, loadCluster, readsCluster, wantsStdinTwice } from '../input/load-cluster.ts';
import { commonFamilies, type LoadedEnd, loadEnd, openEnd } from '../input/load-sides.ts';
import { addHelpTexts } from '../manual/format-help.ts';
import { fitLines } from '../output/fit-text.ts';
import { writeOutput } from '../output/write-output.ts';
import { writeMigrationHtml } from '../output/write-pages.ts';

const examples = `
  svc2nft migrate dump.yaml --node worker-1 --config kube-proxy.yaml                             what svc2nft does otherwise than kube-proxy
  svc2nft migrate --live --node worker-1 --config kube-proxy.yaml
  svc2nft migrate dump.yaml --node worker-1 --config kube-proxy.yaml --from kernel               from the rules that are loaded; needs root
  svc2nft migrate dump.yaml --node worker-1 --config kube-proxy.yaml --from rules.nft -o json | jq '.changes[].message'
`;

const notes = `
Who serves the node is one of

  svc2nft, kube-proxy-nftables   what it does is predicted from the snapshot and the settings
  kernel, or a file              what the rules do that are loaded, or in the file; who wrote them is recognized

A connection from each kind of client to each frontend is compared: from Pods here and elsewhere, the node itself, external clients,
clients in source ranges and endpoints that connect to themselves; to cluster IPs and other ports of these, load balancer IPs, external
IPs, node ports at primary, secondary and loopback addresses, health check node ports, and cluster IPs that no Service has. Differences
are grouped by cause, the worst first: what works now and will not; what does not and will; other endpoints; other source addresses;
refusals; affinity. What depends on more than Services, such as the policy of FORWARD, comes last and does not count for the exit code.

  text  a line for each cause and effect, who notices it, and how to keep the old behavior where there is a way
  wide  with the names of all Services
  json  {node, from: {proxy, source}, to, connections, services, changes: [{cause, effect, message, advice, clients, services, cases}],
        notes: [{code, message, advice, services}]}, described in docs/commands.md
  html  a page that needs no network and no script
`;

const formats = ['text', 'wide', 'json', 'html'] as const;

/** The flags of `svc2nft migrate`. */
interface MigrateFlags extends SnapshotFlags {
  readonly from?: string;
  readonly to?: string;
  readonly output: (typeof formats)[number];
}

/** `svc2nft migrate`: what changes for whom when a node goes from one proxy to another. */
export function migrateCommand(context: Context, setExitCode: (code: number) => void): Command {
  const command = addSnapshotOptions(new Command('migrate'))
    .description('Says what changes for the clients of Services when a node goes from one proxy to another.')
    .optionsGroup('Input:')
    .option('--from <proxy|file|kernel>', 'who serves the node now (default: kube-proxy-nftables)')
    .option('--to <proxy|file|kernel>', 'who will (default: svc2nft)')
    .optionsGroup('Output:')
    .addOption(formatOption('wide: the names of all Services; json: everything; html: a page', formats).default('text'))
    .action(async (paths: string[], flags: MigrateFlags) => {
      setExitCode(await runMigrate(inputPaths(paths, flags), flags, context));
    });
  return addHelpTexts(command, { notes, examples });
}

/** 1 means that somebody notices, so bad input shares the code of wrong usage. */
const verdicts = { unnoticed: exitCodes.done, noticed: 1, badInput: exitCodes.wrongUsage } as const;

/** Compares and prints; resolves to the exit code. */
async function runMigrate(paths: readonly string[], flags: MigrateFlags, context: Context): Promise<number> {
  const { from = 'kube-proxy-nftables', to = 'svc2nft' } = flags;
  if (from === '' || to === '') {
    context.stderr.write('error: --from and --to need a proxy, a file or kernel\n');
    return exitCodes.wrongUsage;
  }
  if (flags.output === 'html' && context.stdout.isTTY === true) {
    context.stderr.write('error: an HTML page cannot be shown in a terminal: redirect stdout, > migration.html\n');
    return exitCodes.wrongUsage;
  }
  const inputs = paths.length === 0 && !readsCluster(paths, flags, context) ? ['-'] : paths;
  const rest = from === '-' ? ['-', ...inputs] : inputs;
  if (
    wantsStdinTwice(inputs, { flag: '--from', value: from }, context) ||
    wantsStdinTwice(rest, { flag: '--to', value: to }, context)
  ) {
    return exitCodes.wrongUsage;
  }
  const loaded = await loadMigration([from, to], paths, flags, context);
  if (typeof loaded === 'number') {
    return loaded === exitCodes.badInput ? verdicts.badInput : loaded;
  }
  const migration = describeMigration(...loaded, context);
  await writeOutput(await textOf(migration, flags, context), undefined, context);
  return migration.changes.length > 0 ? verdicts.noticed : verdicts.unnoticed;
}

/** The snapshot and both ends; the exit code after a message on stderr where one of them cannot be read. */
async function loadMigration(
  [from, to]: readonly [string, string],
  paths: readonly string[],
  flags: MigrateFlags,
  context: Context,
): Promise<[Cluster, readonly [LoadedEnd, LoadedEnd]] | number> {
  const first = await openEnd(from, context);
  if (typeof first === 'number') {
    return first;
  }
  const second = await openEnd(to, context);
  if (typeof second === 'number') {
    return second;
  }
  const rulesOf = first.rules?.machine ?? second.rules?.machine;
  const cluster = await loadCluster(paths, flags, context, { withoutAdvice: true, rulesOf });
  if (typeof cluster === 'number') {
    return cluster;
  }
  const means = { table: flags.table, context };
  const before = await loadEnd(first, cluster, means);
  if (typeof before === 'number') {
    return before;
  }
  const after = await loadEnd(second, cluster, means);
  return typeof after === 'number' ? after : [cluster, [before, after]];
}

function describeMigration(
  cluster: Cluster,
  [from, to]: readonly [LoadedEnd, LoadedEnd],
  { stderr }: Pick<Context, 'stderr'>,
): Migration {
  const { common, missing } = commonFamilies(from, to);
  for (const family of missing) {
    stderr.write(`note: only one of the two has rules for ${nameOfFamily(family)}, so these are not compared\n`);
  }
  const healthChecks = cluster.snapshot.services.flatMap(({ object }) => {
    const port = healthCheckPort(object);
    return port === 0 ? [] : [{ service: `${namespaceOf(object.metadata)}/${object.metadata.name}`, port }];
  });
  const pairs = common.flatMap((family) => {
    const [before, after] = [from, to].map(({ sides }) =>
      sides.find(({ expectations }) => expectations.family === family),
    );
    return before && after ? [{ from: before, to: after, healthChecks }] : [];
  });
  const endOf = ({ proxy, source }: LoadedEnd) => ({ proxy, source });
  return {
    node: pairs[0]?.to.node.nodeName ?? '',
    from: endOf(from),
    to: endOf(to),
    ...compareSides(pairs),
    notes: listNotes(pairs),
  };
}

/** How many Services a line names. */
const shownServices = 5;

async function textOf(migration: Migration, { output }: MigrateFlags, { stdout }: Context): Promise<string> {
  if (output === 'json') {
    return `${JSON.stringify(migration, undefined, 2)}\n`;
  }
  if (output === 'html') {
    return writeMigrationHtml(migration);
  }
  const layout = { shownServices: output === 'wide' ? Number.POSITIVE_INFINITY : shownServices };
  return fitLines(renderMigration(migration, layout), stdout);
}
