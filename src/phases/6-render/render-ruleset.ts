import type { Family } from '../../network.ts';
import type { Chain, Hook, Ruleset } from '../5-plan/ruleset.ts';
import { renderRule } from './render-rule.ts';
import { renderSet } from './render-set.ts';
import { block, identifier, indent, quote } from './render-text.ts';

/** A comment on top of the file, for whoever finds it. */
export interface Heading {
  /** Lines of plain text, without the `#`. */
  readonly lines: readonly string[];
}

/**
 * The text for `nft -f`: replaces our table of every family given, in one transaction, whatever the tables held before,
 * and touches no other.
 */
export function renderRulesets(rulesets: readonly Ruleset[], heading: Heading): string {
  const top = heading.lines.map((line) => `# ${line}`);
  const tables = rulesets.flatMap((ruleset) => ['', ...renderRuleset(ruleset)]);
  return `${[...top, ...tables].join('\n')}\n`;
}

/** nft before 1.0.8 has no `destroy`: a table that is added first can be deleted, whether it was there or not. */
function renderRuleset({ family, table, comment, sets, chains }: Ruleset): string[] {
  const name = `table ${family} ${identifier(table)}`;
  const parts = [...sets.map((set) => renderSet(set, family)), ...chains.map((chain) => renderChain(chain, family))];
  const body = parts.flatMap((part) => ['', ...part]);
  return [`add ${name}`, `delete ${name}`, ...block(0, name, [indent(1, `comment ${quote(comment)};`), ...body])];
}

function renderChain({ name, hook, rules }: Chain, family: Family): string[] {
  const lines = [...(hook ? [renderHook(hook)] : []), ...rules.map((rule) => renderRule(rule, family))];
  return block(
    1,
    `chain ${identifier(name)}`,
    lines.map((line) => indent(2, line)),
  );
}

/** Where the kernel calls a base chain. */
export function renderHook({ type, hook, priority }: Hook): string {
  return `type ${type} hook ${hook} priority ${priority}; policy accept;`;
}
