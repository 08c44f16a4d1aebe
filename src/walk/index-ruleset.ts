import { pushTo } from '../lib/lists.ts';
import type { Family } from '../net/network.ts';
import type {
  Chain,
  Element,
  EndpointList,
  FilledSet,
  Hook,
  KeyType,
  Rule,
  Ruleset,
  Scalar,
  StatementOf,
} from '../nft/ruleset.ts';
import { elementsOf, elementsOfList, findListed, isCanonical, isWithin, splitKey } from '../nft/ruleset-parts.ts';
import { checkChains, checkStatement, refuseUnless, UnknownRule } from './check-ruleset.ts';
import type { HookedChain, IndexedRuleset, IndexedSet, NextRule, Pattern } from './lookup-tables.ts';

/**
 * The ruleset with lookup tables, for any number of walks. Takes time in proportion to the number of elements.
 *
 * @throws UnknownRule for anything that the walker does not understand or that nft would refuse: unknown kinds, dangling
 * names, keys that do not fit, loops, translation in the wrong hook.
 */
export function indexRuleset(ruleset: Ruleset): IndexedRuleset {
  const { family } = ruleset;
  const sets = new Map<string, IndexedSet>();
  for (const set of ruleset.sets) {
    refuseDuplicate(sets, set.name, { set: set.name });
    sets.set(set.name, indexSet(set, family));
  }
  const chains = new Map<string, Chain>();
  for (const chain of ruleset.chains) {
    refuseDuplicate(chains, chain.name, { chain: chain.name });
    chains.set(chain.name, chain);
  }
  const names = { family, sets, chains };
  for (const chain of ruleset.chains) {
    for (const [rule, statements] of chain.rules.entries()) {
      for (const statement of statements) {
        checkStatement(statement, names, { chain: chain.name, rule });
      }
    }
  }
  checkChains(names);
  const { language } = ruleset;
  return {
    ...names,
    ...(language && { language }),
    hooks: sortBaseChains(ruleset.chains),
    nextRules: indexLongChains(ruleset.chains),
  };
}

/** How many rules a chain has for which looking them up is faster than trying each. */
const longChain = 16;

/** Rules of iptables are tried one after the other, and a cluster may have thousands of Services in one chain. */
function indexLongChains(chains: readonly Chain[]): IndexedRuleset['nextRules'] {
  const found = new Map<Chain, NextRule>();
  for (const chain of chains) {
    const next = chain.rules.length < longChain ? undefined : indexRules(chain.rules);
    if (next) {
      found.set(chain, next);
    }
  }
  return found;
}

/** Undefined where most rules are for more than one address and port. */
function indexRules(rules: readonly Rule[]): NextRule | undefined {
  const byDestination = new Map<string | number, number[]>();
  const others: number[] = [];
  for (const [index, rule] of rules.entries()) {
    const key = destinationOf(rule);
    if (key === undefined) {
      others.push(index);
    } else {
      pushTo(byDestination, key, index);
    }
  }
  if (others.length > rules.length / 2) {
    return undefined;
  }
  return (from, { destination, port }) =>
    Math.min(
      firstFrom(byDestination.get(destination) ?? none, from),
      firstFrom(byDestination.get(port) ?? none, from),
      firstFrom(others, from),
      rules.length,
    );
}

const none: readonly number[] = [];

/** The first of these numbers, in order, that is not smaller; infinity if there is none. */
function firstFrom(sorted: readonly number[], from: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) < from) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return sorted[low] ?? Number.POSITIVE_INFINITY;
}

/** The one address, or the one port, to which a packet must go so that the rule does anything. */
function destinationOf(rule: Rule): string | number | undefined {
  const end = rule.findIndex(({ kind }) => kind !== 'match' && kind !== 'comment');
  const values = (end < 0 ? rule : rule.slice(0, end)).flatMap((one) =>
    one.kind === 'match' ? destinationIn(one) : [],
  );
  return values.find((value) => typeof value === 'string') ?? values[0];
}

