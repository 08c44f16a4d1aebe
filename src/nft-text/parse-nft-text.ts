import type { TableName } from '../listing/collect-objects.ts';
import { readListing } from '../listing/read-listing.ts';
import type { RulesetTables } from '../listing/ruleset-tables.ts';
import { parseTables } from './parse-tables.ts';

/**
 * Reads some tables from nft text: from what `svc2nft compile` prints, or what `nft list ruleset` and `nft list table` do,
 * with or without -n. The text becomes what `nft -j` would have printed, so that {@link readListing} tells the rest: what
 * no compiler makes is an oddity.
 *
 * @throws NftTextError for a text that is none of nft's, or that lacks an end.
 */
export function parseNftText(text: string, names: readonly TableName[]): RulesetTables {
  const tables = parseTables(text, ({ family, table }) =>
    names.some((name) => name.family === family && name.table === table),
  );
  return {
    listings: names.flatMap((name) => {
      const found = tables.find(({ family, table }) => family === name.family && table === name.table);
      return found ? [readListing({ nftables: found.objects }, name)] : [];
    }),
    found: tables.map(({ family, table }) => `${family} ${table}`),
  };
}
