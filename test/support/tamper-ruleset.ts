import fc from 'fast-check';
import { parseCidr } from '../../src/net/address.ts';
import type {
  Chain,
  Element,
  EndpointList,
  Expression,
  FilledSet,
  Hook,
  Rule,
  Ruleset,
  Statement,
} from '../../src/nft/ruleset.ts';

/** One change that somebody made to a table by hand. The numbers say where, modulo how many places there are. */
export interface Tamper {
  readonly operator: string;
  readonly places: readonly [number, number, number];
}

/** The ruleset after a change; the same object if there is no such place in it. */
export function tamperWith(ruleset: Ruleset, { operator, places }: Tamper): Ruleset {
  return operators[operator]?.(ruleset, ...places) ?? ruleset;
}

type Operator = (ruleset: Ruleset, a: number, b: number, c: number) => Ruleset;

/** What rules may ask for. */
function conditions({ family }: Ruleset, seed: number): Statement {
  const is = (left: Expression, right: string | number, negated?: boolean): Statement => ({
    kind: 'match',
    left,
    right,
    ...(negated && { negated }),
  });
  const source: Expression = { kind: 'address', field: 'saddr' };
  const destination: Expression = { kind: 'address', field: 'daddr' };
  const [pod, pods, outside] =
    family === 'ip'
      ? ['10.244.1.3', '10.244.0.0/16', '203.0.113.0/25']
      : ['fd00:10:244:1::3', 'fd00:10:244::/48', '2001:db8:ff::/64'];
  return pick(
    [
      is(source, pod),
      is(source, pods),
      is(source, outside, true),
      is(destination, pod),
      is(destination, outside),
      is({ kind: 'l4proto' }, 'udp'),
      is({ kind: 'dport', protocol: 'tcp' }, 80),
      is({ kind: 'dport', protocol: 'th' }, 30001, true),
      is({ kind: 'iifname' }, 'veth9'),
      is({ kind: 'iifname' }, 'in*', true),
      is({ kind: 'ct-state' }, 'new'),
      is({ kind: 'ct-state' }, 'established'),
      is({ kind: 'ct-status' }, 'dnat'),
      is({ kind: 'ct-status' }, 'dnat', true),
      is({ kind: 'fib-type', field: 'saddr' }, 'local'),
      is({ kind: 'ct-original-daddr' }, pod),
      { kind: 'match-mark', mark: 0x4000 },
      { kind: 'match-mark', mark: 0x10000 },
      { kind: 'match-set', key: [source], set: 'cluster-ips' },
      { kind: 'match-set', key: [destination], set: 'cluster-ips', negated: true },
    ],
    seed,
  ) as Statement;
}

/** What rules may do. */
function actions(ruleset: Ruleset, seed: number): Statement {
  const { family, chains } = ruleset;
  const address = family === 'ip' ? '10.6.6.6' : 'fd00:6::6';
  const plain = chains.filter(({ hook }) => hook === undefined);
  return pick(
    [
      { kind: 'drop' },
      { kind: 'reject' },
      { kind: 'return' },
      { kind: 'masquerade' },
      { kind: 'dnat', protocol: 'tcp', address, port: 80 },
      { kind: 'set-mark', operator: 'or', mark: 0x4000 },
      { kind: 'set-mark', operator: 'xor', mark: 0x10000 },
      { kind: 'jump', chain: pick(plain, seed)?.name ?? '' },
      { kind: 'goto', chain: pick(plain, seed + 1)?.name ?? '' },
    ],
    seed,
  ) as Statement;
}

function pick<T>(list: readonly T[], place: number): T | undefined {
  return list[place % list.length];
}

/** Replaces one item of a list by any number of items. */
function replaceAt<T>(list: readonly T[], place: number, change: (item: T) => readonly T[]): T[] {
  return list.flatMap((item, index) => (index === place % list.length ? change(item) : [item]));
}

function insertAt<T>(list: readonly T[], place: number, item: T): T[] {
  return list.toSpliced(place % (list.length + 1), 0, item);
}

function swap<T>(list: readonly T[], place: number): T[] {
  const at = place % Math.max(1, list.length - 1);
  return [...list.slice(0, at), ...list.slice(at, at + 2).reverse(), ...list.slice(at + 2)];
}

