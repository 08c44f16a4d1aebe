import { escapeControls, TextError } from '../lib/text.ts';
import { type Family, type Protocol, protocols } from '../net/network.ts';
import type { Deviation, ListedTable } from '../nft/listed-table.ts';
import type { Chain, FilledSet, Hook, Rule, Statement } from '../nft/ruleset.ts';
import { parseSaved, type SavedChain, type SavedRule, type SavedTable } from './parse-saved.ts';
import { type RuleContext, readMatches, recentListOf } from './read-matches.ts';
import { hasNoEffect, readTarget } from './read-target.ts';

/**
 * The rules of iptables-save and ip6tables-save, one or both or several of each in one text, as rulesets that the walker takes:
 * for each family all tables as one, IPv4 first. What is not understood is an `uncertain` in its rule, and a deviation.
 *
 * @throws TextError for a text that is not theirs, or that is cut off.
 */
export function readIptables(text: string): ListedTable[] {
  const { tables, omissions } = parseSaved(text);
  const byFamily = tablesByFamily(tables, text);
  return (['ip', 'ip6'] as const).flatMap((family) => {
    const found = byFamily.get(family);
    return found ? [readFamily(found, family, omissions)] : [];
  });
}

/** The tables of each family by their names; a second one has its variant in the name, `nat (legacy)`. */
type Tables = Map<string, SavedTable>;

/**
 * Which family a table is of is in a comment above it, or in its addresses. A table without both belongs to those around it, as
 * far as no name occurs twice: iptables-save prints all tables of one family, then ip6tables-save those of the other.
 */
function tablesByFamily(tables: readonly SavedTable[], text: string): ReadonlyMap<Family, Tables> {
  const byFamily = new Map<Family, Tables>();
  let output: SavedTable[] = [];
  const finish = (): void => {
    const families = output
      .map((table) => table.family ?? familyByRules(table))
      .filter((family) => family !== undefined);
    const family = families[0] ?? (byFamily.has('ip') ? 'ip6' : 'ip');
    for (const table of output) {
      addTable(table, table.family ?? familyByRules(table) ?? family, { byFamily, text });
    }
    output = [];
  };
  for (const table of tables) {
    const [family, before] = [table, output.at(-1)].map((one) => one && (one.family ?? familyByRules(one)));
    const isOther = family !== undefined && before !== undefined && family !== before;
    if (isOther || output.some(({ name }) => name === table.name)) {
      finish();
    }
    output.push(table);
  }
  finish();
  return byFamily;
}

