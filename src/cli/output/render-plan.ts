import { isDeepStrictEqual } from 'node:util';
import type { TableOutcome } from '../../apply/outcome.ts';
import type { Finding } from '../../diff/describe-findings.ts';
import { isUnusedTable, type TablePlan } from '../../diff/plan-table.ts';
import type { FamilyChanges } from '../../inspect/changes/changes.ts';
import { describeChanges } from '../../inspect/changes/describe-changes.ts';
import { renderChanges, renderRemoved, type StaleFlowsFate } from '../../inspect/changes/render-changes.ts';
import { pushTo } from '../../lib/lists.ts';
import { countOf } from '../../lib/text.ts';
import type { Command } from '../../nft/command.ts';
import type { Ruleset } from '../../nft/ruleset.ts';
import type { NodeView } from '../../phases/3-model/model.ts';
import { isDispatchChainName } from '../../phases/5-plan/known-names.ts';
import { chainNames } from '../../phases/5-plan/names.ts';
import { readEarlierLayout } from '../../phases/5-plan/table-layouts.ts';

/** How a plan is printed. */
export interface RenderPlanOptions {
  /** Nothing has changed yet. */
  readonly would: boolean;
  readonly color: boolean;
  /** How many service ports get a line at most. */
  readonly limit: number;
  /** What becomes of stale UDP flows; default: `would be deleted`. */
  readonly staleFlows?: StaleFlowsFate;
}

/**
 * A heading, and below it findings and what differs in Service terms, or if that is nothing, the sets and chains that
 * differ; last, what is removed. Lines have no line feed at the end.
 */
export function renderPlan(plan: PlannedTable, options: RenderPlanOptions): string[] {
  const { family, table, result, commands } = plan;
  const name = `table ${family} ${table}`;
  if (result === 'unchanged') {
    return [`${name}: up to date`, ...indentSome(plan.findings.map(foundText), 'findings')];
  }
  const lines = renderLines(plan, options);
  const parts = lines.length === 0 && result === 'changed' ? summarizeParts(commands) : [];
  return [
    `${name}: ${options.would ? 'would be ' : ''}${result} (${summarizeCommands(commands)})`,
    ...lines,
    ...indentSome(parts, 'sets and chains'),
  ];
}

function renderLines(
  plan: PlannedTable,
  { would, color, limit, staleFlows = 'would be deleted' }: RenderPlanOptions,
): string[] {
  const { changes, findings } = plan.description ?? describePlan(plan);
  // Of a table that could not be read it is not known what differs.
  const isComparable = plan.result !== 'rebuilt' || plan.before !== undefined;
  // The heading says that a table is new, and the findings name the chains.
  const others = { ...changes, tableChange: 'kept', chains: [] } as const;
  const removed = renderRemoved(changes, { view: plan.view, limit: shown });
  return [
    ...indentSome(findings.map(foundText), 'findings'),
    ...(isComparable ? renderChanges(others, { color, limit, goneLimit: shown, staleFlows }).map(indent) : []),
    ...(removed === '' ? [] : [indent(`${would ? 'would remove' : 'removed'} ${removed}`)]),
  ];
}

function foundText({ message }: Finding): string {
  return `found: ${message}`;
}

/** How many lines of one kind are printed at most. */
const shown = 20;

function indentSome(lines: readonly string[], noun: string): string[] {
  const more = lines.length - shown;
  return (more > 1 ? [...lines.slice(0, shown), `... and ${more} more ${noun}`] : lines).map(indent);
}

function indent(line: string): string {
  return `  ${line}`;
}

/** A plan, or what became of it. */
export interface PlannedTable
  extends Pick<TablePlan, 'family' | 'table' | 'result' | 'before' | 'commands' | 'findings'> {
  readonly after: TableOutcome['after'];
  /** What it was planned from, which shows whose UDP flows are stale. */
  readonly view: NodeView | undefined;
  /** If it was described already. */
  readonly description?: DescribedPlan | undefined;
}

/** A plan in words. */
export interface DescribedPlan {
  readonly changes: FamilyChanges;
  /** What neither Services nor settings explain, including chains that differ. */
  readonly findings: readonly Finding[];
}

