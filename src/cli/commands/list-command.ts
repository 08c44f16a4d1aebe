import { Command, InvalidArgumentError } from 'commander';
import type { FrontendRow, Inventory } from '../../inspect/list/inventory.ts';
import { listFrontends } from '../../inspect/list/list-frontends.ts';
import { listUnserved, nameServicePorts } from '../../inspect/list/list-unserved.ts';
import { onlyNamespace, renderFrontendTable } from '../../inspect/list/render-frontend-table.ts';
import { readSortColumn, type SortColumn, sortFrontends } from '../../inspect/list/sort-frontends.ts';
import { type EndpointSources, readEndpointSources } from '../../kubernetes/endpoint-sources.ts';
import { selectServices } from '../../kubernetes/label-selector.ts';
import { readLocations } from '../../kubernetes/locations.ts';
import { escapeControls, joinLines } from '../../lib/text.ts';
import { withDefaults } from '../../options.ts';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { namesCluster } from '../flags/cluster-flags.ts';
import { addSnapshotOptions, inputPaths, type SnapshotFlags } from '../flags/compile-flags.ts';
import { addWatchOption, formatOption, type WatchFlags } from '../flags/general-flags.ts';
import { addServiceFilters, type ServiceFilters, type UnknownName, unknownNames } from '../flags/service-filters.ts';
import { loadCluster, noteServices, notesOf, readsCluster } from '../input/load-cluster.ts';
import { loadListedTables, warnAboutDeviations } from '../input/load-tables.ts';
import { runWatched } from '../input/watch-files.ts';
import { addHelpTexts } from '../manual/format-help.ts';
import { writeOutput } from '../output/write-output.ts';

const examples = `
  svc2nft list dump.yaml --node worker-1 --cluster-cidr 10.244.0.0/16                  every address and port that Services answer on
  svc2nft list dump.yaml --node worker-1 --cluster-cidr 10.244.0.0/16 -n shop -o wide  each endpoint, in use or left out, and why
  svc2nft list dump.yaml --node worker-1 --cluster-cidr 10.244.0.0/16 -o json | jq '.items[] | select(.refusal)'
  svc2nft list --live --cluster-cidr 10.244.0.0/16         the cluster that kubectl uses, on the node with the name of this machine
  svc2nft list --kernel    what is loaded now; needs root, but no manifests
  watch svc2nft list --kernel --service shop/cart
`;

const notes = `
Each line is one frontend of one service port: an address and port, or a node port (*:30080/tcp, over IPv6 [*]:30080/tcp).
  POLICY     the traffic policy that applies there, internal or external
  ENDPOINTS  how many endpoints any client can reach through it; with policy Local, external clients reach the LOCAL ones only
  LOCAL      how many of them run on this node
  REMARK     why connections are refused, why endpoints are left out, who may connect, how long clients keep an endpoint

-o wide prints a line for each endpoint of each frontend, used or not: its node, whether it is local, its state, and who uses
it: all clients, only external or only internal ones (pods and the node), or none.

The namespace has a column where there are several. On a terminal, columns move closer together, remarks are broken into
lines, and in the end rows as well, so that lines fit; nothing is cut. Elsewhere each row is one line.

Services without rules have a line for each of their ports, with <none> as frontend. Reading rules alone (--kernel, --ruleset) shows neither
these nor endpoints left out, and an external address is type External unless source ranges show that it is a load
balancer's; an endpoint whose slice names no node counts as local there. Rules of iptables tell load balancer IPs from external IPs, and do not say which
endpoints are local where no policy is Local: LOCAL is <unknown>, in JSON null. With --ruleset, the only options about rules that
matter are --table and --family. The list shows what the maps in the kernel hold, even if other rules keep packets from
getting that far: svc2nft diff and svc2nft verify find such changes.

-o json and -o yaml print {node, tables: [{family, table, nodePortAddresses}], items: [...]}; an item has namespace,
service, portName, protocol, port, family, type, frontend, policy, refusal, heldBy, affinitySeconds, sourceRanges,
endpointsUsed, endpointsLocal, endpoints: [{endpoint, pod, node, zone, local, state, usedBy, leftOut}] and remarks.
nodePortAddresses are the addresses with node ports; 0.0.0.0/0 or ::/0 stand for all addresses of the node, null is unknown.
-o name prints service:NAMESPACE/NAME:PORT, one for each service port.

A Service or namespace that does not exist is an error on stderr and exit code 1; what the other names select is printed.
`;

