import type { Mapping } from '../../lib/unknown-values.ts';
import { type Family, type Protocol, protocols } from '../../net/network.ts';
import { endpointMapName } from '../../phases/5-plan/names.ts';
import { protocolOf } from '../expressions.ts';
import type { Deviation, DynamicElement } from '../listed-table.ts';
import type { Expression, FilledSet, KeyType, SetDeclaration } from '../ruleset.ts';
import { fieldsOf, isCount, listOf, readAll, wordFor } from './json-values.ts';
import {
  describeProblems,
  type ElementProblems,
  readDynamicElement,
  readElement,
  readIndexedEndpointAddress,
} from './read-element.ts';
import { readExpressions } from './read-expression.ts';
import { collectLists, type IndexedAddress } from './read-nft-json.ts';

/** A set or map with its elements. */
interface ListedSet {
  /** Undefined when it holds what no set of ours does. */
  readonly set: FilledSet | undefined;
  /** Only where traffic writes the elements; the set itself has none then. */
  readonly dynamic: readonly DynamicElement[] | undefined;
  readonly deviations: readonly Deviation[];
}

/** Reads a set or map. Elements are in the order of the listing, endpoints by frontend. */
export function readSet(object: SetObject, family: Family): ListedSet {
  const { declaration, foreign } = readDeclaration(object, family);
  const { kind, name, body } = object;
  const place = `${kind} ${name}`;
  const deviations = foreign.map(
    (part): Deviation => ({ message: `${place}: unexpected ${part}`, needsRebuild: true }),
  );
  if (!declaration) {
    return { set: undefined, dynamic: undefined, deviations };
  }
  const listed: readonly unknown[] = Array.isArray(body['elem']) ? body['elem'] : [];
  const problems: ElementProblems = new Map();
  const dynamic = declaration.flags?.includes('dynamic')
    ? readEach(listed, (json) => readDynamicElement(json, declaration, problems))
    : undefined;
  const set = dynamic ? { ...declaration, elements: [] } : fillSet(listed, declaration, problems);
  return { set, dynamic, deviations: [...deviations, ...describeProblems(place, problems)] };
}

function fillSet(listed: readonly unknown[], declaration: SetDeclaration, problems: ElementProblems): FilledSet {
  const { key, value } = declaration;
  const read = (json: unknown) => readElement(json, declaration, problems);
  if (value !== 'endpoint' || key.at(-1) !== 'index') {
    return { ...declaration, elements: readEach(listed, read) };
  }
  const frontend = key.slice(0, -1);
  const endpointAddresses: IndexedAddress[] = [];
  const others = listed.filter((json) => {
    const endpointAddress = readIndexedEndpointAddress(json, frontend);
    if (endpointAddress) {
      endpointAddresses.push(endpointAddress);
    }
    return !endpointAddress;
  });
  const { lists, rest } = collectLists(endpointAddresses);
  const elements = [...readEach(others, read), ...rest];
  return lists.length > 0 ? { ...declaration, elements, lists } : { ...declaration, elements };
}

/** What is understood of each item. */
function readEach<T>(items: readonly unknown[], read: (item: unknown) => T | undefined): T[] {
  const results: T[] = [];
  for (const item of items) {
    const result = read(item);
    if (result !== undefined) {
      results.push(result);
    }
  }
  return results;
}

/** A set or map as nft prints it. */
interface SetObject {
  readonly kind: 'set' | 'map';
  readonly name: string;
  readonly body: Mapping;
}

/** A declaration as far as it is understood, and what is not. */
interface ListedDeclaration {
  /** Undefined when keys or values are of types that no set of ours has. */
  readonly declaration: SetDeclaration | undefined;
  /** What no set of ours has, `type ether_addr`, `auto-merge`. */
  readonly foreign: readonly string[];
}

/** Reads how a set or map is declared. One without a comment, which no set of ours is, has an empty one. */
function readDeclaration({ kind, name, body }: SetObject, family: Family): ListedDeclaration {
  const key = readKeyTypes(body['type'], family);
  const value = kind === 'map' ? readValueType(body['map'], family) : undefined;
  const foreign = [...foreignFlags(body), ...foreignFields.filter((field) => field in body)];
  if (!key || (kind === 'map' && !value)) {
    return { declaration: undefined, foreign: [describeTypes(kind, body), ...foreign] };
  }
  const { size, timeout, comment } = body;
  const protocol = key.protocol ?? (key.types.includes('index') ? endpointProtocols.get(name) : undefined);
  const flags = readFlags(body);
  return {
    declaration: {
      name,
      key: key.types,
      ...(protocol && { protocol }),
      ...(value && { value }),
      ...(flags.length > 0 && { flags }),
      ...(isCount(size) && { size }),
      ...(isCount(timeout) && { timeoutSeconds: timeout }),
      comment: typeof comment === 'string' ? comment : '',
    },
    foreign,
  };
}

