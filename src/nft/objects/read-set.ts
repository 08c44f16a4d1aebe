import { isDeepStrictEqual } from 'node:util';
import { appendAll } from '../../lib/lists.ts';
import type { Family, Protocol } from '../../net/network.ts';
import { protocolOf } from '../expressions.ts';
import type { Deviation, DynamicElement, KnownNames } from '../listed-table.ts';
import type { Element, Expression, FilledSet, KeyType, SetDeclaration } from '../ruleset.ts';
import type { NftElement, NftSet, NftTypes } from './nft-json.ts';
import {
  collectLists,
  describeProblems,
  type ElementProblems,
  hasCounter,
  readDynamicElement,
  readElement,
  readIndexedAddress,
} from './read-element.ts';
import { isCount, readAll, readExpressions } from './read-expression.ts';

/** A set or map with its elements, and how it deviates. */
interface ReadSet {
  /** Undefined when keys or values are of types that svc2nft never uses. */
  readonly set: FilledSet | undefined;
  /** Only where traffic writes the elements; the set itself has none then. */
  readonly dynamic: readonly DynamicElement[] | undefined;
  readonly deviations: readonly Deviation[];
}

/** A set or map whose name commands can use. */
type NamedSet = NftSet & { readonly name: string };

/** Reads a set or map. Elements are in the order of the listing, endpoints by frontend. */
export function readSet(listed: NamedSet, family: Family, knownNames: KnownNames): ReadSet {
  const reader = createElementsReader(readDeclaration(listed, family, knownNames).declaration);
  reader.add(listed.elem);
  return reader.end(listed, family, knownNames);
}

/** Reads a set or map whose elements come in parts, and keeps only what they mean. */
export interface SetReader {
  add(elements: readonly NftElement[]): void;
  /** @param listed the set as it turned out, but without the elements. */
  end(listed: NamedSet): ReadSet;
}

/** @param head the set as far as it is known before its elements. */
export function createSetReader(head: NamedSet, family: Family, knownNames: KnownNames): SetReader {
  const { declaration } = readDeclaration(head, family, knownNames);
  let reader: ElementsReader | undefined;
  /** Elements with counters, before it is known whether all have one. */
  const first: NftElement[] = [];
  const start = (counter: SetDeclaration['counter']): ElementsReader => {
    const started = createElementsReader(declaration && counter ? { ...declaration, counter } : declaration);
    started.add(first.splice(0));
    return started;
  };
  return {
    add: (elements) => {
      if (!reader) {
        appendAll(first, elements);
        const isEach = elements.every(hasCounter);
        reader = isEach && first.length < enoughCounters ? undefined : start(isEach || undefined);
        return;
      }
      reader.add(elements);
    },
    end: (listed) => {
      const whole = readDeclaration(listed, family, knownNames).declaration;
      return (reader ?? start(whole?.counter)).end(listed, family, knownNames);
    },
  };
}

/** How many elements with counters say that the set is declared so: nft 1.0.6 prints that after the elements, when all have one. */
const enoughCounters = 1_000;

interface ElementsReader {
  add(elements: readonly NftElement[]): void;
  end(listed: NamedSet, family: Family, knownNames: KnownNames): ReadSet;
}

/** @param declaration what is known of the set before its elements; undefined for types that svc2nft never uses. */
function createElementsReader(declaration: SetDeclaration | undefined): ElementsReader {
  const problems: ElementProblems = new Map();
  const dynamic: DynamicElement[] | undefined = declaration?.flags?.includes('dynamic') ? [] : undefined;
  const filler = declaration && !dynamic ? createFiller(declaration, problems) : undefined;
  return {
    add: (elements) => {
      if (declaration && dynamic) {
        appendAll(
          dynamic,
          readEach(elements, (element) => readDynamicElement(element, declaration, problems)),
        );
      }
      filler?.add(elements);
    },
    end: (listed, family, knownNames) => {
      const { declaration: whole, unexpected } = readDeclaration(listed, family, knownNames);
      const place = `${listed.kind} ${listed.name}`;
      // nft prints everything else that a declaration depends on before the elements.
      const late = isDeepStrictEqual(declaration, whole) ? [] : ['types or counters after the elements'];
      const deviations = [...unexpected, ...late].map(
        (part): Deviation => ({ message: `${place}: unexpected ${part}`, needsRebuild: true }),
      );
      return {
        set: declaration && { ...declaration, ...(filler?.end() ?? { elements: [] }) },
        dynamic,
        deviations: [...deviations, ...describeProblems(place, problems)],
      };
    },
  };
}

/** The elements of a set that only svc2nft fills, and of an endpoint map the lists that they form. */
interface Filler {
  add(elements: readonly NftElement[]): void;
  end(): Pick<FilledSet, 'elements' | 'lists'>;
}

function createFiller(declaration: SetDeclaration, problems: ElementProblems): Filler {
  const { key, value, counter } = declaration;
  const elements: Element[] = [];
  const isIndexed = value === 'endpoint' && key.at(-1) === 'index';
  const frontend = key.slice(0, -1);
  const collector = collectLists();
  return {
    add: (listed) => {
      for (const element of listed) {
        const indexed = isIndexed ? readIndexedAddress(element, frontend, counter) : undefined;
        const other = indexed ? undefined : readElement(element, declaration, problems);
        if (indexed) {
          collector.add(indexed);
        } else if (other) {
          elements.push(other);
        }
      }
    },
    end: () => {
      const { lists, rest } = collector.end();
      appendAll(elements, rest);
      return lists.length > 0 ? { elements, lists } : { elements };
    },
  };
}

