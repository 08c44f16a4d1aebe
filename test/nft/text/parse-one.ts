import type { Listing } from '../../../src/nft/json/listing.ts';
import type { TableName } from '../../../src/nft/json/read-listing.ts';
import { parseNftText } from '../../../src/nft/text/parse-nft-text.ts';

/** Reads one table from nft text; undefined when the text does not have it. */
export function parseOne(text: string, name: TableName): Listing | undefined {
  return parseNftText(text, [name]).listings[0];
}
