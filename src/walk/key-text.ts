import { cidrText, parseAddress, parseCidr } from '../address.ts';
import type { Family } from '../network.ts';
import type { KeyType, Scalar } from '../phases/5-plan/ruleset.ts';
import { protocols } from '../protocols.ts';

/** The parts of a key or value that is written as nft writes it, `10.96.0.1 . tcp . 80`. */
export function splitKey(text: string): string[] {
  return text.split(' . ');
}

/** The opposite of {@link splitKey}: equal keys are equal texts. */
export function joinKey(parts: readonly Scalar[]): string {
  return parts.join(' . ');
}

/** Whether a text is a value of the type in its canonical form; an address may be a range, `10.0.0.0/8`. */
export function isCanonical(part: string, type: KeyType, family: Family): boolean {
  switch (type) {
    case 'address':
      return isCanonicalRange(part, family);
    case 'protocol':
      return protocols.some((protocol) => protocol === part);
    case 'port':
      return isWithin(Number(part), 0xffff) && part === String(Number(part));
    case 'index':
      return isWithin(Number(part), 0xffffffff) && part === String(Number(part));
  }
}

/** Whether it is a whole number from 0 to the limit. */
export function isWithin(value: Scalar, limit: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= limit;
}

function isCanonicalRange(text: string, family: Family): boolean {
  if (!text.includes('/')) {
    const address = parseAddress(text);
    return address?.family === family && address.text === text;
  }
  const cidr = parseCidr(text);
  return cidr?.family === family && cidrText(cidr) === text;
}