function destinationIn({ left, right, negated = false }: StatementOf<'match'>): Scalar[] {
  const isAddress = left.kind === 'address' && left.field === 'daddr' && !String(right).includes('/');
  const isPort = left.kind === 'dport' && left.protocol === 'th';
  return !negated && (isAddress || isPort) ? [right] : [];
}

/**
 * The priority at which the kernel calls a chain. It calls NAT chains at the priority of its own NAT, whatever they declare;
 * their priorities only order them among themselves.
 */
function callingPriority({ hook: { type, hook, priority } }: HookedChain): number {
  if (type === 'filter') {
    return priority;
  }
  return hook === 'prerouting' || hook === 'output' ? -100 : 100;
}

function sortBaseChains(chains: readonly Chain[]): IndexedRuleset['hooks'] {
  const sorted = chains
    .filter((chain): chain is HookedChain => chain.hook !== undefined)
    .sort((a, b) => callingPriority(a) - callingPriority(b) || a.hook.priority - b.hook.priority);
  const of = (hook: Hook['hook']): HookedChain[] => {
    const called = sorted.filter((chain) => chain.hook.hook === hook);
    const undecided = called.find((chain, index) => haveSamePlace(chain, called[index + 1]));
    if (undecided) {
      throw new UnknownRule({ chain: undecided.name }, `another chain has the same priority in the ${hook} hook`);
    }
    return called;
  };
  return {
    prerouting: of('prerouting'),
    input: of('input'),
    forward: of('forward'),
    output: of('output'),
    postrouting: of('postrouting'),
  };
}

function haveSamePlace(chain: HookedChain, next: HookedChain | undefined): boolean {
  if (!next || callingPriority(chain) !== callingPriority(next)) {
    return false;
  }
  return chain.hook.type !== next.hook.type || chain.hook.priority === next.hook.priority;
}

function refuseDuplicate(
  known: ReadonlyMap<string, unknown>,
  name: string,
  place: { set: string } | { chain: string },
): void {
  if (known.has(name)) {
    throw new UnknownRule(place, 'declared twice');
  }
}

const keyTypes: readonly string[] = ['address', 'protocol', 'port', 'index'] satisfies KeyType[];
const valueTypes: readonly unknown[] = [undefined, 'verdict', 'endpoint'] satisfies FilledSet['value'][];
const setFlags: readonly string[] = ['interval', 'dynamic', 'timeout'] satisfies FilledSet['flags'];

/** @throws UnknownRule for elements that do not fit the declaration or contradict each other. */
function indexSet(set: FilledSet, family: Family): IndexedSet {
  checkDeclaration(set);
  const entries = new Map<string, Element>();
  const patterns = new Map<string, Pattern>();
  const targets = new Set<string>();
  const context = { set, family, seen: new Set<string>() };
  const isDynamic = set.flags?.includes('dynamic') === true;
  const { lists, others } = isDynamic ? { lists: noLists, others: set.lists } : indexLists(context);
  for (const element of elementsOf({ ...set, ...(others && { lists: others }) })) {
    checkElement(element, context);
    const { key, value } = element;
    const known = findListed(lists, key)?.element ?? entries.get(key);
    if (known) {
      refuseUnless(JSON.stringify(known.value) === JSON.stringify(value), { set: set.name }, `two values for ${key}`);
      continue;
    }
    entries.set(key, element);
    if (key.includes('/')) {
      const pattern = patternOf(key);
      patterns.set(pattern.join(), pattern);
    }
    if (value && 'kind' in value && value.kind === 'goto') {
      targets.add(value.chain);
    }
  }
  const firstParts = isDynamic ? undefined : firstPartsOf(set, entries.keys());
  return { declaration: set, isDynamic, entries, lists, patterns: [...patterns.values()], firstParts, targets };
}

const noLists: IndexedSet['lists'] = new Map();

