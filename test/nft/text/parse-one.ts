import type { ListedTable, TableName } from '../../../src/nft/listed-table.ts';
import { parseNftText } from '../../../src/nft/text/parse-nft-text.ts';
import { knownNames } from '../../../src/phases/5-plan/names.ts';

/** Reads one table from nft text; undefined when the text does not have it. */
export function parseOne(text: string, name: TableName): ListedTable | undefined {
  return parseNftText(text, [name], knownNames).tables[0];
}
