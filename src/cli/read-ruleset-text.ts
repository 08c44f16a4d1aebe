import { type Diagnostic, diagnosticInFile } from '../diagnostics.ts';
import { collectObjects, type TableName } from '../listing/collect-objects.ts';
import { onlyField } from '../listing/json-shapes.ts';
import type { Listing } from '../listing/listing.ts';
import { readListing } from '../listing/read-listing.ts';
import { isMapping } from '../mapping.ts';
import { parseNftText } from '../nft-text/parse-nft-text.ts';
import { parseTables } from '../nft-text/parse-tables.ts';
import { parseJson } from '../phases/1-read/parse-json.ts';
import { findLineStarts, positionAt } from '../phases/1-read/position-at.ts';

/** What a text has of the tables that are wanted. */
export interface RulesetTables {
  readonly listings: readonly Listing[];
  /** Where there is none: what the text's tables are called, `ip6 kube-proxy`. */
  readonly found: readonly string[];
}

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
  if (/^\s*\{/.test(text)) {
    return readJson(text, wanted);
  }
  const listings = wanted.names.flatMap((name) => parseNftText(text, name) ?? []);
  const tables = listings.length > 0 ? [] : parseTables(text, () => false);
  return { listings, found: tables.map(({ family, table }) => `${family} ${table}`) };
}

function readJson(text: string, { file, names }: Wanted): RulesetTables | Diagnostic {
  const { values, error } = parseJson(text);
  if (error) {
    const position = positionAt(text, findLineStarts(text), error.offset);
    const hint = 'nft 1.0.6 stops half way at what it has no JSON for; try its text, without -j';
    return diagnosticInFile('invalid-json', `${error.message} (${hint})`, file, position);
  }
  // Several listings in a row are as good as one.
  const objects = values.flatMap(({ value }) => objectsOf(value));
  if (objects.length === 0) {
    return diagnosticInFile('invalid-json', 'this is not the JSON of nft, which has a list "nftables"', file);
  }
  const json = { nftables: objects };
  const present = names.filter((name) => collectObjects(json, name).table);
  return {
    listings: present.map((name) => readListing(json, name)),
    found: present.length > 0 ? [] : objects.flatMap(tableName),
  };
}

function objectsOf(value: unknown): readonly unknown[] {
  const objects = isMapping(value) ? value['nftables'] : undefined;
  return Array.isArray(objects) ? objects : [];
}

function tableName(object: unknown): string[] {
  const [kind, body] = onlyField(object) ?? [];
  return kind === 'table' && isMapping(body) ? [`${body['family']} ${body['name']}`] : [];
}
