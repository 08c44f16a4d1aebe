import type { NftError } from '../apply/nft-error.ts';
import { isNftError, readTable } from '../apply/read-table.ts';
import type { RunProgram } from '../apply/run-program.ts';
import type { TableName } from '../listing/collect-objects.ts';
import type { Listing } from '../listing/listing.ts';
import { NftTextError } from '../nft-text/nft-text-error.ts';
import { parseNftText } from '../nft-text/parse-nft-text.ts';

/**
 * Reads a table from the kernel to look at it: undefined when there is none. nft 1.0.6 prints no whole JSON of a table that
 * has flags, dormant ones for instance; its text has them.
 */
export async function readKernelTable(run: RunProgram, name: TableName): Promise<Listing | NftError | undefined> {
  const listing = await readTable(run, name);
  if (!isNftError(listing) || listing.kind !== 'refused') {
    return listing;
  }
  const { exitCode, stdout } = await run('nft', ['-n', 'list', 'table', name.family, name.table]);
  return (exitCode === 0 ? readText(stdout, name) : undefined) ?? listing;
}

function readText(text: string, name: TableName): Listing | undefined {
  try {
    return parseNftText(text, [name]).listings[0];
  } catch (error) {
    if (error instanceof NftTextError) {
      return undefined;
    }
    throw error;
  }
}