/** `svc2nft list`: frontends as a table. */
export function listCommand(context: Context, setExitCode: (code: number) => void): Command {
  const command = addServiceFilters(addSnapshotOptions(new Command('list')))
    .description('Lists the frontends of Services on this node, with their policies, endpoints and problems.')
    .optionsGroup('Input:')
    .option('--kernel', 'the same as --ruleset kernel')
    .option(
      '--ruleset <file|kernel>',
      'list what these rules of nft or iptables serve, also those of kube-proxy (- reads them from stdin), without manifests',
    )
    .optionsGroup('Output:')
    .addOption(
      formatOption('wide: a line per endpoint; json, yaml: everything; name: for explain --to', [
        'table',
        'wide',
        'json',
        'yaml',
        'name',
      ]).default('table'),
    )
    .option('--no-headers', 'the table without its headings')
    .option(
      '--sort-by <column>',
      'order by namespace, name, port, type, frontend, policy, endpoints, local or remark, also by .metadata.name, .metadata.namespace, .spec.type or .spec.clusterIP',
      parseColumn,
    )
    .action(async (paths: string[], flags: ListFlags) => {
      const inputs = inputPaths(paths, flags);
      const isLive = sourceOf(flags) === undefined && readsCluster(inputs, flags, context);
      const watched = { watch: flags.watch, isLive, paths: inputs, others: [flags.config, flags.ruleset] };
      setExitCode(await runWatched(watched, context, () => runList(inputs, flags, context)));
    });
  return addHelpTexts(addWatchOption(command), { notes, examples });
}

/** The flags of `svc2nft list`. */
interface ListFlags extends SnapshotFlags, WatchFlags, ServiceFilters {
  readonly kernel?: true;
  readonly ruleset?: string;
  readonly output: 'table' | 'wide' | 'json' | 'yaml' | 'name';
  readonly headers: boolean;
  readonly sortBy?: SortColumn;
}

function parseColumn(text: string): SortColumn {
  const found = readSortColumn(text);
  if (typeof found === 'string') {
    throw new InvalidArgumentError(found);
  }
  return found.column;
}

/**
 * Prints the frontends of the snapshot, or of rules; resolves to the exit code. Nothing to list is not an error; a name
 * that does not exist is one, and the others are listed.
 */
async function runList(paths: readonly string[], flags: ListFlags, context: Context): Promise<number> {
  const source = sourceOf(flags);
  const conflict = source === undefined ? undefined : describeConflict(paths, flags);
  if (conflict !== undefined) {
    context.stderr.write(`error: ${conflict} (see --help)\n`);
    await noteServices(paths, context);
    return exitCodes.wrongUsage;
  }
  const listed = await (source === undefined ? listSnapshot(paths, flags, context) : listRules(source, flags, context));
  if (typeof listed === 'number') {
    return listed;
  }
  const { inventory, labeled } = listed;
  if (inventory.items.length === 0) {
    context.stderr.write('nothing to list: no Services\n');
  }
  const { items: named, problems } = filterRows(inventory.items, flags);
  const chosen = named.filter(({ namespace, service }) => labeled?.has(`${namespace}/${service}`) ?? true);
  const items = flags.sortBy === undefined ? chosen : sortFrontends(chosen, flags.sortBy);
  if (named.length > 0 && items.length === 0) {
    context.stderr.write('nothing to list: no Service has the labels that -l asks for\n');
  }
  context.stderr.write(joinLines(problems.map((problem) => `error: ${problem}`)));
  sayNamespace(items, flags, context);
  const exitCode = await writeOutput(await textOf({ ...inventory, items }, flags, context), undefined, context);
  return exitCode === exitCodes.done && problems.length > 0 ? exitCodes.badInput : exitCode;
}

/** Why rules cannot be listed with these flags; undefined if they can. */
function describeConflict(paths: readonly string[], flags: ListFlags): string | undefined {
  const flag = flags.kernel ? '--kernel' : '--ruleset';
  if (paths.length > 0) {
    return `${flag} lists what the rules serve and takes no PATH; use "svc2nft diff PATH" to compare manifests with the kernel`;
  }
  if (namesCluster(flags)) {
    return `${flag} lists what the rules serve and takes no cluster; use "svc2nft diff --live" to compare one with the kernel`;
  }
  return flags.selector && '-l needs manifests, because rules do not show the labels of Services';
}

/** The rules that are listed in place of a snapshot. */
function sourceOf({ kernel, ruleset }: ListFlags): string | undefined {
  return kernel ? 'kernel' : ruleset;
}

/** All frontends, and which Services `-l` selects; undefined for all. */
interface Listed {
  readonly inventory: Inventory;
  readonly labeled?: ReadonlySet<string> | undefined;
}

