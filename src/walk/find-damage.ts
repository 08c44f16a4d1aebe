import { countOf, limitList, listWords } from '../lib/text.ts';
import type { Chain, Element, FilledSet, Ruleset } from '../nft/ruleset.ts';
import { setsOf, targetsOf } from '../nft/ruleset-parts.ts';

/** Chains and maps of a table that were flushed or deleted. */
export interface Damage {
  /** `chain services is empty (somebody changed it): 10 frontends broken; svc2nft apply repairs it`. */
  readonly text: string;
  /** Whether connections to frontends do not reach their endpoints. */
  readonly breaksFrontends: boolean;
}

/** A part that lacks its content, and what that leads to. */
interface DamagedPart {
  readonly name: string;
  readonly effect: 'frontends' | 'masquerading' | 'source ranges' | 'refusals';
  /** How many frontends are broken; 0 if that is not known. */
  readonly frontends: number;
}

/** Chains that every table has, none of them ever empty (docs/ruleset.md), and what their rules are for. */
const always: Readonly<Record<string, DamagedPart['effect']>> = {
  'nat-prerouting': 'frontends',
  'nat-output': 'frontends',
  services: 'frontends',
  'nat-postrouting': 'masquerading',
};

const withRefusals: typeof always = {
  'refusals-prerouting': 'refusals',
  'refusals-output': 'refusals',
  'incoming-refusals': 'refusals',
  'outgoing-refusals': 'refusals',
};

/** Those of a table of an earlier version, which refuses in filter chains, until `apply` changes it; still earlier ones had others. */
const withEarlierRefusals: typeof always = {
  'filter-input': 'refusals',
  'filter-forward': 'refusals',
  'filter-output': 'refusals',
  refusals: 'refusals',
  'input-refusals': 'refusals',
};

/** Those of a table that refuses translated connections as well, and so has one of them. */
const withFilters: typeof always = {
  'filter-input': 'refusals',
  'filter-forward': 'refusals',
  'filter-output': 'refusals',
};

/** Those of a table that has source ranges, and so the set that they read. */
const withSourceRanges: typeof always = {
  'firewall-prerouting': 'source ranges',
  'firewall-output': 'source ranges',
  'firewall-check': 'source ranges',
};

/**
 * What is gone from a table that svc2nft wrote: it never writes an empty chain, nor an empty map that its other maps need.
 * Undefined if nothing is. A table without any of its chains is not one of svc2nft, so that nothing is said about it.
 */
export function findDamage(ruleset: Ruleset): Damage | undefined {
  const byName = new Map(ruleset.chains.map((chain) => [chain.name, chain]));
  const chains = expectedChains(ruleset);
  const fixed = Object.keys(chains);
  if (!fixed.some((name) => byName.has(name))) {
    return undefined;
  }
  const missing = fixed.filter((name) => !byName.has(name));
  const isCalled = calledChains(ruleset);
  const empty = ruleset.chains.filter(
    ({ name, rules }) => rules.length === 0 && (name in chains || isCalled.has(name)),
  );
  const maps = emptyMaps(ruleset);
  const parts = [...missing, ...empty.map(({ name }) => name)].map((name) => partOfChain(name, ruleset));
  const texts = [
    ...statesOf('chain', missing, 'missing'),
    ...statesOf(
      'chain',
      empty.map(({ name }) => name),
      'empty',
    ),
    ...statesOf(
      'map',
      maps.map(({ name }) => name),
      'empty',
    ),
  ];
  if (texts.length === 0) {
    return undefined;
  }
  const all = [...parts, ...maps];
  return {
    text: `${listWords(texts)} (somebody changed it): ${listWords(effectsOf(all))}; svc2nft apply repairs it`,
    breaksFrontends: all.some(({ effect }) => effect === 'frontends'),
  };
}

function expectedChains({ sets, chains }: Ruleset): typeof always {
  const has = (chain: string): boolean => chains.some(({ name }) => name === chain);
  const earlier = has('service-endpoints-check') ? {} : withEarlierRefusals;
  return {
    ...always,
    ...(has('input-refusals') || has('service-endpoints-check') ? earlier : withRefusals),
    ...(chains.some(({ name }) => name in withFilters) && withFilters),
    ...(sets.some(({ name }) => name === 'firewall-ips') && withSourceRanges),
  };
}

/** How many parts are named. */
const shown = 3;