/** Gives each of two items something of the other. */
function exchange<T>(list: readonly T[], [b, c]: readonly [number, number], take: (one: T, from: T) => T): T[] {
  const [one, other] = [pick(list, b), pick(list, c)];
  const partners = new Map([
    [one, other],
    [other, one],
  ]);
  return list.map((each) => take(each, partners.get(each) ?? each));
}

/** Changes the rules of one chain. */
function inChain(
  change: (rules: readonly Rule[], places: readonly [number, number], ruleset: Ruleset) => Rule[],
): Operator {
  return (ruleset, a, b, c) => ({
    ...ruleset,
    chains: replaceAt(ruleset.chains, a, (chain) => [{ ...chain, rules: change(chain.rules, [b, c], ruleset) }]),
  });
}

/** Changes one rule. */
function inRule(change: (rule: Rule, place: number, ruleset: Ruleset) => Rule): Operator {
  return inChain((rules, [b, c], ruleset) => replaceAt(rules, b, (rule) => [change(rule, c, ruleset)]));
}

function baseChains(ruleset: Ruleset, a: number, change: (hook: Hook, chain: Chain) => Partial<Chain>): Ruleset {
  const chosen = pick(
    ruleset.chains.filter(({ hook }) => hook !== undefined),
    a,
  );
  return {
    ...ruleset,
    chains: ruleset.chains.map((one) => (one === chosen && one.hook ? { ...one, ...change(one.hook, one) } : one)),
  };
}

/** Changes one of the sets that fulfill a condition. */
function inSet(
  isFit: (set: FilledSet) => boolean,
  change: (set: FilledSet, places: readonly [number, number], ruleset: Ruleset) => Partial<FilledSet>,
): Operator {
  return (ruleset, a, b, c) => {
    const chosen = pick(ruleset.sets.filter(isFit), a);
    return {
      ...ruleset,
      sets: ruleset.sets.map((one) => (one === chosen ? { ...one, ...change(one, [b, c], ruleset) } : one)),
    };
  };
}

const isFilled = ({ elements }: FilledSet): boolean => elements.length > 0;
const hasLists = ({ lists = [] }: FilledSet): boolean => lists.length > 0;
const isVerdictMap = (set: FilledSet): boolean => set.value === 'verdict' && isFilled(set);
const isAny = (): boolean => true;

/** Shifts what a statement compares with, or where it sends packets. */
function shift(statement: Statement, place: number, { chains, sets }: Ruleset): Statement {
  switch (statement.kind) {
    case 'match':
      return { ...statement, right: shiftScalar(statement.right, place) };
    case 'match-mark':
    case 'set-mark':
      return { ...statement, mark: statement.mark >= 2 ? statement.mark / 2 : 2 };
    case 'match-set': {
      const { key } = sets.find(({ name }) => name === statement.set) ?? { key: [] };
      const alike = sets.filter((one) => one.value === undefined && one.key.join() === key.join());
      return { ...statement, set: pick(alike, place)?.name ?? statement.set };
    }
    case 'vmap':
    case 'dnat-map': {
      const { key, value } = sets.find(({ name }) => name === statement.map) ?? { key: [] };
      const alike = sets.filter((one) => one.value === value && one.key.join() === key.join());
      return { ...statement, map: pick(alike, place)?.name ?? statement.map };
    }
    case 'jump':
    case 'goto':
      return { ...statement, chain: pick(chains, place)?.name ?? statement.chain };
    case 'random-goto':
      return { ...statement, chains: replaceAt(statement.chains, place, (one) => (place % 2 === 0 ? [] : [one, one])) };
    case 'dnat':
      return { ...statement, port: statement.port + 1 };
    case 'update':
      return { ...statement, timeoutSeconds: (statement.timeoutSeconds ?? 0) + 1 };
    case 'drop':
      return { kind: 'return' };
    case 'return':
    case 'reject':
      return { kind: 'drop' };
    default:
      return statement;
  }
}

