import type { Mutable } from '../lib/mutable.ts';
import { cidrText, parseCidr } from '../net/address.ts';
import type { EndpointAddress } from '../net/network.ts';
import type { Element, Expression, Scalar, StatementOf } from '../nft/ruleset.ts';
import { findListed, joinKey, splitKey } from '../nft/ruleset-parts.ts';
import {
  branchOf,
  type Connection,
  copyConnection,
  hasNewDestination,
  isLocal,
  setOf,
  type WalkContext,
} from './connection.ts';
import type { Memory, MemoryEntry } from './fate.ts';
import type { IndexedSet, Pattern } from './lookup-tables.ts';

/** What a lookup has found. */
export interface Found {
  /** Undefined when the packet lacks a field of the key: then the rule ends, whatever the set holds. */
  readonly key: string | undefined;
  readonly element: Element | undefined;
}

/** The result of one lookup in one branch. */
export interface LookupResult extends Found {
  readonly connection: Connection;
}

interface Lookup {
  readonly key: readonly Expression[];
  readonly connection: Connection;
  readonly context: WalkContext;
}

/** Looks a key up in a set: one result, or one for each key that chance may produce. */
export function lookUp(name: string, { key: expressions, connection, context }: Lookup): LookupResult[] {
  const set = setOf(name, context);
  const readings = evaluateKey(expressions, connection, context);
  if (readings.length === 0) {
    return [{ connection, key: undefined, element: undefined }];
  }
  return readings.map(({ key, oneIn }) => ({
    connection: branchOf(connection, oneIn),
    key,
    element: find(set, key, connection, context),
  }));
}

/**
 * Whether a set has the key that a packet has, which is put into `found`; undefined if that depends on chance or the packet
 * lacks a field.
 */
export function lookUpCertain(
  name: string,
  { key: expressions, connection, context }: Lookup,
  found: Mutable<Found>,
): boolean | undefined {
  const set = setOf(name, context);
  const key = readCertainKey(expressions, connection, context);
  if (key === undefined) {
    return undefined;
  }
  found.key = key;
  found.element = find(set, key, connection, context);
  return found.element !== undefined;
}

/**
 * Whether a set is empty or the first part of a packet's key is in none of its keys, so that a lookup finds nothing. Most
 * lookups end here, without a key and a search for it; never if steps are kept, which name the key.
 */
export function isAbsent(name: string, { key: [first], connection, context }: Lookup): boolean {
  if (context.keepsSteps) {
    return false;
  }
  const set = setOf(name, context);
  const { firstParts } = set;
  if (set.lists.size === 0 && entriesOf(set, connection.memory).size === 0) {
    return true;
  }
  if (!firstParts || !first) {
    return false;
  }
  const value = readCertain(first, connection, context);
  return typeof value === 'string' && !firstParts.has(value);
}

function find(set: IndexedSet, key: string, { memory }: Connection, context: WalkContext): Element | undefined {
  const element = findElement(set, key, memory);
  if (element) {
    context.onElement?.(element);
    return element;
  }
  const listed = findListed(set.lists, key);
  if (listed) {
    context.onDraw?.(listed.list, listed.index + 1);
  }
  return listed?.element;
}

/**
 * The endpoints of a list, all equally likely, among which a key that ends with a random number picks; undefined if the key
 * is another one, or the number may be that of no endpoint.
 */
export function drawEndpoints(
  map: string,
  { key, connection, context }: Lookup,
): readonly EndpointAddress[] | undefined {
  const { lists } = setOf(map, context);
  const random = key.at(-1);
  if (lists.size === 0 || random?.kind !== 'numgen') {
    return undefined;
  }
  const frontend = readCertainKey(key.slice(0, -1), connection, context);
  const list = frontend === undefined ? undefined : lists.get(frontend);
  if (!list || list.endpointAddresses.length < random.modulus) {
    return undefined;
  }
  context.onDraw?.(list, random.modulus);
  const { endpointAddresses: all } = list;
  return all.length === random.modulus ? all : all.slice(0, random.modulus);
}

/**
 * The element for a key: the one with exactly this key, or one whose ranges contain it. nft does not let ranges overlap, so
 * at most one does.
 */
function findElement(set: IndexedSet, key: string, memory: Memory): Element | undefined {
  const entries = entriesOf(set, memory);
  if (entries.size === 0) {
    return undefined;
  }
  const exact = entries.get(key);
  if (exact) {
    return exact;
  }
  for (const pattern of set.patterns) {
    const element = entries.get(widen(key, pattern));
    if (element) {
      return element;
    }
  }
  return undefined;
}

/** What a set holds now. Rules change only dynamic sets, so memory of any other set belongs to another ruleset. */
function entriesOf({ declaration, isDynamic, entries }: IndexedSet, memory: Memory): ReadonlyMap<string, Element> {
  return (isDynamic ? memory.get(declaration.name) : undefined) ?? entries;
}

/** The key with each part replaced by the range of the pattern's prefix length that contains it. */
function widen(key: string, pattern: Pattern): string {
  const parts = splitKey(key).map((part, index) => {
    const prefix = pattern[index];
    return prefix === undefined ? part : rangeAround(part, prefix);
  });
  return joinKey(parts);
}

/** The range of a prefix length, as nft prints it, that contains an address. */
export function rangeAround(address: string, prefix: number): string {
  if (!address.includes(':') && prefix > 0 && prefix < 32) {
    // By far the most frequent case, so without a parser.
    const octets = address
      .split('.')
      .map((octet, index) => Number(octet) & (0xff00 >> clampToOctet(prefix - index * 8)));
    return `${octets.join('.')}/${prefix}`;
  }
  const cidr = parseCidr(`${address}/${prefix}`);
  return cidr ? cidrText(cidr) : address;
}

