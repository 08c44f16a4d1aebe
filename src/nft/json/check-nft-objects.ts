import { describeValue, isMapping, type Mapping } from '../../lib/unknown-values.ts';
import type { TableName } from '../listed-table.ts';
import type {
  NftChain,
  NftElement,
  NftJson,
  NftOther,
  NftRule,
  NftSet,
  NftStatement,
  NftTable,
  NftTypes,
} from '../objects/nft-json.ts';
import { parseSetChangeText } from '../text/parse-statement.ts';
import {
  isElement,
  isElementKey,
  isElementValue,
  isNumber,
  isStatement,
  isString,
  isTypeof,
  onlyField,
} from './nft-json-guards.ts';

/**
 * The objects of one table in what `nft -j` printed, parsed; objects of other tables, and values that are not objects of
 * nft, are left out. Never throws: what does not have a known form becomes an `unknown`. Elements, of which there may be a
 * million, are checked in place and not copied.
 */
export function checkNftObjects(json: unknown, name: TableName): NftJson {
  const found = emptyDraft();
  for (const object of listIn(json)) {
    addNftObject(object, name, found);
  }
  return found;
}

/** Adds a parsed object if it is of the table. */
export function addNftObject(object: unknown, name: TableName, found: Draft): void {
  const [kind, body] = namedObject(object) ?? [];
  if (kind !== undefined && body && isPartOf(kind, body, name)) {
    addObject(kind, body, found);
  }
}

/** The set or map in a parsed object, if it is of the table. */
export function setIn(object: unknown, name: TableName): NftSet | undefined {
  const [kind, body] = namedObject(object) ?? [];
  return (kind === 'set' || kind === 'map') && body && isPartOf(kind, body, name) ? checkSet(kind, body) : undefined;
}

/** The kind and the fields of each object in what `nft -j` printed. */
export function objectsIn(json: unknown): NamedObject[] {
  return listIn(json).flatMap((object) => {
    const named = namedObject(object);
    return named ? [named] : [];
  });
}

function listIn(json: unknown): readonly unknown[] {
  const objects = isMapping(json) ? json['nftables'] : undefined;
  return Array.isArray(objects) ? objects : [];
}

type NamedObject = readonly [kind: string, body: Mapping];

function namedObject(object: unknown): NamedObject | undefined {
  const [kind, body] = onlyField(object) ?? [];
  return kind !== undefined && isMapping(body) ? [kind, body] : undefined;
}

/** The objects of a table that were found so far. */
export interface Draft {
  table: NftTable | undefined;
  readonly sets: NftSet[];
  readonly chains: NftChain[];
  readonly rules: NftRule[];
  readonly others: NftOther[];
}

/** Nothing was found yet. */
export function emptyDraft(): Draft {
  return { table: undefined, sets: [], chains: [], rules: [], others: [] };
}

function isPartOf(kind: string, body: Mapping, { family, table }: TableName): boolean {
  return body['family'] === family && body[kind === 'table' ? 'name' : 'table'] === table;
}

function addObject(kind: string, body: Mapping, found: Draft): void {
  switch (kind) {
    case 'table':
      found.table = { flags: wordsOf(body['flags']), ...textIn(body, 'comment') };
      break;
    case 'set':
    case 'map':
      found.sets.push(checkSet(kind, body));
      break;
    case 'chain':
      found.chains.push(checkChain(body));
      break;
    case 'rule':
      found.rules.push(checkRule(body));
      break;
    default:
      found.others.push({ kind, name: nameOf(body['name']) });
  }
}

function checkSet(kind: 'set' | 'map', body: Mapping): NftSet {
  const { type, map, size, timeout, elem } = body;
  return {
    kind,
    name: nameOf(body['name']),
    type: checkTypes(type),
    ...(kind === 'map' && map !== undefined && { map: checkTypes(map) }),
    flags: wordsOf(body['flags']),
    ...(isNumber(size) && { size }),
    ...(isNumber(timeout) && { timeout }),
    ...textIn(body, 'comment'),
    elem: checkNftElements(elem),
    ...('policy' in body && { policy: body['policy'] }),
    ...('gc-interval' in body && { 'gc-interval': body['gc-interval'] }),
    ...('auto-merge' in body && { 'auto-merge': body['auto-merge'] }),
    ...('stmt' in body && { stmt: body['stmt'] }),
  };
}

/** An expression that is not understood becomes the text `typeof`, which names no type. */
function checkTypes(json: unknown): NftTypes {
  if (isTypeof(json)) {
    return json;
  }
  // nft 1.0.6 prints the types of a map's values as one text, `ipv4_addr . inet_service`.
  return listOf(json).flatMap((name) => (isString(name) ? name.split(' . ') : ['typeof']));
}

/** Elements; one that does not have a known form is an `unknown`. */
export function checkNftElements(json: unknown): readonly NftElement[] {
  const elements: readonly unknown[] = Array.isArray(json) ? json : [];
  return elements.every(isElement) ? elements : elements.map(checkElement);
}

function checkElement(json: unknown): NftElement {
  if (isElement(json)) {
    return json;
  }
  if (!Array.isArray(json)) {
    return { unknown: json };
  }
  const [key, value]: unknown[] = json;
  return [isElementKey(key) ? key : { unknown: key }, isElementValue(value) ? value : { unknown: value }];
}

function checkChain(body: Mapping): NftChain {
  const { prio } = body;
  return {
    name: nameOf(body['name']),
    ...wordIn(body, 'type'),
    ...wordIn(body, 'hook'),
    ...('prio' in body && { prio: isNumber(prio) ? prio : wordFor(prio) }),
    ...wordIn(body, 'policy'),
    ...wordIn(body, 'comment'),
    ...wordIn(body, 'dev'),
    ...wordIn(body, 'flags'),
  };
}

function checkRule(body: Mapping): NftRule {
  const { expr } = body;
  const statements: readonly unknown[] = Array.isArray(expr) ? expr : [];
  return { chain: nameOf(body['chain']), ...wordIn(body, 'comment'), expr: statements.map(checkStatement) };
}

function checkStatement(json: unknown): NftStatement {
  if (isString(json)) {
    // nft 1.0.6 has no JSON for changes of maps and prints their text.
    return parseSetChangeText(json) ?? { unknown: json };
  }
  return isStatement(json) ? json : { unknown: json };
}

/** A name; undefined where there is none. */
function nameOf(json: unknown): string | undefined {
  return isString(json) ? json : undefined;
}

function textIn<K extends string>(body: Mapping, field: K): { readonly [P in K]?: string } {
  const value = body[field];
  return isString(value) ? ({ [field]: value } as { [P in K]: string }) : {};
}

/** A value that is shown to people where it is not the expected text. */
function wordIn<K extends string>(body: Mapping, field: K): { readonly [P in K]?: string } {
  return field in body ? ({ [field]: wordFor(body[field]) } as { [P in K]: string }) : {};
}

function wordsOf(json: unknown): string[] {
  return listOf(json).map(wordFor);
}

/** Texts as they are, of other values what they are: `7`, `a list`. */
function wordFor(json: unknown): string {
  if (json === undefined) {
    return '';
  }
  return isString(json) ? json : describeValue(json);
}

/** The values of a list; versions of nft differ in whether a list of one value is printed as that value. */
function listOf(json: unknown): readonly unknown[] {
  if (json === undefined) {
    return [];
  }
  return Array.isArray(json) ? json : [json];
}
