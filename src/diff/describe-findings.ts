import { isDeepStrictEqual } from 'node:util';
import { countOf, escapeControls } from '../lib/text.ts';
import type { Command } from '../nft/command.ts';
import type { ListedTable } from '../nft/listed-table.ts';
import type { Chain, FilledSet, Rule, Ruleset, SetDeclaration } from '../nft/ruleset.ts';
import { isEndpointMap, kindOfSet } from '../nft/ruleset-parts.ts';
import { planFilterChains } from '../phases/5-plan/base-chains.ts';
import { everyDispatchMap } from '../phases/5-plan/dispatch.ts';
import { firewallSets, planFirewallChains } from '../phases/5-plan/firewall.ts';
import { isKnownChain, isKnownSet } from '../phases/5-plan/known-names.ts';
import { setNames } from '../phases/5-plan/names.ts';
import { fixedChains, planFixedSets } from '../phases/5-plan/plan-ruleset.ts';
import { earlierLayoutText, readEarlierLayout } from '../phases/5-plan/table-layouts.ts';
import { foreignHooks } from './diff-rulesets.ts';

/** Something in a table that neither Services nor settings explain. */
export interface Finding {
  /** As human-readable text, one line: `chain services is empty`. */
  readonly message: string;
  /** The chain that it is about, if it is about one. */
  readonly chain?: string;
}

/**
 * What a table holds that neither Services nor settings explain, because another program changed it or another version
 * created it, sorted by kind. Differences of rules that depend on settings are left out: to explain
 * them takes both rulesets (compareSettings).
 *
 * @param commands the commands that repair it.
 */
export function describeFindings(
  { ruleset, deviations }: Pick<ListedTable, 'ruleset' | 'deviations'>,
  commands: readonly Command[],
): Finding[] {
  // One finding for all that an earlier version did otherwise, in place of one for each chain and set.
  const layout = readEarlierLayout(ruleset);
  const isExplained = layout ?? ((): boolean => false);
  const found: Finding[] = [
    ...deviations.map(({ message, chain }) => ({ message, ...(chain !== undefined && { chain }) })),
    ...(layout ? [{ message: `${earlierLayoutText}; it is brought up to date` }] : []),
    ...describeChains(ruleset, commands).filter(({ chain = '' }) => !isExplained(chain)),
    ...[
      ...describeSets(ruleset, commands, isExplained),
      ...ruleset.sets.filter(({ name }) => !isExplained(name)).flatMap(describeElements),
    ].map((message) => ({ message })),
  ];
  return found.map((finding) => ({ ...finding, message: escapeControls(finding.message) }));
}

function describeChains(ruleset: Ruleset, commands: readonly Command[]): Finding[] {
  const { chains } = ruleset;
  const added = commands.flatMap((command) => (command.kind === 'add-chain' ? [command.chain.name] : []));
  const known = new Set(chains.map(({ name }) => name));
  const isExpected = (name: string): boolean =>
    fixedChains.has(name) ||
    (firewallChains.has(name) && hasSourceRanges(ruleset)) ||
    (filterChains.has(name) && chains.some((chain) => filterChains.has(chain.name)));
  const missing = added.filter((name) => isExpected(name) && !known.has(name));
  const written = rulesWritten(commands);
  const hooked = new Set(foreignHooks(ruleset));
  return [
    ...missing.map((name) => ({ message: `chain ${name} is missing`, chain: name })),
    ...chains.flatMap((chain) => {
      const { name } = chain;
      if (!isKnownChain(name)) {
        return [{ message: `unknown chain ${name}`, chain: name }];
      }
      const problems = [
        ...(hooked.has(name) ? ['has a different hook'] : []),
        ...describeRules(chain, written.get(name)),
      ];
      return problems.map((problem) => ({ message: `chain ${name} ${problem}`, chain: name }));
    }),
  ];
}

function rulesWritten(commands: readonly Command[]): ReadonlyMap<string, readonly Rule[]> {
  const written = new Map<string, Rule[]>();
  for (const command of commands) {
    if (command.kind === 'add-rule') {
      const rules = written.get(command.chain) ?? [];
      rules.push(command.rule);
      written.set(command.chain, rules);
    }
  }
  return written;
}

