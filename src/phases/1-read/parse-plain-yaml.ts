import { EVENT_ID, type Event, getScalarValue, parseEvents, SCALAR_STYLE, type ScalarEvent } from 'js-yaml';
import { appendAll } from '../../lib/lists.ts';
import { isMapping, type Mapping, type Path } from '../../lib/unknown-values.ts';
import { resolvePlain } from './plain-scalars.ts';

/** The value of a YAML document, and where to look for the position of something in it. */
export interface PlainDocument {
  readonly value: unknown;
  readonly excerptWith: (path: Path) => Excerpt;
}

/** A part of a text that is a YAML document by itself. */
interface Excerpt {
  readonly text: string;
  /** The offset in the whole text of what has offset 0 in this one; negative if this one begins with a line of its own. */
  readonly start: number;
  /** Where in the value of the excerpt to look. */
  readonly path: Path;
}

/**
 * Reads YAML as kubectl and most people write it, many times as fast as a parser that keeps positions and comments. Returns
 * undefined for a text with an error, and for one with anything that parsers disagree about or that can be made to
 * explode: anchors, merges, tags, directives, repeated keys, keys that are not strings, very deep nesting. For those,
 * another parser must decide.
 *
 * @param onProgress called with the number of characters read.
 */
export function parsePlainYaml(
  text: string,
  onProgress: (charactersDone: number) => void,
): PlainDocument[] | undefined {
  if (unusual.some((pattern) => pattern.test(text))) {
    return undefined;
  }
  const documents: PlainDocument[] = [];
  for (let start = 0; start < text.length; ) {
    const end = endOfDocument(text, start);
    const document = readDocument(text.slice(start, end), start, onProgress);
    if (!document) {
      return undefined;
    }
    // Between markers there may be nothing.
    if (document.value !== null) {
      documents.push(document);
    }
    start = end;
  }
  return documents;
}

/**
 * Directives, documents that are indented, explicit keys, tabs as indentation, line ends of old Macs, and byte order marks
 * that are not in front.
 */
const unusual: readonly RegExp[] = [/^[% ]/, /\n%/, /(?<!\w)\?(?:\s|$)/, /(?:^|\n) *\t/, /\r(?!\n)/, /\ufeff/];

/** The offset of the line `---` that begins the next document. No scalar can have such a line (YAML 1.2.2, 9.1.2). */
function endOfDocument(text: string, start: number): number {
  const marker = /\n---(?=[ \t\r\n]|$)/g;
  marker.lastIndex = start;
  const found = marker.exec(text);
  return found ? found.index + 1 : text.length;
}

/** How much is read at a time, in characters: the parser makes several objects of every value. */
const pieceLength = 1 << 22;

/** Documents below this length are neither read nor searched for positions in pieces. */
const shortLength = 1 << 14;

/** The line before the items of a Kubernetes list, with which any of them are a document. */
const opening = 'items:\n';

/**
 * Reads a long list some items at a time, the first ones with what is before the list, the last ones with what is after.
 *
 * @param start where the document begins in its file.
 */
function readDocument(
  text: string,
  start: number,
  onProgress: (charactersDone: number) => void,
): PlainDocument | undefined {
  const lines = text.length < shortLength ? [] : findItemLines(text);
  const [cut = text.length, ...cuts] = [...chooseCuts(lines), text.length];
  const root = readRoot(text.slice(0, cut));
  onProgress(start + cut);
  let from = cut;
  for (const to of cuts) {
    const piece = readRoot(opening + text.slice(from, to));
    if (!root || !piece || !appendPiece(root.value, piece.value)) {
      return undefined;
    }
    onProgress(start + to);
    from = to;
  }
  return root && { value: root.value, excerptWith: excerptsOf(text, start, lines, root.value) };
}

/**
 * Where the lines begin that begin an item of the list in the field `items`, which goes on up to a line that is neither
 * indented nor an item. Inside it, no other line has a dash in their column. Empty for a document without such a list.
 */
