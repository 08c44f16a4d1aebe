import type { KnownNames, ListedTable, ListedTables, TableName } from '../listed-table.ts';
import { readListedTable } from '../objects/read-listed-table.ts';
import { checkNftObjects, objectsIn } from './check-nft-objects.ts';

/**
 * Reads what `nft -j list table FAMILY TABLE` printed; see {@link readNftJson}.
 *
 * @throws NftJsonError for a text that is not JSON: nft was stopped halfway, or nft 1.0.6 met a table with flags, where it
 * stops in the middle and reports success.
 */
export function parseNftJson(text: string, name: TableName, knownNames: KnownNames): ListedTable {
  return readNftJson(parseOutput(text, name), name, knownNames);
}

/** Thrown for output of nft that cannot be read at all. */
export class NftJsonError extends Error {
  override readonly name = 'NftJsonError';
}

function parseOutput(text: string, { family, table }: TableName): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = text === '' ? 'printed nothing' : 'did not print whole JSON';
    throw new NftJsonError(`nft ${reason} for table ${family} ${table}`, { cause: error });
  }
}

/**
 * One table of what `nft -j` printed, parsed. Whatever svc2nft never writes is a deviation, and so is a missing table;
 * nothing is thrown. Other tables are ignored.
 */
export function readNftJson(json: unknown, name: TableName, knownNames: KnownNames): ListedTable {
  return readListedTable(checkNftObjects(json, name), name, knownNames);
}

/** Those of the named tables that are in what `nft -j list ruleset` printed, parsed. */
export function readNftTables(json: unknown, names: readonly TableName[], knownNames: KnownNames): ListedTables {
  return {
    tables: names.flatMap((name) => {
      const found = checkNftObjects(json, name);
      return found.table ? [readListedTable(found, name, knownNames)] : [];
    }),
    found: objectsIn(json).flatMap(([kind, { family, name }]) =>
      kind === 'table' && typeof family === 'string' && typeof name === 'string' ? [`${family} ${name}`] : [],
    ),
  };
}