function shiftScalar(value: string | number, place: number): string | number {
  if (typeof value === 'number') {
    return value + 1;
  }
  const cidr = parseCidr(value);
  if (cidr && value.includes('/')) {
    return `${cidr.address}/${Math.max(1, cidr.prefix + (place % 2 === 0 ? 1 : -1))}`;
  }
  return { new: 'established', tcp: 'udp', udp: 'sctp', sctp: 'tcp' }[value] ?? value;
}

function shiftList({ key, endpointAddresses }: EndpointList, place: number): EndpointList[] {
  const changes = [
    () => endpointAddresses.slice(1),
    () => [...endpointAddresses.slice(1), ...endpointAddresses.slice(1, 2)],
    () => endpointAddresses.map((one, index) => (index === 0 ? { ...one, port: one.port + 1 } : one)),
    () => [...endpointAddresses, ...endpointAddresses.slice(0, 1)],
    () => [...endpointAddresses].reverse(),
  ];
  return [{ key, endpointAddresses: pick(changes, place)?.() ?? [] }];
}

/** Widens or moves the key of an element. */
function shiftKey(element: Element, place: number): Element {
  const parts = element.key.split(' . ');
  const shifted = replaceAt(parts, place, (part) => {
    const number = Number(part);
    return [String(Number.isNaN(number) ? shiftScalar(part, place) : number + 1)];
  });
  return { ...element, key: shifted.join(' . ') };
}

function shiftValue(element: Element, place: number, { chains }: Ruleset): Element {
  const { value } = element;
  if (!value || 'address' in value) {
    return element;
  }
  const plain = chains.filter(({ hook }) => hook === undefined);
  const chain = pick(plain, place)?.name ?? '';
  return { ...element, value: place % 5 === 0 ? { kind: 'drop' } : { kind: 'goto', chain } };
}

