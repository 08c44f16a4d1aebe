import fc from 'fast-check';
import type { Chain, Element, FilledSet, Rule, Ruleset } from '../../src/nft/ruleset.ts';

/** What was done to a table, and a number that says to which part of it. */
export type Damage = readonly [what: string, pick: number];

/** What another program does to a table, as the table would then be read; the kernel allows all of it. */
export function damageRuleset(ruleset: Ruleset, damages: readonly Damage[]): Ruleset {
  return damages.reduce((now, [what, pick]) => kinds.get(what)?.(now, pick) ?? now, ruleset);
}

const drop: Rule = [{ kind: 'drop' }];
const hook = { type: 'filter', hook: 'input', priority: 5 } as const;

const kinds = new Map<string, (ruleset: Ruleset, pick: number) => Ruleset>([
  ['elements go', setChanger(hasElements, ({ elements }) => ({ elements: elements.slice(1) }))],
  [
    'verdicts change',
    setChanger(isVerdictMap, (set) => elementChanger(set, ({ key }) => ({ key, value: drop[0] as { kind: 'drop' } }))),
  ],
  ['verdicts have unknown values', setChanger(isVerdictMap, (set) => elementChanger(set, ({ key }) => ({ key })))],
  [
    'comments change',
    setChanger(hasElements, (set) => elementChanger(set, (element) => ({ ...element, comment: 'mine' }))),
  ],
  [
    'endpoints change places',
    setChanger(hasLists, (set) => listChanger(set, (endpointAddresses) => [...endpointAddresses].reverse())),
  ],
  [
    'endpoints come twice',
    setChanger(hasLists, (set) =>
      listChanger(set, (endpointAddresses) => [...endpointAddresses, ...endpointAddresses]),
    ),
  ],
  ['endpoints leave a gap', setChanger(hasLists, leaveGap)],
  [
    'sets are described otherwise',
    setChanger(
      () => true,
      () => ({ comment: 'mine' }),
    ),
  ],
  [
    'sets are limited',
    setChanger(
      () => true,
      () => ({ size: 77 }),
    ),
  ],
  [
    'rules go',
    chainChanger(
      () => true,
      ({ rules }) => ({ rules: rules.slice(1) }),
    ),
  ],
  [
    'rules come',
    chainChanger(
      () => true,
      ({ rules }) => ({ rules: [drop, ...rules] }),
    ),
  ],
  [
    'rules are not understood',
    chainChanger(
      () => true,
      ({ rules }) => ({ rules: [...rules, []] }),
    ),
  ],
  ['base chains are called elsewhere', chainChanger(isBaseChain, () => ({ hook }))],
  ['base chains go', loseBaseChain],
  ['unknown chains use known ones and are used', addUnknownChains],
]);

/** Up to four of them, one after the other. */
export const arbitraryDamages: fc.Arbitrary<Damage[]> = fc.array(
  fc.tuple(fc.constantFrom(...kinds.keys()), fc.nat(30)),
  { minLength: 1, maxLength: 4 },
);

function hasElements({ elements }: FilledSet): boolean {
  return elements.length > 0;
}

function isVerdictMap({ elements, value }: FilledSet): boolean {
  return elements.length > 0 && value === 'verdict';
}

function hasLists({ lists = [] }: FilledSet): boolean {
  return lists.length > 0;
}

function isBaseChain(chain: Chain): boolean {
  return chain.hook !== undefined;
}

type Changer = (ruleset: Ruleset, pick: number) => Ruleset;

function setChanger(wanted: (set: FilledSet) => boolean, change: (set: FilledSet) => Partial<FilledSet>): Changer {
  return (ruleset, pick) => ({ ...ruleset, sets: changeOne(ruleset.sets, pick, wanted, change) });
}

function chainChanger(wanted: (chain: Chain) => boolean, change: (chain: Chain) => Partial<Chain>): Changer {
  return (ruleset, pick) => ({ ...ruleset, chains: changeOne(ruleset.chains, pick, wanted, change) });
}

/** Of the items that are wanted the one that `pick` points to; nothing changes where none is. */
function changeOne<T>(
  items: readonly T[],
  pick: number,
  wanted: (item: T) => boolean,
  change: (item: T) => Partial<T>,
): T[] {
  const candidates = items.filter(wanted);
  const chosen = candidates[pick % candidates.length];
  return items.map((item) => (item === chosen ? { ...item, ...change(item) } : item));
}

function elementChanger({ elements }: FilledSet, change: (element: Element) => Element): Partial<FilledSet> {
  return { elements: elements.map((element, index) => (index === 0 ? change(element) : element)) };
}

type Sockets = NonNullable<FilledSet['lists']>[number]['endpointAddresses'];

function listChanger({ lists = [] }: FilledSet, change: (endpointAddresses: Sockets) => Sockets): Partial<FilledSet> {
  return {
    lists: lists.map((list, index) =>
      index === 0 ? { ...list, endpointAddresses: change(list.endpointAddresses) } : list,
    ),
  };
}

/** The first endpoint is missing, so the others are not a list that begins with 0. */
function leaveGap({ elements, lists = [] }: FilledSet): Partial<FilledSet> {
  const [first, ...others] = lists;
  const singles =
    first?.endpointAddresses.map((value, index): Element => ({ key: `${first.key} . ${index}`, value })) ?? [];
  return { elements: [...elements, ...singles.slice(1)], lists: others };
}

function loseBaseChain(ruleset: Ruleset, pick: number): Ruleset {
  const base = ruleset.chains.filter(isBaseChain);
  return { ...ruleset, chains: ruleset.chains.filter((chain) => chain !== base[pick % base.length]) };
}

function addUnknownChains({ sets, chains, ...rest }: Ruleset, pick: number): Ruleset {
  const regular = chains.filter((chain) => !isBaseChain(chain));
  const known = regular[pick % regular.length];
  if (!known || chains.some(({ name }) => name === 'unknown')) {
    return { ...rest, sets, chains };
  }
  const goto = { kind: 'goto', chain: known.name } as const;
  const elements = [{ key: '192.0.2.1', value: goto }];
  const map: FilledSet = { name: 'unknown-map', key: ['address'], value: 'verdict', comment: 'unknown', elements };
  const unknown: Chain[] = [
    {
      name: 'unknown',
      rules: [[{ kind: 'vmap', key: [{ kind: 'address', field: 'saddr' }], map: map.name }], [goto]],
    },
    // These have names that the compiler uses, but nothing else in common with its chains.
    { name: 'udp-cluster-99', rules: [[{ kind: 'goto', chain: 'unknown' }]] },
    { name: 'udp-cluster-98', hook, rules: [drop] },
  ];
  const used = { ...known, rules: [...known.rules, [{ kind: 'jump', chain: 'unknown' } as const]] };
  return {
    ...rest,
    sets: [...sets, map],
    chains: [...chains.map((chain) => (chain === known ? used : chain)), ...unknown],
  };
}
