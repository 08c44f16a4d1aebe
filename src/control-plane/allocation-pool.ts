import { addressNumber, addressOfNumber, type Cidr, cidrContains } from '../net/address.ts';

/**
 * Values of a range, such as addresses, and who has them. A value that is derived from a name stays the same when others
 * are taken or not, unless they collide: then it is the next one that is free.
 */
export interface Pool {
  /** How the range is written, in messages. */
  readonly range: string;
  readonly contains: (value: string) => boolean;
  /** How many values there are that can be given, at most 2^24. */
  readonly count: number;
  /** How many of the first values are derived only if no other is free, as the API server does. */
  readonly reserved: number;
  readonly valueAt: (index: number) => string;
  readonly owners: Map<string, string>;
}

/** Takes a given value; returns who has it already, undefined if it was free. */
export function takeValue({ owners }: Pool, value: string, owner: string): string | undefined {
  const other = owners.get(value);
  if (other === undefined) {
    owners.set(value, owner);
  }
  return other;
}

/** Takes a value that follows from a name; undefined if none is free. */
export function deriveValue(pool: Pool, name: string, owner: string): string | undefined {
  const { count, reserved } = pool;
  return (
    takeFrom(pool, { first: reserved, count: count - reserved, name, owner }) ??
    takeFrom(pool, { first: 0, count: reserved, name, owner })
  );
}

interface Search {
  readonly first: number;
  readonly count: number;
  readonly name: string;
  readonly owner: string;
}

function takeFrom({ valueAt, owners, count: all }: Pool, { first, count, name, owner }: Search): string | undefined {
  if (owners.size >= all) {
    return undefined;
  }
  const start = count > 0 ? hashText(name) % count : 0;
  for (let step = 0; step < count; step += 1) {
    const value = valueAt(first + ((start + step) % count));
    if (!owners.has(value)) {
      owners.set(value, owner);
      return value;
    }
  }
  return undefined;
}

/** 32 bits that differ for similar texts: FNV-1a, and the last steps of MurmurHash3. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

const most = 2 ** 24;

/** The addresses of a range without its first one and, in IPv4, its last one, which are not those of hosts. */
export function addressPool(cidr: Cidr, reservedOf: (count: number) => number): Pool {
  const bits = (cidr.family === 'ip' ? 32 : 128) - cidr.prefix;
  const others = cidr.family === 'ip' ? 2 : 1;
  const count = Math.max(0, Math.min(2 ** bits - others, most));
  const base = addressNumber(cidr.address) + 1n;
  const last = base + BigInt(2 ** bits) - BigInt(others) - 1n;
  const isIn = (number: bigint): boolean => number >= base && number <= last;
  return {
    range: `${cidr.address}/${cidr.prefix}`,
    contains: (value) => cidrContains(cidr, value) && isIn(addressNumber(value)),
    count,
    reserved: reservedOf(count),
    valueAt: (index) => addressOfNumber(cidr.family, base + BigInt(index)),
    owners: new Map(),
  };
}

/** How many cluster IPs an API server reserves for those that are given (calculateRangeOffset of the IP allocator). */
export function reservedAddresses(count: number): number {
  return count < 16 ? 0 : Math.min(Math.max(16, Math.floor(count / 16)), 256);
}

/** The node ports from `first` to `last`; of the first ones some are reserved, as with addresses (nodePort allocator). */
export function portPool(first: number, last: number): Pool {
  const count = last - first + 1;
  return {
    range: `${first}-${last}`,
    contains: (value) => Number(value) >= first && Number(value) <= last,
    count,
    reserved: count < 32 ? 0 : Math.min(Math.max(16, Math.floor(count / 32)), 128),
    valueAt: (index) => String(first + index),
    owners: new Map(),
  };
}
