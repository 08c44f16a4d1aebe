import { isMapping, type Mapping } from '../../lib/unknown-values.ts';
import type { EndpointAddress } from '../../net/network.ts';
import type { Deviation, DynamicElement } from '../listed-table.ts';
import type { Element, KeyType, SetDeclaration } from '../ruleset.ts';
import { fieldsOf, isCount, onlyField, partsOf, readAll } from './json-values.ts';
import { readProtocol } from './read-expression.ts';
import type { IndexedAddress } from './read-nft-json.ts';
import { readVerdict } from './read-statement.ts';

/**
 * An element of a set that only compilers fill. One that they do not write is a problem, and comes without a value and
 * with an empty comment, so that it equals none of theirs; undefined when it cannot be named.
 */
export function readElement(json: unknown, set: SetDeclaration, problems: ElementProblems): Element | undefined {
  const { key, value, details, problem } = examine(json, set, staticDetails);
  if (problem !== undefined) {
    noteProblem(problems, problem, key);
  }
  if (key === undefined || problem !== undefined) {
    return key === undefined ? undefined : { key, comment: '' };
  }
  const { comment } = details;
  return { key, ...(value && { value }), ...(typeof comment === 'string' && { comment }) };
}

/** An element of a set that traffic fills. What is odd about it is a problem; undefined when it cannot be named. */
export function readDynamicElement(
  json: unknown,
  set: SetDeclaration,
  problems: ElementProblems,
): DynamicElement | undefined {
  const { key, value, details, problem } = examine(json, set, dynamicDetails);
  if (problem !== undefined) {
    noteProblem(problems, problem, key);
  }
  if (key === undefined) {
    return undefined;
  }
  const { timeout, expires } = details;
  return {
    key,
    ...(value && 'address' in value && { value }),
    ...(isCount(timeout) && { timeoutSeconds: timeout }),
    ...(isCount(expires) && { expiresSeconds: expires }),
  };
}

const staticDetails: readonly string[] = ['val', 'comment'];
const dynamicDetails: readonly string[] = [...staticDetails, 'timeout', 'expires'];
const noDetails: Mapping = {};

interface Examined {
  /** Undefined when nft has no words for it. */
  readonly key: string | undefined;
  readonly value: Element['value'];
  /** What else is said of it: comment, timeout, counter. */
  readonly details: Mapping;
  /** What no element of ours has. */
  readonly problem: string | undefined;
}

function examine(json: unknown, set: SetDeclaration, knownDetails: readonly string[]): Examined {
  // A map's element is a pair, and details wrap the key alone.
  const [keyed, valueJson]: unknown[] = Array.isArray(json) ? json : [json];
  const wrapping = isMapping(keyed) ? keyed['elem'] : undefined;
  const details = isMapping(wrapping) ? wrapping : noDetails;
  const keyJson = isMapping(wrapping) ? wrapping['val'] : keyed;
  const value = readValue(valueJson, set);
  const ours = printKey(keyJson, set.key);
  if (ours === undefined) {
    const key = printForeignKey(keyJson);
    return { key, value, details, problem: key === undefined ? unnameable : 'a key that is not understood' };
  }
  const foreign = Object.keys(details).find((detail) => !knownDetails.includes(detail));
  if (foreign !== undefined) {
    return { key: ours, value, details, problem: `a ${foreign}` };
  }
  const isExpected = set.value === undefined ? valueJson === undefined : value !== undefined;
  return { key: ours, value, details, problem: isExpected ? undefined : 'a value that is not understood' };
}

function readValue(json: unknown, { value }: SetDeclaration): Element['value'] {
  if (value === 'verdict') {
    return readVerdict(json);
  }
  return value === 'endpoint' ? readEndpointAddress(json) : undefined;
}

/** What is odd about the elements of one set: each reason once, however many elements have it. */
export type ElementProblems = Map<string, { readonly first: string | undefined; count: number }>;

/** The problem that no command for a single element can solve, as it would have to name the element. */
const unnameable = 'a key that cannot be written as nft text';

/** Notes that an element has something that no element of ours has, `a counter`. */
function noteProblem(problems: ElementProblems, reason: string, key: string | undefined): void {
  const known = problems.get(reason);
  if (known) {
    known.count++;
  } else {
    problems.set(reason, { first: key, count: 1 });
  }
}

/** The problems of a set, `map service-ips`, as deviations. */
export function describeProblems(place: string, problems: ElementProblems): Deviation[] {
  return [...problems].map(([reason, { first, count }]) => {
    const who = count === 1 ? 'one element has' : `${count} elements have`;
    const example = first === undefined ? '' : ` (${count === 1 ? '' : 'the first is '}${first})`;
    return { message: `${place}: ${who} ${reason}${example}`, needsRebuild: reason === unnameable };
  });
}

/** The value of a map to endpoint addresses, `{"concat": ["10.1.2.3", 8080]}`; undefined for all else. */
function readEndpointAddress(json: unknown): EndpointAddress | undefined {
  const parts = partsOf(json);
  const address = parts?.[0];
  const port = parts?.[1];
  return typeof address === 'string' && isCount(port) && parts?.length === 2 ? { address, port } : undefined;
}

/**
 * An element of an endpoint map that is an index and nothing but that, `[{"concat": ["10.96.0.1", 80, 0]}, {...}]`;
 * undefined for all else.
 *
 * @param frontend the types of the key's parts before the index.
 */
export function readIndexedEndpointAddress(json: unknown, frontend: readonly KeyType[]): IndexedAddress | undefined {
  const [keyJson, value]: unknown[] = Array.isArray(json) ? json : [];
  const parts = partsOf(keyJson);
  const index = parts?.[frontend.length];
  if (parts?.length !== frontend.length + 1 || !isCount(index)) {
    return undefined;
  }
  const key = printParts(parts, frontend);
  const endpointAddress = readEndpointAddress(value);
  return key !== undefined && endpointAddress ? { key, index, endpointAddress } : undefined;
}

/**
 * The key of an element in the compiler's text, `10.96.0.1 . tcp . 80`; undefined when it is none that a compiler writes
 * into a set of these types.
 */
function printKey(json: unknown, types: readonly KeyType[]): string | undefined {
  const [type] = types;
  if (type !== undefined && types.length === 1) {
    return printPart(json, type);
  }
  const parts = partsOf(json);
  return parts?.length === types.length ? printParts(parts, types) : undefined;
}

/** The same for parts at hand; there may be more parts than types. */
function printParts(parts: readonly unknown[], types: readonly KeyType[]): string | undefined {
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
function printForeignKey(json: unknown): string | undefined {
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