function statesOf(kind: string, names: readonly string[], state: string): string[] {
  if (names.length === 0) {
    return [];
  }
  const words = listWords(limitList(names, shown));
  return [names.length === 1 ? `${kind} ${words} is ${state}` : `${kind}s ${words} are ${state}`];
}

function effectsOf(parts: readonly DamagedPart[]): string[] {
  const effects = new Set(parts.map(({ effect }) => effect));
  const broken = Math.max(...parts.map(({ frontends }) => frontends));
  return [
    ...(effects.has('frontends') ? [broken > 0 ? `${countOf(broken, 'frontend')} broken` : 'frontends broken'] : []),
    ...(effects.has('masquerading') ? ['nothing is masqueraded'] : []),
    ...(effects.has('source ranges') ? ['source ranges are not enforced'] : []),
    ...(effects.has('refusals') ? ['connections that should be refused are not'] : []),
  ];
}

function partOfChain(name: string, ruleset: Ruleset): DamagedPart {
  const known = expectedChains(ruleset)[name];
  const effect = known ?? 'frontends';
  const callers = chainsTo(new Set([name]), ruleset);
  const leads = (element: Element): boolean => known !== undefined || isGoto(element, callers);
  return { name, effect, frontends: effect === 'frontends' ? countElements(ruleset, leads) : 0 };
}

function isGoto({ value }: Element, names: ReadonlySet<string>): boolean {
  return value !== undefined && 'kind' in value && value.kind === 'goto' && names.has(value.chain);
}

/** How many frontends of the maps that lead to endpoints match. */
function countElements({ sets }: Ruleset, matches: (element: Element) => boolean): number {
  return sets
    .filter(({ name }) => name === 'service-ips' || name === 'service-nodeports')
    .reduce((sum, { elements }) => sum + elements.filter(matches).length, 0);
}

/** The chains that rules and elements lead to. */
export function calledChains({ chains: all, sets }: Pick<Ruleset, 'chains' | 'sets'>): ReadonlySet<string> {
  const called = new Set(all.flatMap(({ rules }) => rules.flat().flatMap(targetsOf)));
  for (const { value, elements } of sets) {
    for (const element of value === 'verdict' ? elements : []) {
      if (element.value && 'kind' in element.value && element.value.kind === 'goto') {
        called.add(element.value.chain);
      }
    }
  }
  return called;
}

/** These chains and all whose rules lead to them. */
function chainsTo(names: ReadonlySet<string>, ruleset: Ruleset): ReadonlySet<string> {
  const leading = ruleset.chains.filter(({ rules }) =>
    rules
      .flat()
      .flatMap(targetsOf)
      .some((target) => names.has(target)),
  );
  const all = new Set([...names, ...leading.map(({ name }) => name)]);
  return all.size === names.size ? names : chainsTo(all, ruleset);
}

/** Maps without elements that others need: chains pick endpoints from a map, and endpoints belong to frontends. */
function emptyMaps(ruleset: Ruleset): DamagedPart[] {
  const isFilled = ({ elements, lists = [] }: FilledSet): boolean => elements.length > 0 || lists.length > 0;
  const ofNodePorts = (name: string): boolean => name.includes('nodeport');
  return ruleset.sets.flatMap((set): DamagedPart[] => {
    const { name, value } = set;
    if (isFilled(set)) {
      return [];
    }
    if (name === 'service-ips' || name === 'service-nodeports') {
      const needed = ruleset.sets.some(
        (one) =>
          one.value === 'endpoint' &&
          isEndpointMap(one.name) &&
          isFilled(one) &&
          ofNodePorts(one.name) === ofNodePorts(name),
      );
      return needed ? [{ name, effect: 'frontends', frontends: 0 }] : [];
    }
    if (value !== 'endpoint' || !isEndpointMap(name)) {
      return [];
    }
    const users = chainsTo(
      new Set(ruleset.chains.filter((chain) => picksFrom(chain, name)).map((chain) => chain.name)),
      ruleset,
    );
    const frontends = countElements(ruleset, (element) => isGoto(element, users));
    return frontends > 0 ? [{ name, effect: 'frontends', frontends }] : [];
  });
}

/** Not the maps of pins, which only connections fill. */
function isEndpointMap(name: string): boolean {
  return name.endsWith('-endpoints');
}

function picksFrom({ rules }: Chain, map: string): boolean {
  return rules.some((rule) => setsOf(rule).includes(map));
}