function findItemLines(text: string): number[] {
  const list = /(?:^|\n)items:[ \t]*(?=\r?\n( *)- )/.exec(text.slice(0, shortLength));
  if (!list) {
    return [];
  }
  const lines: number[] = [];
  const begin = list.index + list[0].length;
  const after = /\n[^\s#-]/g;
  after.lastIndex = begin;
  const end = after.exec(text)?.index ?? text.length;
  const item = `\n${list[1]}- `;
  for (let line = text.indexOf(item, begin); line >= 0 && line < end; line = text.indexOf(item, line + 1)) {
    lines.push(line + 1);
  }
  return lines;
}

/** The first item after each piece. */
function chooseCuts(lines: readonly number[]): number[] {
  const cuts: number[] = [];
  for (const line of lines) {
    if (line - (cuts.at(-1) ?? 0) >= pieceLength) {
      cuts.push(line);
    }
  }
  return cuts;
}

/** Adds the items and keys of a piece to a list; false if one of them is no list, or has a key that the other one has. */
function appendPiece(list: unknown, piece: unknown): boolean {
  if (!isList(list) || !isList(piece)) {
    return false;
  }
  const { items, ...others } = piece;
  if (Object.keys(others).some((key) => Object.hasOwn(list, key))) {
    return false;
  }
  appendAll(list.items, items);
  Object.assign(list, others);
  return true;
}

function isList(value: unknown): value is Mapping & { readonly items: unknown[] } {
  return isMapping(value) && Array.isArray(value['items']);
}

/** What is in one item of a list, or after its last one, needs only this item; all else, what comes before the second one. */
function excerptsOf(
  text: string,
  start: number,
  lines: readonly number[],
  value: unknown,
): PlainDocument['excerptWith'] {
  if (!isList(value) || value.items.length !== lines.length) {
    return (path) => ({ text, start, path });
  }
  const keys = Object.keys(value);
  const keysAfter = new Set<unknown>(keys.slice(keys.indexOf('items') + 1));
  return (path) => {
    const [key, index, ...below] = path;
    const item = keysAfter.has(key) ? lines.length - 1 : Number(key === 'items' && index);
    const line = lines[item];
    if (item === 0 || line === undefined) {
      return { text: text.slice(0, lines[1]), start, path };
    }
    return {
      text: opening + text.slice(line, lines[item + 1]),
      start: start + line - opening.length,
      path: key === 'items' ? [key, 0, ...below] : path,
    };
  };
}

/** Reads a text that is one document, a mapping, a list or nothing; undefined for any other text. */
function readRoot(text: string): { readonly value: unknown } | undefined {
  const events = parse(text);
  if (!events || events.some((event) => isUnusual(event, text))) {
    return undefined;
  }
  const documents = events.filter(({ type }) => type === EVENT_ID.DOCUMENT);
  if (documents.length === 0) {
    return { value: null };
  }
  const reader: Reader = { text, events, next: 1, hasUnusualKey: false };
  const value = readValue(reader);
  return documents.length > 1 || reader.hasUnusualKey || typeof value !== 'object' ? undefined : { value };
}

function parse(text: string): Event[] | undefined {
  try {
    return parseEvents(text, {});
  } catch {
    return undefined;
  }
}

/** The offset of what an event has not. */
const absent = -1;

function isUnusual(event: Event, text: string): boolean {
  switch (event.type) {
    case EVENT_ID.ALIAS:
      return true;
    case EVENT_ID.DOCUMENT:
    case EVENT_ID.POP:
      return false;
    case EVENT_ID.SCALAR:
      return (
        event.anchorStart !== absent ||
        event.tagStart !== absent ||
        hasIndentation(event, text) ||
        hasTextAfterQuote(event, text)
      );
    default:
      return event.anchorStart !== absent || event.tagStart !== absent;
  }
}

/** Whether a block scalar says how far it is indented, as in `|2`, or has lines of spaces, which are read differently. */
function hasIndentation({ style, valueStart, valueEnd }: ScalarEvent, text: string): boolean {
  if (style !== SCALAR_STYLE.LITERAL_BLOCK && style !== SCALAR_STYLE.FOLDED_BLOCK) {
    return false;
  }
  const header = text.slice(text.lastIndexOf('\n', valueStart - 2) + 1, valueStart);
  return /[|>][-+]?[1-9]/.test(header) || /(?:^|\n) +(?:\r?\n|$)/.test(text.slice(valueStart, valueEnd));
}

/** Whether something stands right after the closing quote, as in `""a:`, where parsers see different things. */
function hasTextAfterQuote({ style, valueEnd }: ScalarEvent, text: string): boolean {
  return (
    (style === SCALAR_STYLE.SINGLE_QUOTED || style === SCALAR_STYLE.DOUBLE_QUOTED) &&
    !/^(?:[\s,\]}]|:\s|:?$)/.test(text.slice(valueEnd + 1, valueEnd + 3))
  );
}

interface Reader {
  readonly text: string;
  readonly events: readonly Event[];
  /** The index of the next event. */
  next: number;
  hasUnusualKey: boolean;
}

function readValue(reader: Reader): unknown {
  const event = reader.events[reader.next];
  reader.next += 1;
  switch (event?.type) {
    case EVENT_ID.MAPPING:
      return readMapping(reader);
    case EVENT_ID.SEQUENCE:
      return readSequence(reader);
    case EVENT_ID.SCALAR: {
      const source = getScalarValue(reader.text, event);
      return event.style === SCALAR_STYLE.PLAIN ? resolvePlain(source) : source;
    }
    default:
      return undefined;
  }
}

function readMapping(reader: Reader): Mapping {
  const mapping: Record<string, unknown> = {};
  while (!endsHere(reader)) {
    const key = readValue(reader);
    const value = readValue(reader);
    if (typeof key !== 'string' || key === '<<' || key === '__proto__' || Object.hasOwn(mapping, key)) {
      reader.hasUnusualKey = true;
    } else {
      mapping[key] = value;
    }
  }
  return mapping;
}

function readSequence(reader: Reader): unknown[] {
  const items: unknown[] = [];
  while (!endsHere(reader)) {
    items.push(readValue(reader));
  }
  return items;
}

/** Whether a mapping or list ends, whose end is then passed. */
function endsHere(reader: Reader): boolean {
  const event = reader.events[reader.next];
  const isEnd = event === undefined || event.type === EVENT_ID.POP;
  reader.next += isEnd ? 1 : 0;
  return isEnd;
}
