import { Command, Option } from 'commander';
import { type FrontendRow, type Inventory, takeInventory } from '../../inspect/list/inventory.ts';
import { listUnserved, nameServicePorts } from '../../inspect/list/list-unserved.ts';
import { renderTable } from '../../inspect/list/render-table.ts';
import { readPlaces } from '../../kubernetes/locations.ts';
import { escapeControls } from '../../lib/text.ts';
import { withDefaults } from '../../options.ts';
import type { Streams } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { addCompileOptions, type CompileFlags } from '../flags/compile-flags.ts';
import { addServiceFilters, type UnknownName, unknownNames } from '../flags/service-filters.ts';
import { loadCluster, notesOf } from '../input/load-cluster.ts';
import { loadListedTables, warnAboutDeviations } from '../input/load-tables.ts';
import { writeOutput } from '../output/write-output.ts';

const examples = `Examples:
  svc2nft list dump.yaml --node worker-1                      every address and port that Services answer at
  svc2nft list dump.yaml --node worker-1 -n shop -o wide      with endpoints in use and left out, and why
  svc2nft list dump.yaml --node worker-1 -o json | jq '.items[] | select(.refusal)'
  svc2nft list --kernel                                       what is loaded now; needs root, and no manifests
  watch svc2nft list --kernel --service shop/cart
`;

const exitText = `
A line is one frontend: an address and port, or a node port (*:30080/tcp, of IPv6 [*]:30080/tcp), of one service port.
  POLICY     the traffic policy that holds there, internal or external
  ENDPOINTS  how many endpoints somebody may reach through it; with policy Local, clients outside reach the LOCAL ones only
  LOCAL      how many of them run on this node
  USED       with -o wide: those endpoints; some only for clients outside, or only for pods and the node
  REMARK     why connections are refused, why endpoints are left out, who may connect, how long clients keep endpoints
Services that get no rules have a line with <none> as their frontend. The kernel does not know them, nor endpoints left out,
nor whether an address is a load balancer's unless it has source ranges (type External); an endpoint whose slice names no
node counts as local there. With --ruleset, only --table and --family of the options about rules matter. What stands in the
kernel's maps is listed, whether packets get that far or not: svc2nft diff and svc2nft verify find what others changed.

-o json and -o yaml print {node, tables: [{family, table, nodePortAddresses}], items: [...]}; an item has namespace,
service, portName, protocol, family, type, frontend, policy, refusal, givenTo, affinitySeconds, sourceRanges, endpointsUsed,
endpointsLocal, endpoints: [{endpoint, pod, node, zone, local, state, usedBy, leftOut}] and remarks.
-o name prints service:NAMESPACE/NAME:PORT, one for each service port.

Exit codes: 0 done, also when there is nothing to list; 1 bad input, nothing of the name that was asked for, or no such table;
2 wrong usage; 3 nft or the kernel refused; 4 no permission or no nft.`;

/** `svc2nft list`: frontends as a table. */
export function listCommand(streams: Streams, setExitCode: (code: number) => void): Command {
  return addServiceFilters(addCompileOptions(new Command('list')))
    .description('Lists the frontends of Services on this node, with policies, endpoints and what is wrong with them.')
    .option('--kernel', 'the same as --ruleset kernel')
    .option('--ruleset <file|kernel>', 'list what these rules hold, or - for those on stdin, and read no manifests')
    .addOption(
      new Option('-o, --output <format>', 'wide: with endpoints; json, yaml: everything; name: for explain --to')
        .choices(['table', 'wide', 'json', 'yaml', 'name'])
        .default('table'),
    )
    .addHelpText('before', examples)
    .addHelpText('after', exitText)
    .action(async (paths: string[], flags: ListFlags) => {
      setExitCode(await runList(paths, flags, streams));
    });
}

/** The flags of `svc2nft list`. */
export interface ListFlags extends CompileFlags, RowFilters {
  readonly kernel?: true;
  readonly ruleset?: string;
  readonly output: 'table' | 'wide' | 'json' | 'yaml' | 'name';
}

