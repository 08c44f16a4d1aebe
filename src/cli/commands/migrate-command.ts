import { Command } from 'commander';
import { compareSides } from '../../inspect/migrate/compare-sides.ts';
import { listNotes } from '../../inspect/migrate/list-notes.ts';
import type { Migration } from '../../inspect/migrate/migration.ts';
import { renderMigration } from '../../inspect/migrate/render-migration.ts';
import { proxyKinds } from '../../inspect/verify/proxy-model.ts';
import { healthCheckPort, namespaceOf } from '../../kubernetes/services.ts';
import { escapeControls } from '../../lib/text.ts';
import { nameOfFamily } from '../../net/network.ts';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { addSnapshotOptions, inputPaths, type SnapshotFlags } from '../flags/compile-flags.ts';
import { formatOption } from '../flags/general-flags.ts';
import { readsCluster, wantsStdinTwice } from '../input/load-cluster.ts';
import {
  commonFamilies,
  type EndSource,
  type LoadedEnd,
  loadEnd,
  loadMigrated,
  type MigratedCluster,
  openEnd,
} from '../input/load-sides.ts';
import { addHelpTexts } from '../manual/format-help.ts';
import { fitLines } from '../output/fit-text.ts';
import { writeOutput } from '../output/write-output.ts';
import { writeMigrationHtml } from '../output/write-pages.ts';

const examples = `
  svc2nft migrate dump.yaml --node worker-1 --config kube-proxy.yaml                             what nftables mode will change
  svc2nft migrate --live --node worker-1 --config kube-proxy.yaml --to svc2nft
  svc2nft migrate dump.yaml --node worker-1 --config kube-proxy.yaml --from kernel               from the rules that are loaded; needs root
  svc2nft migrate dump.yaml --node worker-1 --config kube-proxy.yaml --from rules.nft -o json | jq '.changes[].message'
`;

const notes = `
Who serves the node is one of

  kube-proxy-iptables, kube-proxy-nftables, svc2nft, svc2nft-iptables   what it does is predicted from the snapshot and the settings
  kernel, or a file                                                     what the rules do that are loaded, or in the file; who wrote them is recognized

The rules of other programs among those of iptables stay when a proxy goes, so packets meet them on the other side as well.

Each side has its own settings: node ports are open at the primary address of the node in nftables mode, and at all of its addresses in
iptables mode, unless --config or --nodeport-addresses says otherwise; of a KubeProxyConfiguration, each mode has its own section.

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
    .option(
      '--from <proxy|file|kernel>',
      'who serves the node now (default: kube-proxy in the mode of --config, else in iptables mode)',
    )
    .option('--to <proxy|file|kernel>', 'who will (default: kube-proxy-nftables; from there, svc2nft)')
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
  const problem = misuseOf(paths, flags, context);
  if (problem !== undefined) {
    return problem;
  }
  const opened = await openEnds([flags.from, flags.to], context);
  if (typeof opened === 'number') {
    return badInput(opened);
  }
  const machine = opened.flatMap((end) => (typeof end === 'object' ? (end.machine ?? []) : []))[0];
  const cluster = await loadMigrated(paths, flags, { machine, context });
  if (typeof cluster === 'number') {
    return badInput(cluster);
  }
  const ends = await loadEnds(opened, flags, { cluster, table: flags.table, context });
  if (typeof ends === 'number') {
    return badInput(ends);
  }
  const migration = describeMigration(cluster, ends, context);
  await writeOutput(await textOf(migration, flags, context), undefined, context);
  return migration.changes.length > 0 ? verdicts.noticed : verdicts.unnoticed;
}

/** The exit code, after a message, for flags that make no sense together. */
function misuseOf(paths: readonly string[], flags: MigrateFlags, context: Context): number | undefined {
  const { from, to, output } = flags;
  const inputs = paths.length === 0 && !readsCluster(paths, flags, context) ? ['-'] : paths;
  if (from === '' || to === '') {
    context.stderr.write('error: --from and --to need a proxy, a file or kernel\n');
    return exitCodes.wrongUsage;
  }
  if (output === 'html' && context.stdout.isTTY === true) {
    context.stderr.write('error: an HTML page cannot be shown in a terminal: redirect stdout, > migration.html\n');
    return exitCodes.wrongUsage;
  }
  const isTwice =
    wantsStdinTwice(inputs, { flag: '--from', value: from }, context) ||
    wantsStdinTwice(from === '-' ? ['-'] : inputs, { flag: '--to', value: to }, context);
  return isTwice ? exitCodes.wrongUsage : undefined;
}

function badInput(code: number): number {
  return code === exitCodes.badInput ? verdicts.badInput : code;
}

/** What the flags name; undefined for one that is not given. */
async function openEnds(
  names: readonly (string | undefined)[],
  context: Context,
): Promise<readonly (EndSource | undefined)[] | number> {
  const opened: (EndSource | undefined)[] = [];
  for (const name of names) {
    const end = name === undefined ? undefined : await openEnd(name, context);
    if (typeof end === 'number') {
      return end;
    }
    opened.push(end);
  }
  return opened;
}

/** Both ends; by default from the mode of the configuration to the next step, nftables mode and then svc2nft. */
async function loadEnds(
  [from, to]: readonly (EndSource | undefined)[],
  flags: MigrateFlags,
  means: Parameters<typeof loadEnd>[1],
): Promise<readonly [LoadedEnd, LoadedEnd] | number> {
  const { mode = 'iptables' } = means.cluster;
  const ofMode = proxyKinds.find((kind) => kind === `kube-proxy-${mode}`);
  const first = from ?? ofMode;
  if (first === undefined) {
    const what = `what kube-proxy's mode ${escapeControls(mode)} does is not known`;
    means.context.stderr.write(`error: ${what}: name rules or a proxy with --from\n`);
    return exitCodes.wrongUsage;
  }
  const before = await loadEnd({ end: first, name: flags.from ?? '' }, means);
  if (typeof before === 'number') {
    return before;
  }
  const next = before.proxy === 'kube-proxy-nftables' ? 'svc2nft' : 'kube-proxy-nftables';
  const after = await loadEnd({ end: to ?? next, name: flags.to ?? '' }, means, before.otherRules);
  if (typeof after === 'number' || typeof first !== 'string' || after.otherRules.length === 0) {
    return typeof after === 'number' ? after : [before, after];
  }
  // The rules of others are there before, too.
  const among = await loadEnd({ end: first, name: '' }, means, after.otherRules);
  return typeof among === 'number' ? among : [among, after];
}

function describeMigration(
  cluster: MigratedCluster,
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
