import { appendAll } from '../../lib/lists.ts';
import { isMapping, type Path } from '../../lib/unknown-values.ts';

/** The values of a JSON text with their offsets, and the error after the last of them, if any. */
export interface ParsedJson {
  readonly values: readonly { readonly value: unknown; readonly start: number }[];
  readonly error: { readonly offset: number; readonly message: string } | undefined;
}

/**
 * Parses one JSON value, or several in a row, as repeated calls of `kubectl get -o json` print. A key that an object has
 * twice is an error: JSON.parse would take the last one, without a word.
 */
export function parseJson(text: string): ParsedJson {
  try {
    const value: unknown = JSON.parse(text);
    if (countKeys(value) === countKeysIn(text)) {
      return { values: [{ value, start: firstWord(text, 0) }], error: undefined };
    }
  } catch {
    // What is wrong, and where, is found below.
  }
  return parseSeveral(text);
}

/** The number of keys in a parsed value, which may be nested deeply. */
function countKeys(root: unknown): number {
  let count = 0;
  const pending = [root];
  while (pending.length > 0) {
    const value = pending.pop();
    if (Array.isArray(value)) {
      appendAll(pending, value);
    } else if (isMapping(value)) {
      // Object.values takes three times as long.
      for (const key in value) {
        count += 1;
        pending.push(value[key]);
      }
    }
  }
  return count;
}

/** The number of keys in a valid JSON text: its strings before a colon. */
function countKeysIn(text: string): number {
  let count = 0;
  for (let quote = text.indexOf('"'); quote >= 0; ) {
    const end = skipBlanks(text, skipString(text, quote));
    count += text.charCodeAt(end) === colon ? 1 : 0;
    quote = text.indexOf('"', end);
  }
  return count;
}

const colon = 0x3a;

function parseSeveral(text: string): ParsedJson {
  const values: { value: unknown; start: number }[] = [];
  let start = firstWord(text, 0);
  while (start < text.length) {
    const check = checkJsonSyntax(text, start);
    if (check.kind === 'invalid') {
      return { values, error: check };
    }
    values.push({ value: JSON.parse(text.slice(start, check.end)), start });
    start = firstWord(text, check.end);
  }
  return { values, error: undefined };
}

function firstWord(text: string, start: number): number {
  const word = /\S/g;
  word.lastIndex = start;
  return word.test(text) ? word.lastIndex - 1 : text.length;
}

/** The result of checking one JSON value: where it ends, or what is wrong and where. */
type JsonCheck =
  | { readonly kind: 'valid'; readonly end: number }
  | { readonly kind: 'invalid'; readonly offset: number; readonly message: string };

type Expecting = 'value' | 'value or ]' | 'key' | 'key or }' | 'colon' | 'comma or end';

/**
 * Checks the JSON value that begins at or after `start` against RFC 8259, and that no object has a key twice. Only for
 * texts in which JSON.parse found a mistake, because the positions in its errors differ between engine versions, or missed
 * one. Truncated text is invalid at its end.
 */
export function checkJsonSyntax(text: string, start: number): JsonCheck {
  const open: Container[] = [];
  let expecting: Expecting = 'value';
  let offset = start;
  for (;;) {
    offset = skipBlanks(text, offset);
    const inside = open.at(-1);
    const step = readToken(text, offset, expecting, inside?.bracket);
    if (step.kind === 'invalid') {
      return step;
    }
    if (step.next === 'colon' && !isNew(keyOf(text.slice(offset, step.end)), inside?.keys)) {
      return invalid(offset, 'object keys must be unique');
    }
    offset = step.end;
    if (step.opens) {
      open.push({ bracket: step.opens, keys: step.opens === '{' ? new Set() : undefined });
    } else if (step.closes) {
      open.pop();
    }
    if (open.length === 0) {
      return { kind: 'valid', end: offset };
    }
    expecting = step.next;
  }
}

/** An object or list that has begun and not ended, with the keys that an object has so far. */
interface Container {
  readonly bracket: '{' | '[';
  readonly keys: Set<string> | undefined;
}

