import { cidrText, parseCidr } from '../address.ts';
import type { Element } from '../phases/5-plan/ruleset.ts';
import type { Memory } from './fate.ts';
import type { IndexedSet, Pattern } from './indexed-ruleset.ts';
import { joinKey, splitKey } from './key-text.ts';

/**
 * The element that a key finds: the one with the very key, or one whose ranges contain it. nft keeps ranges from
 * overlapping, so at most one does.
 */
export function findElement(set: IndexedSet, key: string, memory: Memory): Element | undefined {
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

/** What a set holds by now: rules change dynamic sets alone, so a memory of any other is that of another ruleset. */
export function entriesOf(
  { declaration, isDynamic, entries }: IndexedSet,
  memory: Memory,
): ReadonlyMap<string, Element> {
  return (isDynamic ? memory.get(declaration.name) : undefined) ?? entries;
}

/** The key with each part replaced by the range of the pattern's length that contains it. */
function widen(key: string, pattern: Pattern): string {
  const parts = splitKey(key).map((part, index) => {
    const prefix = pattern[index];
    return prefix === undefined ? part : rangeAround(part, prefix);
  });
  return joinKey(parts);
}

/** The range of a prefix length, as nft prints it, that contains an address. */
function rangeAround(address: string, prefix: number): string {
  if (!address.includes(':') && prefix > 0 && prefix < 32) {
    // Most of all: not worth a parser.
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
