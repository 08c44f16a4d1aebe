import { compareText } from '../lib/text.ts';
import { cidrText, parseAddress, parseCidr } from '../net/address.ts';
import { type Family, protocols } from '../net/network.ts';
import type {
  Element,
  EndpointList,
  FilledSet,
  IptablesStatement,
  KeyType,
  Rule,
  Ruleset,
  Scalar,
  SetDeclaration,
  Statement,
} from './ruleset.ts';

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

/** Whether a statement is one that only rules of iptables have. */
export function isOfIptables(statement: Statement): statement is IptablesStatement {
  return iptablesKinds.has(statement.kind);
}

const iptablesKinds: ReadonlySet<Statement['kind']> = new Set<IptablesStatement['kind']>([
  'accept',
  'never',
  'match-random',
  'match-ports',
  'match-masked',
  'write-mark',
  'copy-mark',
  'match-translated',
  'match-oifname',
  'translate',
  'redirect',
  'snat',
  'uncertain',
]);

/** A text that is equal for equal rules. */
export function ruleKey(rule: Rule): string {
  const sortFields = (_name: string, value: unknown): unknown =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => compareText(a, b)))
      : value;
  return JSON.stringify(rule, sortFields);
}

/** Every element of a set, including those of its endpoint lists, in the order in which they are printed. */
export function elementsOf({ elements, lists = [] }: FilledSet): Element[] {
  return [...elements, ...lists.flatMap((list) => elementsOfList(list))];
}

/** The elements of an endpoint list, from an index on. */
export function elementsOfList({ key, endpointAddresses }: EndpointList, from = 0): Element[] {
  return endpointAddresses.slice(from).map((value, index) => ({ key: `${key} . ${from + index}`, value }));
}

/** An element of an endpoint list. */
interface ListedElement {
  readonly element: Element;
  readonly list: EndpointList;
  readonly index: number;
}

/**
 * The element of an endpoint list that has a key, `10.96.0.1 . 80 . 2`; undefined if there is none. It is created for each
 * call: a ruleset may have a million of them.
 *
 * @param lists by their keys, `10.96.0.1 . 80`.
 */
export function findListed(lists: ReadonlyMap<string, EndpointList>, key: string): ListedElement | undefined {
  if (lists.size === 0) {
    return undefined;
  }
  const [frontend, end] = splitKeyEnd(key);
  const list = lists.get(frontend);
  const index = Number(end);
  const value = list?.endpointAddresses[index];
  return list && value && { element: { key, value }, list, index };
}

/** The elements of the set or map of that name, without those of endpoint lists; none if there is no such set. */
export function elementsIn({ sets }: Pick<Ruleset, 'sets'>, name: string): readonly Element[] {
  return sets.find((set) => set.name === name)?.elements ?? [];
}

/** `map` for a declaration whose elements have values. */
export function kindOfSet({ value }: Pick<SetDeclaration, 'value'>): 'set' | 'map' {
  return value === undefined ? 'set' : 'map';
}

/** Whether rules write to a set or map, which then holds clients. */
export function isDynamic(set: Pick<SetDeclaration, 'flags'> | undefined): boolean {
  return set?.flags?.includes('dynamic') ?? false;
}

/** Whether it is a map from frontend and index to endpoint; only these have an index in their keys. */
export function isEndpointMap(set: Pick<SetDeclaration, 'key'> | undefined): boolean {
  return set?.key.includes('index') ?? false;
}

/** The parts of a key or value in nft's text, `10.96.0.1 . tcp . 80`. */
export function splitKey(text: string): string[] {
  return text.split(' . ');
}

/** A key without its last part, and that part: `10.96.0.1 . tcp . 80` gives `10.96.0.1 . tcp` and `80`. */
export function splitKeyEnd(key: string): [rest: string, end: string] {
  const at = key.lastIndexOf(' . ');
  return at < 0 ? ['', key] : [key.slice(0, at), key.slice(at + 3)];
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
