import { cidrText, parseAddress, parseCidr } from '../net/address.ts';
import { type Family, protocols } from '../net/network.ts';
import type { Element, FilledSet, KeyType, Rule, Scalar, Statement } from './ruleset.ts';

/** The names of the sets and maps that a rule uses. */
export function setsOf(rule: Rule): string[] {
  return rule.flatMap((statement) => {
    switch (statement.kind) {
      case 'match-set':
      case 'update':
      case 'delete':
        return [statement.set];
      case 'vmap':
      case 'dnat-map':
        return [statement.map];
      default:
        return [];
    }
  });
}

/** The names of the chains to which a statement itself sends packets; those of a verdict map are in its elements. */
export function targetsOf(statement: Statement): readonly string[] {
  switch (statement.kind) {
    case 'jump':
    case 'goto':
      return [statement.chain];
    case 'random-goto':
      return statement.chains;
    default:
      return [];
  }
}

/** Every element of a set, including those of its endpoint lists, in the order in which they are printed. */
export function elementsOf({ elements, lists = [] }: FilledSet): Element[] {
  return [
    ...elements,
    ...lists.flatMap(({ key, endpointAddresses }) =>
      endpointAddresses.map((value, index): Element => ({ key: `${key} . ${index}`, value })),
    ),
  ];
}

/** The parts of a key or value in nft's text, `10.96.0.1 . tcp . 80`. */
export function splitKey(text: string): string[] {
  return text.split(' . ');
}

/** The opposite of {@link splitKey}: equal keys are equal texts. */
export function joinKey(parts: readonly Scalar[]): string {
  return parts.join(' . ');
}

/** Whether a text is the canonical form of a value of the type; an address may be a range, `10.0.0.0/8`. */
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
