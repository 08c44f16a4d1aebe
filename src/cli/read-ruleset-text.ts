import { type Diagnostic, diagnosticInFile } from '../diagnostics.ts';
import { collectObjects, type TableName } from '../listing/collect-objects.ts';
import { findTerse } from '../listing/find-terse.ts';
import { onlyField } from '../listing/json-shapes.ts';
import { readListing } from '../listing/read-listing.ts';
import type { RulesetTables } from '../listing/ruleset-tables.ts';
import { isMapping } from '../mapping.ts';
import { parseNftText } from '../nft-text/parse-nft-text.ts';
import { parseJson } from '../phases/1-read/parse-json.ts';
import { findLineStarts, positionAt } from '../phases/1-read/position-at.ts';

interface Wanted {
  readonly file: string;
  readonly names: readonly TableName[];
}

/**
 * Reads nft's JSON where the text begins with a brace, and nft text elsewhere.
 *
 * @returns a diagnostic for JSON that is not whole or not nft's.
 * @throws NftTextError for wrong nft text.
 */
export function readRulesetText(text: string, wanted: Wanted): RulesetTables | Diagnostic {
  const tables = /^\s*\{/.test(text) ? readJson(text, wanted) : parseNftText(text, wanted.names);
  if ('code' in tables) {
    return tables;
  }
  const listings = tables.listings.map((listing) => ({
    ...listing,
    oddities: [...listing.oddities, ...findTerse(listing)],
  }));
  return { ...tables, listings };
}

function readJson(text: string, { file, names }: Wanted): RulesetTables | Diagnostic {
  const { values, error } = parseJson(text);
  if (error) {
    const position = positionAt(text, findLineStarts(text), error.offset);
    const hint =
      'nft 1.0.6 stops half way at what it has no JSON for, a dormant table for one; try its text, without -j';
    return diagnosticInFile('invalid-json', `${error.message} (${hint})`, file, position);
  }
  // Several listings in a row are as good as one.
  const lists = values.flatMap(({ value }) => listIn(value));
  if (lists.length === 0) {
    return diagnosticInFile('invalid-json', 'this is not the JSON of nft, which has a list "nftables"', file);
  }
  const objects = lists.flat();
  const json = { nftables: objects };
  const present = names.filter((name) => collectObjects(json, name).table);
  return {
    listings: present.map((name) => readListing(json, name)),
    found: objects.flatMap(tableName),
  };
}

/** The list of objects in one listing; nothing for a value that is none. */
function listIn(value: unknown): (readonly unknown[])[] {
  const objects: unknown = isMapping(value) ? value['nftables'] : undefined;
  return Array.isArray(objects) ? [objects] : [];
}

function tableName(object: unknown): string[] {
  const [kind, body] = onlyField(object) ?? [];
  const { family, name } = kind === 'table' && isMapping(body) ? body : {};
  return typeof family === 'string' && typeof name === 'string' ? [`${family} ${name}`] : [];
}