/** Prints the frontends of the snapshot, or of rules; resolves to the exit code. Nothing to list is no fault. */
export async function runList(paths: readonly string[], flags: ListFlags, streams: Streams): Promise<number> {
  const source = flags.kernel ? 'kernel' : flags.ruleset;
  if (source !== undefined && paths.length > 0) {
    const flag = flags.kernel ? '--kernel' : '--ruleset';
    streams.stderr.write(
      `error: ${flag} lists what the rules hold and reads no PATH; "svc2nft diff PATH" compares with the kernel (see --help)\n`,
    );
    return exitCodes.wrongUsage;
  }
  const inventory = await (source === undefined
    ? listSnapshot(paths, flags, streams)
    : listRules(source, flags, streams));
  if (typeof inventory === 'number') {
    return inventory;
  }
  const { items, lacks } = filterRows(inventory.items, flags);
  streams.stderr.write(linesOf(lacks));
  const exitCode = await writeOutput(await textOf({ ...inventory, items }, flags), undefined, streams);
  return exitCode === exitCodes.done && lacks.length > 0 && inventory.items.length > 0 ? exitCodes.badInput : exitCode;
}

async function listSnapshot(paths: readonly string[], flags: ListFlags, streams: Streams): Promise<Inventory | number> {
  const cluster = await loadCluster(paths, flags, streams);
  if (typeof cluster === 'string') {
    return cluster === 'refused' ? exitCodes.badInput : exitCodes.wrongUsage;
  }
  const { documents, views, rulesets } = cluster;
  // Nothing else shows Pods and zones, and there may be a hundred thousand.
  const asksPlaces = flags.output === 'json' || flags.output === 'yaml';
  return takeInventory(rulesets, {
    views,
    unserved: listUnserved(notesOf(cluster), views),
    ...(asksPlaces && { places: readPlaces(documents) }),
  });
}

async function listRules(source: string, { family, table }: ListFlags, streams: Streams): Promise<Inventory | number> {
  const options = withDefaults({ ...(family && { families: [family] }), ...(table !== undefined && { table }) });
  const listings = await loadListedTables(source, options, streams);
  if (typeof listings === 'number') {
    return listings;
  }
  warnAboutDeviations(listings, streams);
  return takeInventory(listings.map(({ ruleset }) => ruleset));
}

async function textOf(inventory: Inventory, { output }: ListFlags): Promise<string> {
  const { items } = inventory;
  switch (output) {
    case 'json':
      return `${JSON.stringify(inventory, undefined, 2)}\n`;
    case 'yaml': {
      const { stringify } = await import('yaml');
      return stringify(inventory, { aliasDuplicateObjects: false, lineWidth: 0 });
    }
    case 'name':
      return linesOf(nameServicePorts(items));
    default:
      return linesOf(renderTable(items, { wide: output === 'wide' }));
  }
}

function linesOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}

/** Flags that leave rows out; absent ones were not given. */
export interface RowFilters {
  readonly namespace?: readonly string[];
  /** `namespace/name`, or a name alone for that of any namespace. */
  readonly service?: readonly string[];
}

/** The rows that the flags ask for, and for each name that fits none a line: `No Services in namespace shopp (did you mean shop?)`. */
export function filterRows(
  rows: readonly FrontendRow[],
  { namespace: namespaces = [], service: services = [] }: RowFilters,
): { readonly items: readonly FrontendRow[]; readonly lacks: readonly string[] } {
  if (rows.length === 0) {
    return { items: [], lacks: ['No Services'] };
  }
  const inNamespaces = rows.filter(({ namespace }) => namespaces.length === 0 || namespaces.includes(namespace));
  const items = inNamespaces.filter(
    ({ namespace, service }) =>
      services.length === 0 || services.includes(service) || services.includes(`${namespace}/${service}`),
  );
  const lacks = [
    ...unknownNames(
      namespaces,
      namesIn(rows, ({ namespace }) => [namespace]),
    ).map(({ name, hint }) => `No Services in namespace ${escapeControls(name)}${hint}`),
    ...lackingServices(services, inNamespaces).map(
      ({ name, hint }) => `No Service ${escapeControls(name)}${inNamespace(namespaces)}${hint}`,
    ),
  ];
  return { items, lacks };
}

/** Where there is nothing to choose from, the namespaces are at fault. */
function lackingServices(services: readonly string[], rows: readonly FrontendRow[]): UnknownName[] {
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
