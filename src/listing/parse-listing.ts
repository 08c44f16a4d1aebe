import type { TableName } from './collect-objects.ts';
import type { Listing } from './listing.ts';
import { readListing } from './read-listing.ts';

/**
 * Reads the text that `nft -j list table FAMILY TABLE` printed; see readListing. Throws {@link ListingError} when it is no
 * JSON: nft was ended half way, or it is 1.0.6 and the table has flags, where it stops in the middle and reports success.
 */
export function parseListing(text: string, name: TableName): Listing {
  return readListing(parseJson(text, name), name);
}

/** Thrown for a listing that cannot be read at all. */
export class ListingError extends Error {
  override readonly name = 'ListingError';
}

function parseJson(text: string, { family, table }: TableName): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = text === '' ? 'printed nothing' : 'did not print whole JSON';
    throw new ListingError(`nft ${reason} for table ${family} ${table}`, { cause: error });
  }
}
