import type { Inventory } from '../inventory/frontend-row.ts';
import { listUnserved } from '../inventory/list-unserved.ts';
import { nameServicePorts } from '../inventory/name-service-ports.ts';
import { renderTable } from '../inventory/render-table.ts';
import { takeInventory } from '../inventory/take-inventory.ts';
import { withDefaults } from '../options.ts';
import { readPlaces } from '../places/read-places.ts';
import { readServiceNotes } from '../places/read-service-notes.ts';
import type { CompileFlags } from './commands/compile-options.ts';
import { exitCodes } from './exit-codes.ts';
import { filterRows, type RowFilters } from './filter-rows.ts';
import { loadCluster } from './load-cluster.ts';
import { loadListings } from './load-listings.ts';
import { markRefused } from './mark-refused.ts';
import type { Streams } from './streams.ts';
import { warnOfOddities } from './warn-of-oddities.ts';
import { writeOutput } from './write-output.ts';

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
  const { documents, views, rulesets, diagnostics } = cluster;
  // Nothing else shows Pods and zones, and there may be a hundred thousand.
  const asksPlaces = flags.output === 'json' || flags.output === 'yaml';
  return takeInventory(rulesets, {
    views,
    unserved: listUnserved(markRefused(readServiceNotes(documents), diagnostics), views),
    ...(asksPlaces && { places: readPlaces(documents) }),
  });
}

async function listRules(source: string, { family, table }: ListFlags, streams: Streams): Promise<Inventory | number> {
  const options = withDefaults({ ...(family && { families: [family] }), ...(table !== undefined && { table }) });
  const listings = await loadListings(source, options, streams);
  if (typeof listings === 'number') {
    return listings;
  }
  warnOfOddities(listings, streams);
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
