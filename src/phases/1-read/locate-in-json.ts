import type { Path } from './document.ts';
import { isBlank, skipString } from './json-characters.ts';

/** A valid JSON text, with what earlier questions found out about it. */
export interface JsonText {
  readonly text: string;
  /** Where the children of an object or list begin, by key or index, for each one asked about; by its own offset. */
  readonly children: Map<number, ReadonlyMap<string | number, number>>;
}

/**
 * The offset of the value that `path` leads to from the value at `start`, or of the nearest enclosing value that
 * exists. Of equal keys the last one counts, as for JSON.parse. Each container on the way is walked once and then
 * remembered, so that thousands of diagnostics about one large list cost one walk.
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

/** The offset behind the value at `start`. */
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
    // 0x20 tells [ from { and ] from }.
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
