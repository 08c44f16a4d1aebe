import { isMapping } from '../../lib/unknown-values.ts';
import type { EndpointAddress } from '../../net/network.ts';
import type { Deviation, DynamicElement } from '../listed-table.ts';
import type { Element, EndpointList, KeyType, SetDeclaration } from '../ruleset.ts';
import type { NftDetails, NftElement, NftElementKey, NftPart, NftWord } from './nft-json.ts';
import { isCount, readAll, readProtocol } from './read-expression.ts';

/**
 * An element of a set that only svc2nft fills. One that svc2nft never writes is a problem, and comes without a value and
 * with an empty comment, so that it does not equal any that svc2nft does write; undefined when no command can name it.
 */
export function readElement(element: NftElement, set: SetDeclaration, problems: ElementProblems): Element | undefined {
  const { key, value, details, problem } = examine(element, set, staticDetails);
  if (problem !== undefined) {
    noteProblem(problems, problem, key);
  }
  if (key === undefined || problem !== undefined) {
    return key === undefined ? undefined : { key, comment: '' };
  }
  const { comment } = details;
  return { key, ...(value && { value }), ...(comment !== undefined && { comment }) };
}

/** Whether an element has a counter. */
export function hasCounter(element: NftElement): boolean {
  const [key] = pairOf(element);
  return isWrapped(key) && 'counter' in key.elem;
}

/** What the counter of an element has counted; 0 without one. */
export function packetsOf(element: NftElement): number {
  const [key] = pairOf(element);
  const counter = isWrapped(key) ? key.elem['counter'] : undefined;
  const packets = isMapping(counter) ? counter['packets'] : undefined;
  return isCount(packets) ? packets : 0;
}

/** An element of a set that traffic fills. What deviates in it is a problem; undefined when no command can name it. */
export function readDynamicElement(
  element: NftElement,
  set: SetDeclaration,
  problems: ElementProblems,
): DynamicElement | undefined {
  const { key, value, details, problem } = examine(element, set, dynamicDetails);
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

/** Whether an element of the set may have the detail. What a counter has counted says nothing about the ruleset. */
function isExpectedDetail(name: string, set: SetDeclaration, knownDetails: readonly string[]): boolean {
  return knownDetails.includes(name) || (name === 'counter' && set.counter === true);
}

/** The details of a key that is not wrapped. */
type Details = Partial<NftDetails>;
const noDetails: Details = {};

interface Examined {
  /** Undefined when it cannot be written as nft text. */
  readonly key: string | undefined;
  readonly value: Element['value'];
  readonly details: Details;
  /** What svc2nft never gives an element. */
  readonly problem: string | undefined;
}

function examine(element: NftElement, set: SetDeclaration, knownDetails: readonly string[]): Examined {
  const [wrapped, listedValue] = pairOf(element);
  const details = isWrapped(wrapped) ? wrapped.elem : noDetails;
  const listedKey = isWrapped(wrapped) ? wrapped.elem.val : wrapped;
  const value = readValue(listedValue, set);
  const known = printKey(listedKey, set.key);
  if (known === undefined) {
    const key = printAnyKey(listedKey);
    return { key, value, details, problem: key === undefined ? unnameable : 'a key that is not understood' };
  }
  const unexpected = Object.keys(details).find((detail) => !isExpectedDetail(detail, set, knownDetails));
  if (unexpected !== undefined) {
    return { key: known, value, details, problem: `a ${unexpected}` };
  }
  const isExpected = set.value === undefined ? listedValue === undefined : value !== undefined;
  return { key: known, value, details, problem: isExpected ? undefined : 'a value that is not understood' };
}

type Pair = Extract<NftElement, readonly unknown[]>;
type ListedValue = Pair[1];

function isPair(element: NftElement): element is Pair {
  return Array.isArray(element);
}

/** The key and the value of an element; the value is undefined where there is only a key. */
export function pairOf(element: NftElement): Pair | readonly [NftElementKey, undefined] {
  return isPair(element) ? element : [element, undefined];
}

function isWrapped(key: NftElementKey): key is { readonly elem: NftDetails } {
  return typeof key === 'object' && 'elem' in key;
}

function readValue(listed: ListedValue | undefined, { value }: SetDeclaration): Element['value'] {
  if (value === 'verdict') {
    return readVerdict(listed);
  }
  return value === 'endpoint' ? readEndpointValue(listed) : undefined;
}

/** What a verdict map leads to. */
type Verdict = Exclude<Element['value'], EndpointAddress | undefined>;

/** A verdict, `{"goto": {"target": "tcp-cluster-3"}}`; undefined for any other value. */
export function readVerdict(listed: ListedValue | undefined): Verdict | undefined {
  if (typeof listed !== 'object') {
    return undefined;
  }
  if ('drop' in listed) {
    return { kind: 'drop' };
  }
  return 'goto' in listed ? { kind: 'goto', chain: listed.goto.target } : undefined;
}

/** The value of a map to endpoint addresses, `{"concat": ["10.1.2.3", 8080]}`; undefined for any other value. */
export function readEndpointValue(listed: ListedValue | undefined): EndpointAddress | undefined {
  const parts = partsOf(listed);
  const address = parts?.[0];
  const port = parts?.[1];
  return typeof address === 'string' && isCount(port) && parts?.length === 2 ? { address, port } : undefined;
}

/** The parts of a concatenation; undefined for any other value. */
function partsOf(listed: NftElementKey | ListedValue | undefined): readonly NftPart[] | undefined {
  return typeof listed === 'object' && 'concat' in listed ? listed.concat : undefined;
}

/** The deviations of the elements of one set: each reason once, however many elements have it. */
export type ElementProblems = Map<string, { readonly first: string | undefined; count: number }>;

/** The problem that no command on a single element can solve, as it would have to name the element. */
const unnameable = 'a key that cannot be written as nft text';

/** Notes that an element has something that svc2nft never writes, `a counter`. */
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
    const elements = count === 1 ? 'one element has' : `${count} elements have`;
    const example = first === undefined ? '' : ` (${count === 1 ? '' : 'the first is '}${first})`;
    return { message: `${place}: ${elements} ${reason}${example}`, needsRebuild: reason === unnameable };
  });
}

