import type { TableName } from '../listing/collect-objects.ts';
import type { Listing } from '../listing/listing.ts';
import { readListing } from '../listing/read-listing.ts';
import { parseTables } from './parse-tables.ts';

/**
 * Reads one table from nft text: from what `svc2nft compile` prints, or what `nft list ruleset` and `nft list table` do,
 * with or without -n. The text becomes what `nft -j` would have printed, so that {@link readListing} tells the rest: what
 * no compiler makes is an oddity.
 *
 * @returns undefined when the text has no such table.
 * @throws NftTextError for a text that is none of nft's, or that lacks an end.
 */
export function parseNftText(text: string, name: TableName): Listing | undefined {
  const tables = parseTables(text, ({ family, table }) => family === name.family && table === name.table);
  const objects = tables.find((table) => table.objects)?.objects;
  return objects && readListing({ nftables: objects }, name);
}
