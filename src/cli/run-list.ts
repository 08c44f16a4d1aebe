import type { Inventory } from '../inventory/frontend-row.ts';
import { listUnserved } from '../inventory/list-unserved.ts';
import { nameServicePorts } from '../inventory/name-service-ports.ts';
import { renderTable } from '../inventory/render-table.ts';
import { takeInventory } from '../inventory/take-inventory.ts';
import { withDefaults } from '../options.ts';
import { readPlaces } from '../places/read-places.ts';
import type { CompileFlags } from './commands/compile-options.ts';
import { exitCodes } from './exit-codes.ts';
import { filterRows, type RowFilters } from './filter-rows.ts';
import { loadCluster } from './load-cluster.ts';
import { loadListings } from './load-listings.ts';
import { servicesOf } from './services-of.ts';
import type { Streams } from './streams.ts';
import { writeOutput } from './write-output.ts';

/** The flags of `svc2nft list`. */
export interface ListFlags extends CompileFlags, RowFilters {
  readonly kernel?: true;
  readonly output: 'table' | 'wide' | 'json' | 'yaml' | 'name';
}

/** Prints the frontends of the snapshot, or of the kernel; resolves to the exit code. Nothing to list is no fault. */
export async function runList(paths: readonly string[], flags: ListFlags, streams: Streams): Promise<number> {
  if (flags.kernel && paths.length > 0) {
    streams.stderr.write(
      'error: --kernel lists what is loaded and reads no PATH; "svc2nft diff PATH" compares the two (see --help)\n',
    );
    return exitCodes.wrongUsage;
  }
  const inventory = await (flags.kernel ? listKernel(flags, streams) : listSnapshot(paths, flags, streams));
  if (typeof inventory === 'number') {
    return inventory;
  }
  const { items, lacks } = filterRows(inventory.items, flags);
  streams.stderr.write(linesOf(lacks));
  return writeOutput(await textOf({ ...inventory, items }, flags), undefined, streams);
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
    unserved: listUnserved(servicesOf(cluster), views),
    ...(asksPlaces && { places: readPlaces(documents) }),
  });
}

async function listKernel({ family, table }: ListFlags, streams: Streams): Promise<Inventory | number> {
  const options = withDefaults({ ...(family && { families: [family] }), ...(table !== undefined && { table }) });
  const listings = await loadListings('kernel', options, streams);
  if (typeof listings === 'number') {
    return listings;
  }
  for (const { ruleset, oddities } of listings) {
    if (oddities.length > 0) {
      const things = oddities.length === 1 ? 'something' : `${oddities.length} things`;
      streams.stderr.write(
        `warning: table ${ruleset.family} ${ruleset.table} holds ${things} that svc2nft does not understand, so the list may be wrong; "svc2nft diff" shows it\n`,
      );
    }
  }
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