/** An element of an endpoint map, its key taken apart: the frontend's, and the index of the endpoint address. */
export interface IndexedAddress {
  readonly key: string;
  readonly index: number;
  readonly endpointAddress: EndpointAddress;
}

/**
 * An element of an endpoint map that has an index and no details but its counter, `[{"concat": ["10.96.0.1", 80, 0]}, {...}]`;
 * undefined for any other.
 *
 * @param frontend the types of the key's parts before the index.
 * @param counter whether the map has counters.
 */
export function readIndexedAddress(
  element: NftElement,
  frontend: readonly KeyType[],
  counter: SetDeclaration['counter'],
): IndexedAddress | undefined {
  const [listedKey, listedValue] = pairOf(element);
  const parts = partsOf(
    counter && isWrapped(listedKey) && isOnlyCounted(listedKey.elem) ? listedKey.elem.val : listedKey,
  );
  const index = parts?.[frontend.length];
  if (parts?.length !== frontend.length + 1 || !isCount(index)) {
    return undefined;
  }
  const key = printParts(parts, frontend);
  const endpointAddress = readEndpointValue(listedValue);
  return key !== undefined && endpointAddress ? { key, index, endpointAddress } : undefined;
}

function isOnlyCounted(details: NftDetails): boolean {
  for (const name in details) {
    if (name !== 'val' && name !== 'counter') {
      return false;
    }
  }
  return true;
}

/**
 * Collects the endpoint lists that elements form: those with the indices from 0 on, without a gap. Elements come in any order,
 * and no key has an index twice; lists are in the order of their first element.
 */