/** Whether a key is not among those that came before it, to which it is added. */
function isNew(key: string, keys: Set<string> | undefined): boolean {
  const isKnown = keys?.has(key) ?? false;
  keys?.add(key);
  return !isKnown;
}

interface Token {
  readonly kind: 'token';
  readonly end: number;
  readonly next: Expecting;
  readonly opens?: '{' | '[';
  readonly closes?: true;
}

type Invalid = Extract<JsonCheck, { kind: 'invalid' }>;

function readToken(text: string, offset: number, expecting: Expecting, inside: '{' | '[' | undefined): Token | Invalid {
  if (offset >= text.length) {
    return invalid(text.length, inside ? `the text ends inside ${nameOf(inside)}` : 'a value is missing');
  }
  const character = text.charAt(offset);
  const closing = inside === '{' ? '}' : ']';
  const mayClose = expecting === 'comma or end' || expecting === 'value or ]' || expecting === 'key or }';
  if (mayClose && character === closing) {
    return { kind: 'token', end: offset + 1, next: 'comma or end', closes: true };
  }
  return readExpected(text, offset, expecting, inside);
}

function readExpected(
  text: string,
  offset: number,
  expecting: Expecting,
  inside: '{' | '[' | undefined,
): Token | Invalid {
  const character = text.charAt(offset);
  switch (expecting) {
    case 'value':
    case 'value or ]':
      return readValue(text, offset);
    case 'key':
    case 'key or }':
      return character === '"' ? readString(text, offset, 'colon') : invalid(offset, 'expected a key in double quotes');
    case 'colon':
      return character === ':'
        ? { kind: 'token', end: offset + 1, next: 'value' }
        : invalid(offset, 'expected a colon');
    case 'comma or end':
      return character === ','
        ? { kind: 'token', end: offset + 1, next: inside === '{' ? 'key' : 'value' }
        : invalid(offset, `expected a comma or ${inside === '{' ? '}' : ']'}`);
  }
}

function readValue(text: string, offset: number): Token | Invalid {
  const character = text.charAt(offset);
  if (character === '{' || character === '[') {
    return { kind: 'token', end: offset + 1, next: character === '{' ? 'key or }' : 'value or ]', opens: character };
  }
  if (character === '"') {
    return readString(text, offset, 'comma or end');
  }
  const word = /true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
  word.lastIndex = offset;
  if (!word.test(text)) {
    const rest = text.slice(offset, offset + 8);
    const isCut =
      offset + rest.length === text.length && ['true', 'false', 'null', '-'].some((w) => w.startsWith(rest));
    return isCut ? cutOff(text) : invalid(offset, 'expected a value');
  }
  const end = word.lastIndex;
  const isCutNumber = text.length - end <= 2 && /^(\.|[eE][+-]?)$/.test(text.slice(end));
  return isCutNumber ? cutOff(text) : { kind: 'token', end, next: 'comma or end' };
}

function cutOff(text: string): Invalid {
  return invalid(text.length, 'the text ends inside a value');
}

function readString(text: string, start: number, next: Expecting): Token | Invalid {
  let offset = start + 1;
  while (offset < text.length) {
    const code = text.charCodeAt(offset);
    if (code === 0x22) {
      return { kind: 'token', end: offset + 1, next };
    }
    if (code < 0x20) {
      return invalid(offset, 'a line break or control character in a string; it must be escaped');
    }
    const length = code === 0x5c ? escapeLength(text, offset) : 1;
    if (length === 0) {
      return invalid(offset, 'this escape sequence does not exist in JSON');
    }
    offset += length;
  }
  return invalid(text.length, 'the text ends inside a string');
}