function clampToOctet(bits: number): number {
  return Math.min(8, Math.max(0, bits));
}

/** A key, as nft writes it, in a branch that is taken once in `oneIn` times. */
interface Reading {
  readonly key: string;
  readonly oneIn: number;
}

/**
 * Reads a key from the packet: one reading, or one for each number that a `numgen` in it may draw, all equally likely.
 * Empty when the packet lacks a field, which ends the rule.
 */
export function evaluateKey(
  expressions: readonly Expression[],
  connection: Connection,
  context: WalkContext,
): Reading[] {
  let readings: Reading[] = [{ key: '', oneIn: 1 }];
  for (const [index, expression] of expressions.entries()) {
    const values = readValues(expression, connection, context);
    const separator = index === 0 ? '' : ' . ';
    const longer: Reading[] = [];
    for (const { key, oneIn } of readings) {
      for (const value of values) {
        longer.push({ key: key + separator + value, oneIn: oneIn * values.length });
      }
    }
    readings = longer;
  }
  return readings;
}

/** The usual case in one go: undefined when the key depends on chance or a field is missing. */
export function readCertainKey(
  expressions: readonly Expression[],
  connection: Connection,
  context: WalkContext,
): string | undefined {
  let key = '';
  for (const expression of expressions) {
    const value = readCertain(expression, connection, context);
    if (value === undefined) {
      return undefined;
    }
    key = key === '' ? `${value}` : `${key} . ${value}`;
  }
  return key;
}

/** The value that a rule puts into a map to endpoint addresses; undefined when the packet lacks a field. */
export function readEndpointAddress(
  expressions: readonly Expression[],
  connection: Connection,
  context: WalkContext,
): EndpointAddress | undefined {
  const [address, port] = expressions.map((expression) => readValues(expression, connection, context)[0]);
  return typeof address === 'string' && typeof port === 'number' ? { address, port } : undefined;
}

/** What an expression may read: one value, every number of a `numgen`, or nothing when the packet lacks the field. */
export function readValues(expression: Expression, connection: Connection, context: WalkContext): Scalar[] {
  if (expression.kind === 'numgen') {
    return Array.from({ length: expression.modulus }, (_, index) => index);
  }
  const value = readCertain(expression, connection, context);
  return value === undefined ? [] : [value];
}

/** The one value that an expression reads; undefined when it depends on chance or the packet lacks the field. */
export function readCertain(expression: Expression, connection: Connection, context: WalkContext): Scalar | undefined {
  switch (expression.kind) {
    case 'address':
      return expression.field === 'saddr' ? connection.source : connection.destination;
    case 'l4proto':
      return connection.protocol;
    case 'dport':
      // `tcp dport` also matches the protocol.
      return expression.protocol === 'th' || expression.protocol === connection.protocol ? connection.port : undefined;
    case 'iifname':
      return connection.inputInterface;
    case 'ct-state':
      // A packet that comes back over the loopback interface keeps its connection, which has had no reply yet.
      return 'new';
    case 'ct-status':
      return hasNewDestination(connection) ? 'dnat' : '';
    case 'fib-type':
      return isLocal(expression.field === 'saddr' ? connection.source : connection.destination, context) ? 'local' : '';
    case 'ct-original-daddr':
      return connection.originalDestination;
    case 'ct-original-dport':
      return connection.originalPort;
    case 'numgen':
      return undefined;
  }
}

// nft's default for a dynamic set without a size.
const defaultSize = 65_535;

/** A statement that changes a dynamic set, with the set and what was read from the packet. */
export interface MemoryChange {
  readonly statement: StatementOf<'update' | 'delete'>;
  readonly set: IndexedSet;
  readonly key: string;
  /** Present for a map. */
  readonly value?: EndpointAddress;
}

/** Whether rules can add another element to a set. */
export function hasRoom(set: IndexedSet, memory: Memory): boolean {
  return entriesOf(set, memory).size < (set.declaration.size ?? defaultSize);
}

/** The connection after an `update` or `delete` of one key; undefined when the set is full, which ends the rule. */
export function changeMemory(connection: Connection, change: MemoryChange): Connection | undefined {
  const { statement, set, key, value } = change;
  const entries = entriesOf(set, connection.memory);
  const known = entries.get(key);
  if (statement.kind === 'delete') {
    return known ? withEntry(connection, change, undefined) : connection;
  }
  if (!known && !hasRoom(set, connection.memory)) {
    return undefined;
  }
  // An update of an existing element only refreshes its timeout: a map keeps the old value.
  const timeoutSeconds = statement.timeoutSeconds ?? set.declaration.timeoutSeconds;
  return withEntry(connection, change, {
    ...(known ?? { key, ...(value && { value }) }),
    ...(timeoutSeconds !== undefined && { timeoutSeconds }),
  });
}

function withEntry(connection: Connection, { set, key }: MemoryChange, entry: MemoryEntry | undefined): Connection {
  const { name } = set.declaration;
  const entries = new Map<string, MemoryEntry>(entriesOf(set, connection.memory));
  if (entry) {
    entries.set(key, entry);
  } else {
    entries.delete(key);
  }
  const changed = copyConnection(connection);
  changed.memory = new Map(connection.memory).set(name, entries);
  changed.changes += `${name} ${key} ${entry ? entryText(entry) : 'deleted'};`;
  return changed;
}

/** What tells the entries of one key apart. */
function entryText({ value, timeoutSeconds }: MemoryEntry): string {
  return `${value && 'address' in value ? `${value.address} . ${value.port} ` : ''}${timeoutSeconds}`;
}
