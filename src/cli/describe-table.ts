import { isDeepStrictEqual } from 'node:util';
import type { Command } from '../diff/command.ts';
import type { Family } from '../network.ts';
import { isDispatchChainName } from '../phases/5-plan/dispatch-chains.ts';
import { chainNames } from '../phases/5-plan/names.ts';
import type { Ruleset } from '../phases/5-plan/ruleset.ts';
import { describeChanges } from '../report/describe-changes.ts';
import type { FamilyChanges } from '../report/family-changes.ts';

/** One table before and after, and what leads from one to the other. */
export interface TableChange {
  readonly family: Family;
  readonly table: string;
  /** `made`: there was no table. `rebuilt`: it is made anew, whatever it held. */
  readonly result: 'unchanged' | 'made' | 'changed' | 'rebuilt';
  /** Undefined where there was no table, and where nobody could read what it held. */
  readonly before: Ruleset | undefined;
  readonly after: Ruleset | undefined;
  readonly commands: readonly Command[];
  /** What neither Services nor settings explain, as far as the table tells by itself (describeFindings). */
  readonly findings: readonly string[];
}

/** A change in words. */
export interface DescribedTable {
  readonly changes: FamilyChanges;
  /** What neither Services nor settings explain, chains that differ for no such reason among it. */
  readonly findings: readonly string[];
}

/** Says in Service terms what differs in a table, and what was found that must be somebody else's doing. */
export function describeTable({ before, after, findings }: TableChange): DescribedTable {
  const changes = describeChanges(before && withoutEmptyChains(before), after);
  const unexplained = [...changes.chains, ...otherDispatchChains(changes, before, after)];
  const untold = unexplained.filter((chain) => !findings.some((text) => isAbout(text, chain)));
  return { changes, findings: [...findings, ...untold.map((chain) => `chain ${chain} has other rules`)] };
}

/** A chain that was flushed says nothing of settings. */
function withoutEmptyChains(ruleset: Ruleset): Ruleset {
  return { ...ruleset, chains: ruleset.chains.filter(({ rules }) => rules.length > 0) };
}

/** Chains for numbers of endpoints with rules that differ, where settings, on which some of these depend, do not. */
function otherDispatchChains(
  { settings, chains }: FamilyChanges,
  before: Ruleset | undefined,
  after: Ruleset | undefined,
): string[] {
  if (settings.length > 0 || chains.includes(chainNames.services)) {
    return [];
  }
  const rules = new Map(after?.chains.map((chain) => [chain.name, chain.rules]));
  const dispatching = before?.chains.filter(({ name }) => isDispatchChainName(name) && rules.has(name)) ?? [];
  return dispatching.filter((chain) => !isDeepStrictEqual(chain.rules, rules.get(chain.name))).map(({ name }) => name);
}

function isAbout(finding: string, chain: string): boolean {
  return finding.startsWith(`chain ${chain} `) || finding.startsWith(`chain ${chain}: `);
}