export function collectLists(): {
  readonly add: (entry: IndexedAddress) => void;
  /** As `rest` come the elements behind a gap, whose index no list could give them. */
  readonly end: () => { readonly lists: EndpointList[]; readonly rest: Element[] };
} {
  const found = new Map<string, EndpointAddress[]>();
  const late: IndexedAddress[] = [];
  return {
    add: (entry) => {
      if (!append(entry, found)) {
        late.push(entry);
      }
    },
    end: () => {
      const rest = late.sort((a, b) => a.index - b.index).filter((entry) => !append(entry, found));
      return {
        lists: [...found].map(([key, endpointAddresses]) => ({ key, endpointAddresses })),
        rest: rest.map(({ key, index, endpointAddress }) => ({ key: `${key} . ${index}`, value: endpointAddress })),
      };
    },
  };
}

/** Whether the entry came next in its list. nft 1.0.6 and 1.1.3 list the indices of a frontend in order, so it mostly does. */
function append({ key, index, endpointAddress }: IndexedAddress, found: Map<string, EndpointAddress[]>): boolean {
  const list = found.get(key);
  if (index !== (list?.length ?? 0)) {
    return false;
  }
  if (list) {
    list.push(endpointAddress);
  } else {
    found.set(key, [endpointAddress]);
  }
  return true;
}

/**
 * The key of an element in the compiler's text, `10.96.0.1 . tcp . 80`; undefined when the compiler never writes it into a
 * set of these types.
 */
function printKey(key: NftElementKey, types: readonly KeyType[]): string | undefined {
  const parts = partsOf(key) ?? (isPart(key) ? [key] : undefined);
  return parts?.length === types.length ? printParts(parts, types) : undefined;
}

function isPart(key: NftElementKey): key is NftPart {
  return typeof key !== 'object' || 'prefix' in key || 'range' in key;
}

/** The same for the parts of a key, of which there may be more than types. */
function printParts(parts: readonly NftPart[], types: readonly KeyType[]): string | undefined {
  const texts: string[] = [];
  for (const [index, type] of types.entries()) {
    const part = parts[index];
    const text = part === undefined ? undefined : printPart(part, type);
    if (text === undefined) {
      return undefined;
    }
    texts.push(text);
  }
  return texts.join(' . ');
}

function printPart(part: NftPart, type: KeyType): string | undefined {
  switch (type) {
    case 'address':
      return printAddress(part);
    case 'protocol':
      return readProtocol(part);
    case 'port':
      return isCount(part) && part <= 0xffff ? String(part) : undefined;
    case 'index':
      return isCount(part) && part <= 0xffffffff ? String(part) : undefined;
  }
}

/** An address, or a range of them as `10.0.0.0/8`; undefined for anything else. */
export function printAddress(part: NftPart): string | undefined {
  if (typeof part === 'string') {
    return addressPattern.test(part) ? part : undefined;
  }
  if (typeof part === 'number' || !('prefix' in part)) {
    return undefined;
  }
  const { addr, len } = part.prefix;
  return typeof addr === 'string' && addressPattern.test(addr) && isCount(len) ? `${addr}/${len}` : undefined;
}

const addressPattern = /^[0-9a-f.:]+$/;
const wordPattern = /^(?:\*|[A-Za-z0-9/._:-]+)$/;

/** A key of any types as nft reads it, good enough to delete its element; undefined when there is no such text. */
function printAnyKey(key: NftElementKey): string | undefined {
  const parts = partsOf(key) ?? (isPart(key) ? [key] : []);
  const texts = readAll(parts, printAnyPart) ?? [];
  return texts.length > 0 ? texts.join(' . ') : undefined;
}

function printAnyPart(part: NftPart): string | undefined {
  if (typeof part !== 'object') {
    return printWord(part);
  }
  if ('range' in part) {
    return readAll(part.range, printWord)?.join('-');
  }
  return readAll([part.prefix.addr, part.prefix.len], printWord)?.join('/');
}

/** A word or number; `*` stands for all keys that have no element. */
function printWord(word: NftWord): string | undefined {
  const text = isCount(word) ? String(word) : word;
  return typeof text === 'string' && wordPattern.test(text) ? text : undefined;
}