/** The compiler never creates an empty chain. Rules that were not understood, which are empty, are reported already. */
function describeRules(chain: Chain, written: readonly Rule[] | undefined): string[] {
  const { name, rules } = chain;
  if (rules.length === 0) {
    return ['is empty'];
  }
  // Different rules need not be a foreign change where they depend on settings, or on Services.
  const isFixed = fixedChains.get(name)?.length === 0 || firewallChains.has(name) || filterChains.has(name);
  const isSuspect = isFixed && rules.every((rule) => rule.length > 0);
  return isSuspect && written && !isDeepStrictEqual(rules, written) ? ['has different rules'] : [];
}

const filterChains: ReadonlySet<string> = new Set(planFilterChains().map(({ name }) => name));
const firewallChains: ReadonlySet<string> = new Set(planFirewallChains().map(({ name }) => name));
const fixedSetNames: ReadonlySet<string> = new Set(
  planFixedSets({ counters: false, localhostNodePorts: 'untouched' }).map(({ name }) => name),
);
const firewallSetNames: ReadonlySet<string> = new Set(firewallSets.map(({ name }) => name));

/** Whether a table has sets or chains for source ranges, and so should have all of them. */
function hasSourceRanges({ sets, chains }: Ruleset): boolean {
  return sets.some(({ name }) => firewallSetNames.has(name)) || chains.some(({ name }) => firewallChains.has(name));
}

function describeSets(
  ruleset: Ruleset,
  commands: readonly Command[],
  isExplained: (name: string) => boolean,
): string[] {
  const { sets } = ruleset;
  const foreign = sets.filter(({ name }) => !isKnownSet(name));
  const added = commands.flatMap((command) => (command.kind === 'add-set' ? [command.set] : []));
  const isExpected = (name: string): boolean =>
    fixedSetNames.has(name) || (firewallSetNames.has(name) && hasSourceRanges(ruleset));
  return [
    ...added
      .filter(({ name }) => isExpected(name) && !isExplained(name))
      .flatMap((desired) => describeSet(desired, sets)),
    ...foreign.map((set) => `unknown ${kindOfSet(set)} ${set.name}`),
  ];
}

/** What is wrong with a set that the table should have and that has to be added. Whether maps have counters is a setting. */
function describeSet(desired: SetDeclaration, sets: readonly FilledSet[]): string[] {
  const found = sets.find(({ name }) => name === desired.name);
  if (!found) {
    return [`${kindOfSet(desired)} ${desired.name} is missing`];
  }
  const { elements, lists, ...declaration } = found;
  const isOwn = everyDispatchMap.some((map) => isDeepStrictEqual(declaration, map));
  return isOwn || isDeepStrictEqual(declaration, desired)
    ? []
    : [`${kindOfSet(desired)} ${desired.name} has a different declaration`];
}

/** Sets whose elements all have the name of a Service as comment. */
const commentedSets: ReadonlySet<string> = new Set([
  setNames.clusterIps,
  setNames.serviceIps,
  setNames.serviceNodePorts,
  setNames.noEndpointServices,
  setNames.noEndpointNodePorts,
  setNames.localhostNodePorts,
  setNames.firewallIps,
]);

/** Elements without the name of a Service, and those of an endpoint map that are not in an endpoint list. */
function describeElements(set: FilledSet): string[] {
  const { name, elements } = set;
  const unknown = isEndpointMap(set)
    ? elements
    : elements.filter(({ comment }) => commentedSets.has(name) && comment === undefined);
  if (unknown.length === 0) {
    return [];
  }
  return [`${name} has ${countOf(unknown.length, 'unknown element')}: ${someOf(unknown)}`];
}

function someOf(elements: readonly { readonly key: string }[]): string {
  const shown = elements.slice(0, 3).map(({ key }) => key);
  return [...shown, ...(elements.length > 3 ? ['...'] : [])].join(', ');
}