async function listSnapshot(paths: readonly string[], flags: ListFlags, context: Context): Promise<Listed | number> {
  // Nothing else shows Pods and zones, and there may be a hundred thousand.
  const showsLocations = flags.output === 'json' || flags.output === 'yaml';
  const cluster = await loadCluster(paths, flags, context, { needs: showsLocations ? { allNodes: true } : {} });
  if (typeof cluster === 'number') {
    await noteServices(paths, context);
    return cluster;
  }
  const { documents, views, rulesets } = cluster;
  let sources: EndpointSources | undefined;
  const inventory = listFrontends(rulesets, {
    views,
    unserved: listUnserved(notesOf(cluster), views),
    endpointSources: () => {
      sources ??= readEndpointSources(documents);
      return sources;
    },
    ...(showsLocations && { locations: readLocations(documents) }),
  });
  return { inventory, labeled: flags.selector && selectServices(documents, flags.selector) };
}

async function listRules(source: string, { family, table }: ListFlags, context: Context): Promise<Listed | number> {
  const { families } = withDefaults({ ...(family && { families: [family] }) });
  const tables = await loadListedTables(source, { families, table, takesIptables: true }, context);
  if (typeof tables === 'number') {
    return tables;
  }
  warnAboutDeviations(tables, context);
  return { inventory: listFrontends(tables.map(({ ruleset }) => ruleset)) };
}

async function textOf(inventory: Inventory, flags: ListFlags, { stdout }: Context): Promise<string> {
  const { output, headers, allNamespaces } = flags;
  const { items } = inventory;
  switch (output) {
    case 'json':
      return `${JSON.stringify(inventory, undefined, 2)}\n`;
    case 'yaml': {
      const { stringify } = await import('yaml');
      return stringify(inventory, { aliasDuplicateObjects: false, lineWidth: 0 });
    }
    case 'name':
      return joinLines(nameServicePorts(items));
    default:
      return joinLines(
        renderFrontendTable(items, {
          wide: output === 'wide',
          // A terminal without a size has 0 columns.
          width: (stdout.isTTY && stdout.columns) || undefined,
          withNamespace: allNamespaces === true,
          headings: headers,
        }),
      );
  }
}

/** Tables leave out the namespace where there is only one. Which one that is goes to stderr, so that a table stays one. */
function sayNamespace(
  items: readonly FrontendRow[],
  { output, namespace: namespaces = [], service: services = [], allNamespaces }: ListFlags,
  { stderr }: Context,
): void {
  const only = allNamespaces ? undefined : onlyNamespace(items);
  const isNamed = namespaces.length > 0 || (services.length > 0 && services.every((service) => service.includes('/')));
  if (only && !isNamed && (output === 'table' || output === 'wide')) {
    stderr.write(`namespace: ${only}\n`);
  }
}

/**
 * The rows that the flags select, and for each name without a match what is wrong: `no Service in namespace "shopp" (did
 * you mean shop?)`. Without any rows no name is wrong.
 */
function filterRows(
  rows: readonly FrontendRow[],
  { namespace: namespaces = [], service: services = [] }: ServiceFilters,
): { readonly items: readonly FrontendRow[]; readonly problems: readonly string[] } {
  if (rows.length === 0) {
    return { items: [], problems: [] };
  }
  const inNamespaces = rows.filter(({ namespace }) => namespaces.length === 0 || namespaces.includes(namespace));
  const items = inNamespaces.filter(
    ({ namespace, service }) =>
      services.length === 0 || services.includes(service) || services.includes(`${namespace}/${service}`),
  );
  const problems = [
    ...unknownNames(
      namespaces,
      namesIn(rows, ({ namespace }) => [namespace]),
    ).map(({ text, hint }) => `no Service in namespace ${text}${hint}`),
    ...missingServices(services, inNamespaces).map(
      ({ text, hint }) => `no Service named ${text}${inNamespace(namespaces)}${hint}`,
    ),
  ];
  return { items, problems };
}

/** Without any rows the namespaces are the problem, and they are reported already. */
function missingServices(services: readonly string[], rows: readonly FrontendRow[]): UnknownName[] {
  return rows.length === 0
    ? []
    : unknownNames(
        services,
        namesIn(rows, ({ namespace, service }) => [service, `${namespace}/${service}`]),
      );
}

function namesIn(rows: readonly FrontendRow[], namesOf: (row: FrontendRow) => readonly string[]): ReadonlySet<string> {
  return new Set(rows.flatMap(namesOf));
}

function inNamespace(namespaces: readonly string[]): string {
  return namespaces.length === 0 ? '' : ` in namespace ${namespaces.map(escapeControls).join(' or ')}`;
}
