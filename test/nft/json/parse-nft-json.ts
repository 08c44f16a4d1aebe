import { expect } from 'vitest';
import { checkNftObjects } from '../../../src/nft/json/check-nft-objects.ts';
import { createTableReader } from '../../../src/nft/json/read-nft-json.ts';
import type { KnownNames, ListedTable, TableName } from '../../../src/nft/listed-table.ts';
import { readListedTable } from '../../../src/nft/objects/read-listed-table.ts';

/** Reads what nft printed in small pieces, which must give the same as all of it at once. */
export function parseNftJson(text: string, name: TableName, knownNames: KnownNames): ListedTable {
  const reader = createTableReader(name, knownNames, 60);
  const bytes = new TextEncoder().encode(text);
  for (let start = 0; start < bytes.length; start += 61) {
    reader.push(bytes.subarray(start, start + 61));
  }
  const table = reader.end();
  expect(table).toEqual(readListedTable(checkNftObjects(JSON.parse(text), name), name, knownNames));
  return table;
}

/** The same for what was parsed. */
export function readNftJson(json: unknown, name: TableName, knownNames: KnownNames): ListedTable {
  return parseNftJson(JSON.stringify(json) ?? 'null', name, knownNames);
}
