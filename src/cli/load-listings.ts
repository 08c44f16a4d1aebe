import { formatNftError } from '../apply/nft-error.ts';
import { isNftError } from '../apply/read-table.ts';
import type { TableName } from '../listing/collect-objects.ts';
import type { Listing } from '../listing/listing.ts';
import type { CompileOptions } from '../options.ts';
import { exitCodes } from './exit-codes.ts';
import { loadRulesetFile } from './load-ruleset-file.ts';
import { nameTables } from './name-tables.ts';
import { readKernelTable } from './read-kernel-table.ts';
import { exitCodeOfError } from './report-outcome.ts';
import type { Streams } from './streams.ts';

/**
 * Reads rulesets of ours that are loaded (`kernel`) or written (a file or `-` for stdin: what `compile` prints, or what
 * `nft list` does, with `-j` or without; this needs neither nft nor rights).
 *
 * @returns one listing for each of the families that has a table; at least one, or the exit code after a message on stderr.
 */
export async function loadListings(
  source: string,
  { families, table }: Pick<CompileOptions, 'families' | 'table'>,
  streams: Streams,
): Promise<readonly Listing[] | number> {
  if (source === '') {
    streams.stderr.write('error: --ruleset wants a file or kernel\n');
    return exitCodes.wrongUsage;
  }
  const names = families.map((family) => ({ family, table }));
  if (source !== 'kernel') {
    const found = await loadRulesetFile(source, names, streams);
    return found ?? exitCodes.badInput;
  }
  const listings = await loadKernelListings(names, streams);
  if (typeof listings !== 'number' && listings.length === 0) {
    streams.stderr.write(`error: the kernel has no ${nameTables(names)}\n`);
    return exitCodes.badInput;
  }
  return listings;
}

/**
 * Reads those of the named tables that are loaded, for whom a missing table is an answer as well.
 *
 * @returns one listing for each table that there is, or the exit code after a message on stderr.
 */
export async function loadKernelListings(
  names: readonly TableName[],
  streams: Streams,
): Promise<readonly Listing[] | number> {
  const listings: Listing[] = [];
  for (const name of names) {
    const listing = await readKernelTable(streams.run, name);
    if (isNftError(listing)) {
      streams.stderr.write(`error: ${formatNftError(listing)}\n`);
      return exitCodeOfError(listing);
    }
    listings.push(...(listing ? [listing] : []));
  }
  return listings;
}
