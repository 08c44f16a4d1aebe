import { diffRulesets } from '../../src/diff/diff-rulesets.ts';
import { rulesetOfTable } from '../../src/diff/table-state.ts';
import { printTransaction } from '../../src/nft/command.ts';
import type { Ruleset } from '../../src/nft/ruleset.ts';

/** What leads from one ruleset to another, a line of nft text for each command or element of a long list. */
export function textBetween(before: Ruleset | undefined, after: Ruleset): string[] {
  const text = printTransaction({ ...after, commands: diffRulesets(before, after).commands });
  return text.split('\n').slice(0, -1);
}

/** What a table holds that came through some states in turn. */
export function heldAfter(states: readonly Ruleset[]): Ruleset | undefined {
  return states.reduce<Ruleset | undefined>((held, next) => rulesetOfTable(diffRulesets(held, next).after), undefined);
}