/** The lists that can be found by their keys, and those whose elements need to be found one by one. */
function indexLists(context: SetContext): { lists: IndexedSet['lists']; others: readonly EndpointList[] } {
  const { key: types, lists: all = [] } = context.set;
  const lists = new Map<string, EndpointList>();
  const others: EndpointList[] = [];
  for (const list of all) {
    if (types.at(-1) !== 'index' || list.key.includes('/') || lists.has(list.key)) {
      others.push(list);
    } else {
      checkList(list, context);
      lists.set(list.key, list);
    }
  }
  return { lists, others };
}

/** Undefined if one of them is a range, and for endpoint maps, in which chance is part of each key. */
function firstPartsOf({ value }: FilledSet, keys: Iterable<string>): ReadonlySet<string> | undefined {
  if (value === 'endpoint') {
    return undefined;
  }
  const firstParts = new Set<string>();
  for (const key of keys) {
    const [first = ''] = key.split(' ', 1);
    if (first.includes('/')) {
      return undefined;
    }
    firstParts.add(first);
  }
  return firstParts;
}

function checkDeclaration({ name, key, value, flags = [] }: FilledSet): void {
  const unknownType =
    key.find((type) => !keyTypes.includes(type)) ?? [value].find((type) => !valueTypes.includes(type));
  const unknownFlag = flags.find((flag) => !setFlags.includes(flag));
  if (unknownType !== undefined || unknownFlag !== undefined || key.length === 0) {
    throw new UnknownRule({ set: name }, `unknown ${unknownType ?? unknownFlag ?? 'key'}`);
  }
}

interface SetContext {
  readonly set: FilledSet;
  readonly family: Family;
  /** Addresses already found canonical: one frontend occurs in many elements. */
  readonly seen: Set<string>;
}

/** Checks one element of a list, if possible one with a wrong value: the keys differ only in their indexes. */
function checkList(list: EndpointList, context: SetContext): void {
  const wrong = list.endpointAddresses.findIndex((value) => !isValue(value, context));
  const [element] = elementsOfList(list, Math.max(0, wrong));
  if (element) {
    checkElement(element, context);
  }
}

function checkElement({ key, value }: Element, context: SetContext): void {
  const { name, key: types, flags } = context.set;
  if (!fits(key, types, context)) {
    throw new UnknownRule({ set: name }, `the key ${key} is not of type ${types.join(' . ')}`);
  }
  if (key.includes('/') && !flags?.includes('interval')) {
    throw new UnknownRule({ set: name }, `the range ${key} needs the flag "interval"`);
  }
  if (!isValue(value, context)) {
    throw new UnknownRule({ set: name }, `the value of ${key} does not fit the declaration`);
  }
}

function isValue(value: Element['value'], context: SetContext): boolean {
  const declared = context.set.value;
  if (declared === undefined || value === undefined) {
    return declared === undefined && value === undefined;
  }
  if ('kind' in value) {
    return declared === 'verdict' && (value.kind === 'drop' || value.kind === 'goto');
  }
  const { address, port } = value;
  return declared === 'endpoint' && !address.includes('/') && isAddress(address, context) && isWithin(port, 0xffff);
}

function fits(text: string, types: readonly KeyType[], context: SetContext): boolean {
  const parts = splitKey(text);
  return (
    parts.length === types.length &&
    types.every((type, index) => {
      const part = parts[index] ?? '';
      return type === 'address' ? isAddress(part, context) : isCanonical(part, type, context.family);
    })
  );
}

function isAddress(text: string, { family, seen }: SetContext): boolean {
  // IPv4 is checked faster than it is remembered.
  if (family === 'ip') {
    return isCanonical(text, 'address', family);
  }
  return seen.has(text) || (isCanonical(text, 'address', family) && seen.add(text).has(text));
}

function patternOf(key: string): Pattern {
  return splitKey(key).map((part) => {
    const prefix = part.split('/')[1];
    return prefix === undefined ? undefined : Number(prefix);
  });
}