/** What is understood of each item. */
function readEach<I, T>(items: readonly I[], read: (item: I) => T | undefined): T[] {
  const results: T[] = [];
  for (const item of items) {
    const result = read(item);
    if (result !== undefined) {
      results.push(result);
    }
  }
  return results;
}

/** A declaration as far as it is understood, and what svc2nft never declares. */
interface ReadDeclaration {
  /** Undefined when keys or values are of types that svc2nft never uses. */
  readonly declaration: SetDeclaration | undefined;
  /** `type ether_addr`, `auto-merge` */
  readonly unexpected: readonly string[];
}

/** Reads how a set or map is declared. One without a comment, which svc2nft never leaves out, has an empty one. */
export function readDeclaration(listed: NamedSet, family: Family, { mapProtocols }: KnownNames): ReadDeclaration {
  const { kind, name, size, timeout, comment = '' } = listed;
  const key = readKeyTypes(listed.type, family);
  const value = kind === 'map' && listed.map ? readValueType(listed.map, family) : undefined;
  const counted = isCounted(listed);
  const unexpected = [
    ...unexpectedFlags(listed),
    ...unexpectedFields.filter((field) => field in listed),
    ...('stmt' in listed && !counted ? ['stmt'] : []),
  ];
  if (!key || (kind === 'map' && !value)) {
    return { declaration: undefined, unexpected: [describeTypes(listed), ...unexpected] };
  }
  const protocol = key.protocol ?? (key.types.includes('index') ? mapProtocols.get(name) : undefined);
  const flags = readFlags(listed);
  return {
    declaration: {
      name,
      key: key.types,
      ...(protocol && { protocol }),
      ...(value && { value }),
      ...(flags.length > 0 && { flags }),
      ...(isCount(size) && { size }),
      ...(isCount(timeout) && { timeoutSeconds: timeout }),
      ...(counted && { counter: true }),
      comment,
    },
    unexpected,
  };
}

/** What svc2nft never declares. Any other field is ignored: the newest nft prints a `count`. */
const unexpectedFields = ['policy', 'gc-interval', 'auto-merge'];

/** Whether each element of a map has a counter, `"stmt": [{"counter": null}]`; sets of svc2nft have none. */
function isCounted({ kind, stmt }: NftSet): boolean {
  return kind === 'map' && isDeepStrictEqual(stmt, [{ counter: null }]);
}

/** In the compiler's order. nft 1.0.6 does not print `dynamic`, without which svc2nft never sets `timeout`. */
function readFlags({ flags }: NftSet): NonNullable<SetDeclaration['flags']> {
  const isDynamic = flags.includes('dynamic') || flags.includes('timeout');
  return knownFlags.filter((flag) => (flag === 'dynamic' ? isDynamic : flags.includes(flag)));
}

function unexpectedFlags({ flags }: NftSet): string[] {
  const known: readonly string[] = knownFlags;
  return flags.filter((flag) => !known.includes(flag)).map((flag) => `flag ${flag}`);
}

const knownFlags = ['interval', 'dynamic', 'timeout'] as const;

function describeTypes({ kind, type, map = [] }: NftSet): string {
  const [key, value] = [type, map].map((types) => ('typeof' in types ? 'typeof' : types.join(' . ')));
  const keys = key === '' ? 'empty type' : `type ${key}`;
  if (value !== '') {
    return `${keys} : ${value}`;
  }
  return kind === 'map' ? `${keys} without a value type` : keys;
}

/** The types of a key, and the protocol of the ports in it where nft prints it. */
interface KeyTypes {
  readonly types: readonly KeyType[];
  readonly protocol: Protocol | undefined;
}

/** The types of a key; undefined when svc2nft never uses one of them. */
function readKeyTypes(listed: NftTypes, family: Family): KeyTypes | undefined {
  if (!('typeof' in listed)) {
    const types = readAll(listed, (name) => typeOfName(name, family));
    return types && types.length > 0 ? { types, protocol: undefined } : undefined;
  }
  const expressions = readExpressions(listed.typeof, family);
  const types = expressions && readAll(expressions, typeOfExpression);
  const protocol = expressions?.map(protocolOf).find((found) => found !== undefined);
  return types && { types, protocol };
}

/** What a map leads to; undefined when no map of svc2nft does. */
function readValueType(listed: NftTypes, family: Family): SetDeclaration['value'] {
  if (!('typeof' in listed) && listed.join() === 'verdict') {
    return 'verdict';
  }
  return readKeyTypes(listed, family)?.types.join() === 'address,port' ? 'endpoint' : undefined;
}

function typeOfName(name: string, family: Family): KeyType | undefined {
  switch (name) {
    case 'ipv4_addr':
      return family === 'ip' ? 'address' : undefined;
    case 'ipv6_addr':
      return family === 'ip6' ? 'address' : undefined;
    case 'inet_proto':
      return 'protocol';
    case 'inet_service':
      return 'port';
    case 'integer':
      return 'index';
    default:
      return undefined;
  }
}

function typeOfExpression({ kind }: Expression): KeyType | undefined {
  switch (kind) {
    case 'address':
    case 'ct-original-daddr':
      return 'address';
    case 'l4proto':
      return 'protocol';
    case 'dport':
    case 'ct-original-dport':
      return 'port';
    case 'numgen':
      return 'index';
    default:
      return undefined;
  }
}