/** The length of the escape sequence at `offset`: 2, 6, the rest of a truncated text, or 0 for an invalid one. */
function escapeLength(text: string, offset: number): number {
  const sequence = text.slice(offset, offset + 6);
  if (/^\\["\\/bfnrt]/.test(sequence)) {
    return 2;
  }
  if (/^\\u[0-9a-fA-F]{4}$/.test(sequence)) {
    return 6;
  }
  const isCut = offset + sequence.length === text.length && /^\\(u[0-9a-fA-F]*)?$/.test(sequence);
  return isCut ? sequence.length : 0;
}

function nameOf(opening: '{' | '['): string {
  return opening === '{' ? 'an object' : 'a list';
}

function invalid(offset: number, message: string): Invalid {
  return { kind: 'invalid', offset, message };
}

/** Whether a character is JSON whitespace (RFC 8259, section 2); false for NaN, the end of the text. */
function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

/** The offset after the string whose opening quote is at `start`, or the length of a text that ends inside it. */
function skipString(text: string, start: number): number {
  for (let quote = text.indexOf('"', start + 1); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    if (!isEscaped(text, quote)) {
      return quote + 1;
    }
  }
  return text.length;
}

/** A quote inside a string is escaped if an odd number of backslashes precedes it. */
function isEscaped(text: string, quote: number): boolean {
  let first = quote;
  while (text.charCodeAt(first - 1) === 0x5c) {
    first -= 1;
  }
  return (quote - first) % 2 === 1;
}

/** A valid JSON text, with what earlier lookups found in it. */
export interface JsonText {
  readonly text: string;
  /** The offsets of the children of objects and lists by key or index, for each one looked up, by its own offset. */
  readonly children: Map<number, ReadonlyMap<string | number, number>>;
}

/**
 * The offset of the value at `path` inside the value at `start`, or of the nearest enclosing value that exists. Of equal
 * keys the last one counts, as in JSON.parse. Each container on the way is scanned once and then remembered, so that
 * thousands of diagnostics about one large list cost one scan.
 */
export function locateInJson(json: JsonText, start: number, path: Path): number {
  let offset = start;
  for (const key of path) {
    const child = childrenOf(json, offset).get(key);
    if (child === undefined) {
      return offset;
    }
    offset = child;
  }
  return offset;
}

function childrenOf(json: JsonText, offset: number): ReadonlyMap<string | number, number> {
  const known = json.children.get(offset);
  if (known) {
    return known;
  }
  const children = findChildren(json.text, offset);
  json.children.set(offset, children);
  return children;
}

function findChildren(text: string, start: number): Map<string | number, number> {
  const children = new Map<string | number, number>();
  const opening = text[start];
  if (opening !== '{' && opening !== '[') {
    return children;
  }
  let offset = skipBlanks(text, start + 1);
  while (offset < text.length && text[offset] !== '}' && text[offset] !== ']') {
    let key: string | number = children.size;
    if (opening === '{') {
      const end = skipString(text, offset);
      key = keyOf(text.slice(offset, end));
      offset = skipBlanks(text, skipBlanks(text, end) + 1);
    }
    children.set(key, offset);
    const next = skipBlanks(text, skipValue(text, offset));
    offset = text[next] === ',' ? skipBlanks(text, next + 1) : next;
  }
  return children;
}

function keyOf(quoted: string): string {
  return quoted.includes('\\') ? String(JSON.parse(quoted)) : quoted.slice(1, -1);
}

function skipBlanks(text: string, start: number): number {
  let offset = start;
  while (isBlank(text.charCodeAt(offset))) {
    offset += 1;
  }
  return offset;
}

/** The offset after the value at `start`. */
function skipValue(text: string, start: number): number {
  const first = text[start];
  if (first === '"') {
    return skipString(text, start);
  }
  return first === '{' || first === '[' ? skipContainer(text, start) : skipScalar(text, start);
}

function skipContainer(text: string, start: number): number {
  let depth = 0;
  let offset = start;
  while (offset < text.length) {
    const code = text.charCodeAt(offset);
    if (code === 0x22) {
      offset = skipString(text, offset);
      continue;
    }
    offset += 1;
    // Bit 0x20 turns [ into { and ] into }.
    const bracket = code | 0x20;
    if (bracket === 0x7b) {
      depth += 1;
    } else if (bracket === 0x7d) {
      depth -= 1;
      if (depth === 0) {
        return offset;
      }
    }
  }
  return offset;
}

function skipScalar(text: string, start: number): number {
  let offset = start + 1;
  while (offset < text.length && !',]} \t\r\n'.includes(text.charAt(offset))) {
    offset += 1;
  }
  return offset;
}