/** What a set can have and none of ours has. Fields that nobody knows yet are left alone; the newest nft tells a `count`. */
const foreignFields = ['policy', 'gc-interval', 'auto-merge', 'stmt'];

/** nft 1.0.6 does not print in JSON which protocol's ports a key holds, so the compiler's own declarations must tell. */
const endpointProtocols: ReadonlyMap<string, Protocol> = new Map(
  protocols.flatMap((protocol) =>
    (['address', 'nodeport'] as const).flatMap((frontend) =>
      (['cluster', 'local'] as const).map((scope) => [endpointMapName({ protocol, frontend, scope }), protocol]),
    ),
  ),
);

/** In the compiler's order. nft 1.0.6 does not print `dynamic`, without which unexpected `timeout`. */
function readFlags(body: Mapping): NonNullable<SetDeclaration['flags']> {
  const listed = listOf(body['flags']);
  const isDynamic = listed.includes('dynamic') || listed.includes('timeout');
  return (['interval', 'dynamic', 'timeout'] as const).filter((flag) =>
    flag === 'dynamic' ? isDynamic : listed.includes(flag),
  );
}

function foreignFlags(body: Mapping): string[] {
  const known: readonly unknown[] = ['interval', 'dynamic', 'timeout'];
  return listOf(body['flags'])
    .filter((flag) => !known.includes(flag))
    .map((flag) => `flag ${wordFor(flag)}`);
}

function describeTypes(kind: SetObject['kind'], { type, map }: Mapping): string {
  const [key, value] = [type, map].map((json) =>
    listOf(json)
      .map((name) => (typeof name === 'string' ? name : 'typeof'))
      .join(' . '),
  );
  const keys = key === '' ? 'empty type' : `type ${key}`;
  if (value !== '') {
    return `${keys} : ${value}`;
  }
  return kind === 'map' ? `${keys} without a type of values` : keys;
}

/** The types of a key, and the protocol of the ports in it, where the listing says so. */
interface KeyTypes {
  readonly types: readonly KeyType[];
  readonly protocol: Protocol | undefined;
}

/** The parts of a key, given as names of types or, by newer versions of nft, as expressions; undefined for others. */
function readKeyTypes(json: unknown, family: Family): KeyTypes | undefined {
  const example = fieldsOf(json, ['typeof'])?.['typeof'];
  if (example === undefined) {
    const types = readAll(listOf(json), (name) => typeOfName(name, family));
    return types && types.length > 0 ? { types, protocol: undefined } : undefined;
  }
  const expressions = readExpressions(example, family);
  const types = expressions && readAll(expressions, typeOfExpression);
  const protocol = expressions?.map(protocolOf).find((found) => found !== undefined);
  return types && { types, protocol };
}

/** What a map leads to; undefined for what no map of ours does. nft 1.0.6 prints `ipv4_addr . inet_service` as one text. */
function readValueType(json: unknown, family: Family): SetDeclaration['value'] {
  if (json === 'verdict') {
    return 'verdict';
  }
  const types = readKeyTypes(typeof json === 'string' ? json.split(' . ') : json, family)?.types;
  return types?.join() === 'address,port' ? 'endpoint' : undefined;
}

function typeOfName(name: unknown, family: Family): KeyType | undefined {
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

/** `1d2h3m4s500ms`, as nft prints times, in seconds, which need not be whole; undefined for a text that is none. */
export function readDuration(text: string): number | undefined {
  const match = /^(?=.)(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?(?:([0-9]+)ms)?$/.exec(text);
  const [days = 0, hours = 0, minutes = 0, seconds = 0, milliseconds = 0] =
    match?.slice(1).map((part) => Number(part ?? 0)) ?? [];
  return match ? ((days * 24 + hours) * 60 + minutes) * 60 + seconds + milliseconds / 1000 : undefined;
}
