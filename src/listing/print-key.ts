import type { KeyType } from '../phases/5-plan/ruleset.ts';
import { fieldsOf, isCount, onlyField, partsOf, readAll } from './json-shapes.ts';
import { readProtocol } from './read-protocol.ts';

/**
 * The key of an element in the compiler's text, `10.96.0.1 . tcp . 80`; undefined when it is none that a compiler writes
 * into a set of these types.
 */
export function printKey(json: unknown, types: readonly KeyType[]): string | undefined {
  const [type] = types;
  if (type !== undefined && types.length === 1) {
    return printPart(json, type);
  }
  const parts = partsOf(json);
  return parts?.length === types.length ? printParts(parts, types) : undefined;
}

/** The same for parts at hand; there may be more parts than types. */
export function printParts(parts: readonly unknown[], types: readonly KeyType[]): string | undefined {
  const texts: string[] = [];
  for (const [index, type] of types.entries()) {
    const text = printPart(parts[index], type);
    if (text === undefined) {
      return undefined;
    }
    texts.push(text);
  }
  return texts.join(' . ');
}

/** An address, or a range of them as `10.0.0.0/8`; undefined for all else. */
export function printAddress(json: unknown): string | undefined {
  if (typeof json === 'string') {
    return addressPattern.test(json) ? json : undefined;
  }
  const [kind, body] = onlyField(json) ?? [];
  const { addr, len } = (kind === 'prefix' && fieldsOf(body, ['addr', 'len'])) || {};
  return typeof addr === 'string' && addressPattern.test(addr) && isCount(len) ? `${addr}/${len}` : undefined;
}

/** A key of whatever types as nft reads it, good enough to delete its element; undefined when there is no such text. */
export function printForeignKey(json: unknown): string | undefined {
  const texts = readAll(partsOf(json) ?? [json], printForeignPart) ?? [];
  return texts.length > 0 ? texts.join(' . ') : undefined;
}

const addressPattern = /^[0-9a-f.:]+$/;
const wordPattern = /^(?:\*|[A-Za-z0-9/._:-]+)$/;

function printForeignPart(json: unknown): string | undefined {
  const [kind, body] = onlyField(json) ?? [];
  if (kind === 'range' && Array.isArray(body) && body.length === 2) {
    return readAll(body, printWord)?.join('-');
  }
  if (kind === 'prefix') {
    const { addr, len } = fieldsOf(body, ['addr', 'len']) ?? {};
    return readAll([addr, len], printWord)?.join('/');
  }
  return printWord(json);
}

/** A word or number; `*` stands for all keys that have no element. */
function printWord(json: unknown): string | undefined {
  const text = isCount(json) ? String(json) : json;
  return typeof text === 'string' && wordPattern.test(text) ? text : undefined;
}

function printPart(json: unknown, type: KeyType): string | undefined {
  switch (type) {
    case 'address':
      return printAddress(json);
    case 'protocol':
      return readProtocol(json);
    case 'port':
      return isCount(json) && json <= 0xffff ? String(json) : undefined;
    case 'index':
      return isCount(json) && json <= 0xffffffff ? String(json) : undefined;
  }
}