/** What differs in a table in Service terms, and findings: what must come from another program. */
export function describePlan({
  before,
  after,
  findings,
  view,
}: Pick<PlannedTable, 'before' | 'after' | 'findings' | 'view'>): DescribedPlan {
  const changes = describeChanges(before && withoutEmptyChains(before.ruleset), after, { view });
  // What an unused table lacks is in its findings.
  const unexplained = isUnusedTable(before)
    ? []
    : [...changes.chains, ...differingDispatchChains(changes, before?.ruleset, after)];
  const layout = before && readEarlierLayout(before.ruleset);
  const unreported = unexplained.filter(
    (chain) => !layout?.(chain) && !findings.some((finding) => finding.chain === chain),
  );
  const different = unreported.map((chain) => ({ message: `chain ${chain} has different rules`, chain }));
  return { changes, findings: [...findings, ...different] };
}

/** The same as data, with the result, the number of commands, and findings as texts. */
export function planData(plan: PlannedTable): object {
  const { changes, findings } = plan.description ?? describePlan(plan);
  return {
    ...changes,
    result: plan.result,
    commands: plan.commands.length,
    findings: findings.map(({ message }) => message),
  };
}

/** A flushed chain says nothing about settings. */
function withoutEmptyChains(ruleset: Ruleset): Ruleset {
  return { ...ruleset, chains: ruleset.chains.filter(({ rules }) => rules.length > 0) };
}

/** Dispatch chains with different rules; none when settings differ, because some of these rules depend on settings. */
function differingDispatchChains(
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

/** How much a transaction changes: `5 elements added, 4 elements deleted, 1 chain written`; for a new table `22 elements, 24 chains`. */
export function summarizeCommands(commands: readonly Command[]): string {
  const added = countElements(commands, 'add-elements');
  const chains = namesIn(commands, 'add-chain');
  if (commands.some(({ kind }) => kind === 'add-table')) {
    return [...(added > 0 ? [countOf(added, 'element')] : []), countOf(chains.size, 'chain')].join(', ');
  }
  const written = new Set([...chains, ...namesIn(commands, 'add-rule')]).size;
  const parts = [
    describe('element', { added, deleted: countElements(commands, 'delete-elements') }),
    describe('chain', { written, deleted: namesIn(commands, 'delete-chain').size }),
    describe('set', { added: namesIn(commands, 'add-set').size, deleted: namesIn(commands, 'delete-set').size }),
  ];
  const text = parts.filter((part) => part !== '').join(', ');
  return text === '' ? countOf(commands.length, 'command') : text;
}

/** The same for each set and chain: `hairpin-connections  1 element added`. */
export function summarizeParts(commands: readonly Command[]): string[] {
  const parts = new Map<string, Command[]>();
  for (const command of commands) {
    const name = nameIn(command);
    pushTo(parts, name, command);
  }
  return [...parts].map(([name, own]) => `${name}  ${summarizeCommands(own)}`);
}

/** `5 elements added, 4 elements deleted`; empty when all numbers are 0. */
function describe(noun: string, numbers: Readonly<Record<string, number>>): string {
  const some = Object.entries(numbers).filter(([, number]) => number > 0);
  return some.map(([verb, number]) => `${countOf(number, noun)} ${verb}`).join(', ');
}

function countElements(commands: readonly Command[], kind: 'add-elements' | 'delete-elements'): number {
  return commands.reduce((sum, command) => sum + (command.kind === kind ? command.elements.length : 0), 0);
}

function namesIn(commands: readonly Command[], kind: Command['kind']): ReadonlySet<string> {
  return new Set(commands.filter((command) => command.kind === kind).map(nameIn));
}

/** The set or chain that a command changes; empty for commands on the table. */
function nameIn(command: Command): string {
  if ('chain' in command) {
    return typeof command.chain === 'string' ? command.chain : command.chain.name;
  }
  if ('set' in command) {
    return typeof command.set === 'string' ? command.set : command.set.name;
  }
  return '';
}