const operators: Readonly<Record<string, Operator>> = {
  'insert a rule': inChain((rules, [b, c], ruleset) =>
    insertAt(rules, b, [conditions(ruleset, c), conditions(ruleset, c >> 5), actions(ruleset, c >> 10)]),
  ),
  'insert a short rule': inChain((rules, [b, c], ruleset) =>
    insertAt(rules, b, [conditions(ruleset, c), actions(ruleset, c >> 5)]),
  ),
  'insert a rule of another chain': inChain((rules, [b, c], ruleset) => {
    const all = ruleset.chains.flatMap((chain) => chain.rules);
    return insertAt(rules, b, pick(all, c) ?? []);
  }),
  'delete a rule': inChain((rules, [b]) => replaceAt(rules, b, () => [])),
  'flush a chain': inChain(() => []),
  'swap rules': inChain((rules, [b]) => swap(rules, b)),
  'repeat a rule': inChain((rules, [b, c]) => insertAt(rules, c, pick(rules, b) ?? [])),
  'narrow a rule': inRule((rule, place, ruleset) => insertAt(rule, place % 3, conditions(ruleset, place >> 2))),
  'widen a rule': inRule((rule, place) => replaceAt(rule, place, () => [])),
  'negate a condition': inRule((rule, place) =>
    replaceAt(rule, place, (one) =>
      one.kind === 'match' || one.kind === 'match-set' ? [{ ...one, negated: one.negated !== true }] : [one],
    ),
  ),
  'change a statement': inRule((rule, place, ruleset) =>
    replaceAt(rule, place, (one) => [shift(one, place >> 4, ruleset)]),
  ),
  'swap statements': inRule((rule, place) => swap(rule, place)),
  'delete a chain': (ruleset, a) => ({ ...ruleset, chains: replaceAt(ruleset.chains, a, () => []) }),
  'add a base chain': (ruleset, a, b, c) => ({
    ...ruleset,
    chains: [
      ...ruleset.chains,
      {
        name: 'evil',
        hook: { type: a % 2 === 0 ? 'filter' : 'nat', hook: pick(hookNames, b) ?? 'input', priority: (c % 400) - 200 },
        rules: [[conditions(ruleset, c), actions(ruleset, c >> 5)]],
      },
    ],
  }),
  'other priority': (ruleset, a, b) =>
    baseChains(ruleset, a, (hook) => ({ hook: { ...hook, priority: hook.priority + (b % 300) - 150 } })),
  'other hook': (ruleset, a, b) =>
    baseChains(ruleset, a, (hook) => ({ hook: { ...hook, hook: pick(hookNames, b) ?? 'input' } })),
  'other type': (ruleset, a) =>
    baseChains(ruleset, a, (hook) => ({ hook: { ...hook, type: hook.type === 'nat' ? 'filter' : 'nat' } })),
  'swap base chains': (ruleset, a, b) => {
    const other = pick(
      ruleset.chains.filter(({ hook }) => hook !== undefined),
      b,
    );
    let first: Chain | undefined;
    const once = baseChains(ruleset, a, (_hook, chain) => {
      first = chain;
      return { rules: other?.rules ?? [] };
    });
    return {
      ...once,
      chains: once.chains.map((one) => (one.name === other?.name && first ? { ...one, rules: first.rules } : one)),
    };
  },
  'other flags': inSet(isAny, ({ flags = [] }, [b]) => {
    const flag = pick(['interval', 'dynamic', 'timeout'] as const, b) ?? 'interval';
    const changed = flags.includes(flag) ? flags.filter((one) => one !== flag) : [...flags, flag];
    return { flags: changed };
  }),
  'other size': inSet(isAny, (_set, [b]) => ({ size: (b % 9) + 1 })),
  'other timeout': inSet(isAny, ({ timeoutSeconds = 0 }, [b]) => ({ timeoutSeconds: timeoutSeconds + (b % 9) + 1 })),
  'other type of key': inSet(isAny, ({ key }, [b]) => ({ key: swap(key, b) })),
  'delete an element': inSet(isFilled, ({ elements }, [b]) => ({ elements: replaceAt(elements, b, () => []) })),
  'flush a set': inSet(isFilled, () => ({ elements: [] })),
  'move an element': inSet(isFilled, ({ elements }, [b, c]) => ({
    elements: replaceAt(elements, b, (one) => [shiftKey(one, c)]),
  })),
  'add an element': inSet(isFilled, ({ elements }, [b, c]) => ({
    elements: [
      ...elements,
      ...elements.slice(b % elements.length, (b % elements.length) + 1).map((one) => shiftKey(one, c)),
    ],
  })),
  'change a verdict': inSet(isVerdictMap, ({ elements }, [b, c], ruleset) => ({
    elements: replaceAt(elements, b, (one) => [shiftValue(one, c, ruleset)]),
  })),
  'exchange verdicts': inSet(isVerdictMap, ({ elements }, [b, c]) => ({
    elements: exchange(elements, [b, c], (one, { value }) => ({ ...one, ...(value && { value }) })),
  })),
  'change endpoints': inSet(hasLists, ({ lists = [] }, [b, c]) => ({
    lists: replaceAt(lists, b, (one) => shiftList(one, c)),
  })),
  'delete endpoints': inSet(hasLists, ({ lists = [] }, [b]) => ({ lists: replaceAt(lists, b, () => []) })),
  'exchange endpoints': inSet(hasLists, ({ lists = [] }, [b, c]) => ({
    lists: exchange(lists, [b, c], (one, { endpointAddresses }) => ({ ...one, endpointAddresses })),
  })),
  'other bit of the mark': (ruleset) => everywhere(ruleset, (one) => ('mark' in one ? { ...one, mark: 0x8000 } : one)),
  'other pods': (ruleset, a, b) =>
    everywhere(ruleset, (one) =>
      one.kind === 'match' && one.left.kind === 'address' ? shift(one, a + b, ruleset) : one,
    ),
  'other timeouts': (ruleset) => everywhere(ruleset, (one) => (one.kind === 'update' ? shift(one, 0, ruleset) : one)),
};

const hookNames: readonly Hook['hook'][] = ['prerouting', 'input', 'forward', 'output', 'postrouting'];

function everywhere(ruleset: Ruleset, change: (statement: Statement) => Statement): Ruleset {
  return {
    ...ruleset,
    chains: ruleset.chains.map((one) => ({ ...one, rules: one.rules.map((rule) => rule.map(change)) })),
  };
}

/** Any change. */
export const arbitraryTamper: fc.Arbitrary<Tamper> = fc.record({
  operator: fc.constantFrom(...Object.keys(operators)),
  places: fc.tuple(fc.nat(500), fc.nat(500), fc.nat(0xffff)),
});