/** The family of the first address or protocol that tells it. */
function familyByRules({ chains }: SavedTable): Family | undefined {
  for (const { rules } of chains.values()) {
    for (const { line } of rules) {
      const [, six, four] =
        / (?:(-[sd] [\da-f]*:|--to-destination \[|--mask ffff:|icmp6-|-p ipv6-icmp)|(-[sd] \d+\.|--to-destination \d+\.|--mask 255\.|icmp-|-p icmp))/.exec(
          line,
        ) ?? [];
      if (six !== undefined || four !== undefined) {
        return six === undefined ? 'ip' : 'ip6';
      }
    }
  }
  return undefined;
}

/** Rules of the nf_tables and the legacy variant may follow one another; one of both is empty on most nodes. */
function addTable(
  table: SavedTable,
  family: Family,
  { byFamily, text }: { readonly byFamily: Map<Family, Tables>; readonly text: string },
): void {
  const known: Tables = byFamily.get(family) ?? new Map();
  byFamily.set(family, known);
  const first = known.get(table.name);
  if (!first || isEmpty(first)) {
    known.set(table.name, table);
  } else if (!isEmpty(table)) {
    const name = `${table.name} (${table.variant})`;
    if (first.variant === table.variant || known.has(name)) {
      const message = `a second table ${table.name} of ${family === 'ip' ? 'IPv4' : 'IPv6'}`;
      throw new TextError(message, text, table.offset);
    }
    known.set(name, table);
  }
}

function isEmpty({ chains }: SavedTable): boolean {
  return [...chains.values()].every(({ policy, rules }) => policy !== 'DROP' && rules.length === 0);
}

function readFamily(tables: Tables, family: Family, omissions: readonly string[]): ListedTable {
  const recentSeconds = readRecentSeconds([...tables.values()]);
  const second = [...tables].filter(([name, table]) => name !== table.name).map(([, { name }]) => name);
  const remarks = [
    ...omissions,
    ...second.map((name) => `both variants of iptables have a table ${name}: which comes first is not known`),
  ];
  const deviations: Deviation[] = remarks.map((message) => ({ message: escapeControls(message), needsRebuild: false }));
  const chains = [...tables].flatMap(([tableName, table]) => {
    const idleChains = findIdleChains(table);
    const context = { tableName, table, family, idleChains, recentSeconds, deviations };
    return [...table.chains].map(([name, chain]) => readChain(name, chain, context));
  });
  const sets = [...recentSeconds.keys()].map((name): FilledSet => {
    return { name, key: ['address'], flags: ['dynamic', 'timeout'], comment: '', elements: [] };
  });
  return {
    isDormant: false,
    ruleset: { family, language: 'iptables', table: 'iptables', comment: '', sets, chains },
    dynamic: new Map(),
    deviations,
  };
}

/**
 * How long each list of `-m recent` keeps an address: as long as rules look back. A list that nobody looks at keeps it for ever
 * (0); undefined where rules look back for different times, and so do not agree on who is listed.
 */
function readRecentSeconds(tables: readonly SavedTable[]): Map<string, number | undefined> {
  const seconds = new Map<string, number | undefined>();
  const rules = tables.flatMap(({ chains }) => [...chains.values()].flatMap((chain) => chain.rules));
  const lists = new Map<string, Set<number>>();
  for (const { module, options } of rules.flatMap(({ matches }) => matches)) {
    if (module === 'recent') {
      const name = recentListOf(options);
      const known = lists.get(name) ?? new Set();
      lists.set(name, known);
      const isCheck = options.some((option) => option.name === '--rcheck' || option.name === '--update');
      const given = options.find((option) => option.name === '--seconds')?.values[0];
      if (isCheck) {
        known.add(given === undefined ? 0 : Number(given));
      }
    }
  }
  for (const [name, times] of lists) {
    const [first = 0, ...others] = times;
    seconds.set(name, others.length > 0 || !Number.isSafeInteger(first) ? undefined : first);
  }
  return seconds;
}

interface TableContext {
  /** Its name in the ruleset. */
  readonly tableName: string;
  readonly table: SavedTable;
  readonly family: Family;
  readonly idleChains: RuleContext['idleChains'];
  readonly recentSeconds: RuleContext['recentSeconds'];
  /** Is added to. */
  readonly deviations: Deviation[];
}

function readChain(
  chainName: string,
  { policy, rules }: SavedChain,
  { tableName, table, family, idleChains, recentSeconds, deviations }: TableContext,
): Chain {
  const hook = hookOf({ tableName, table }, chainName);
  const name = `${tableName} ${chainName}`;
  const dropsAtEnd = hook !== undefined && policy === 'DROP';
  const context = { family, table: tableName, chains: table.chains, idleChains, recentSeconds, dropsAtEnd };
  const read = rules.map((rule, index): Rule => {
    const statements = readRule(rule, context);
    const doubt = statements.find((statement) => statement.kind === 'uncertain');
    if (doubt) {
      const message = escapeControls(`chain ${name}: rule ${index + 1} is not understood (${doubt.text})`);
      deviations.push({ message, chain: name, needsRebuild: false });
    }
    return statements;
  });
  return {
    name,
    ...(hook && { hook }),
    rules: dropsAtEnd ? [...read, [{ kind: 'drop' }]] : read,
    lines: [...rules.map(({ line }) => line), ...(dropsAtEnd ? [`-P ${chainName} DROP`] : [])],
  };
}

/** Chains that packets leave as they came. */
function findIdleChains({ chains }: SavedTable): Set<string> {
  const idle = new Set<string>();
  // What only logs has few chains below.
  for (let depth = 0; depth < 3; depth++) {
    for (const [name, { policy, rules }] of chains) {
      if (policy === undefined && rules.every((rule) => isIdleRule(rule, idle))) {
        idle.add(name);
      }
    }
  }
  return idle;
}

function isIdleRule({ matches, target }: SavedRule, idle: ReadonlySet<string>): boolean {
  const isIdleTarget =
    target === undefined ||
    target.name === 'RETURN' ||
    hasNoEffect(target.name) ||
    (idle.has(target.name) && !target.isGoto);
  return isIdleTarget && matches.every(({ module }) => module !== 'recent');
}

const hooks: Readonly<Record<string, Hook['hook']>> = {
  PREROUTING: 'prerouting',
  INPUT: 'input',
  FORWARD: 'forward',
  OUTPUT: 'output',
  POSTROUTING: 'postrouting',
};

/** Where the kernel calls the chains of each table (enum nf_ip_hook_priorities). */
const priorities: Readonly<Record<string, Partial<Record<Hook['hook'], number>>>> = {
  raw: { prerouting: -300, output: -300 },
  mangle: { prerouting: -150, input: -150, forward: -150, output: -150, postrouting: -150 },
  nat: { prerouting: -100, input: 100, output: -100, postrouting: 100 },
  filter: { input: 0, forward: 0, output: 0 },
  security: { input: 50, forward: 50, output: 50 },
};

/** A second table of the same name comes after the first one; the kernel has no order for them but that of their creation. */
function hookOf({ tableName, table }: Pick<TableContext, 'tableName' | 'table'>, chain: string): Hook | undefined {
  const hook = Object.hasOwn(hooks, chain) ? hooks[chain] : undefined;
  const priority = hook && Object.hasOwn(priorities, table.name) ? priorities[table.name]?.[hook] : undefined;
  if (!hook || priority === undefined) {
    return undefined;
  }
  const type = table.name === 'nat' ? 'nat' : 'filter';
  return { type, hook, priority: tableName === table.name ? priority : priority + 1 };
}

/**
 * A rule that matches and does nothing only counts. So does one that may match, and then goes to a chain that does nothing but
 * log.
 */
function readRule(rule: SavedRule, context: RuleContext): Rule {
  const matches = readMatches(rule, context);
  const target = isIdleJump(rule, matches, context) ? [] : readTarget(rule, protocolOf(matches), context);
  // Matches before one that fails may have listed the address.
  const keepsLists = matches.some(changesList);
  if (!keepsLists && matches.some(({ kind }) => kind === 'never')) {
    return [...matches.filter(({ kind }) => kind === 'never' || kind === 'comment'), ...target].filter(isCertain);
  }
  const isWithoutEffect = target.length === 0;
  const statements = [...sortMatches(matches), ...(isWithoutEffect ? [{ kind: 'counter' } as const] : target)];
  return isWithoutEffect && !keepsLists ? statements.filter(isCertain) : statements;
}

function isIdleJump({ target }: SavedRule, matches: readonly Statement[], { idleChains }: RuleContext): boolean {
  return target !== undefined && !target.isGoto && idleChains.has(target.name) && !matches.every(isCertain);
}

function changesList({ kind }: Statement): boolean {
  return kind === 'update' || kind === 'delete';
}

function isCertain({ kind }: Statement): boolean {
  return kind !== 'uncertain';
}

function protocolOf(matches: readonly Statement[]): Protocol | undefined {
  const match = matches.find((one) => one.kind === 'match' && one.left.kind === 'l4proto' && !one.negated);
  return protocols.find((protocol) => match?.kind === 'match' && match.right === protocol);
}

/**
 * First what is certain and changes nothing, so that as few packets as possible come to chance, or to what is not understood. What
 * lists an address keeps its place: it depends on the matches before it.
 */
function sortMatches(matches: readonly Statement[]): Statement[] {
  const sorted: Statement[] = [];
  let part: Statement[] = [];
  const finish = (): void => {
    sorted.push(...part.sort((a, b) => rankOf(a) - rankOf(b)));
    part = [];
  };
  for (const match of matches) {
    if (changesList(match)) {
      finish();
      sorted.push(match);
    } else {
      part.push(match);
    }
  }
  finish();
  return sorted;
}

const ranks: Partial<Record<Statement['kind'], number>> = {
  comment: 1,
  'match-random': 2,
  'match-oifname': 3,
  uncertain: 3,
};

function rankOf({ kind }: Statement): number {
  return ranks[kind] ?? 0;
}
