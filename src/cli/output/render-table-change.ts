import { isDeepStrictEqual } from 'node:util';
import type { FamilyChanges } from '../../inspect/changes/changes.ts';
import { describeChanges } from '../../inspect/changes/describe-changes.ts';
import { renderChanges } from '../../inspect/changes/render-changes.ts';
import type { Family } from '../../net/network.ts';
import type { Command } from '../../nft/command.ts';
import type { Ruleset } from '../../nft/ruleset.ts';
import { isDispatchChainName } from '../../phases/5-plan/dispatch-chains.ts';
import { chainNames } from '../../phases/5-plan/names.ts';

/** How a change is told. */
interface RenderTableOptions {
  /** It has not happened. */
  readonly would: boolean;
  readonly color: boolean;
  /** How many service ports get a line. */
  readonly limit: number;
}

/**
 * A heading, and below it what was found and what differs in Service terms; where that is nothing, the sets and chains
 * that differ. Lines without line feeds at their ends.
 */
export function renderTable(change: TableChange, options: RenderTableOptions): string[] {
  const { family, table, result, commands } = change;
  const name = `table ${family} ${table}`;
  if (result === 'unchanged') {
    return [`${name}: up to date`, ...indentSome(change.findings.map(foundText), 'findings')];
  }
  const lines = renderLines(change, options);
  const parts = lines.length === 0 && result === 'changed' ? summariseParts(commands) : [];
  return [
    `${name}: ${options.would ? 'would be ' : ''}${words[result]} (${summariseCommands(commands)})`,
    ...lines,
    ...indentSome(parts, 'sets and chains'),
  ];
}

const words = { made: 'made', changed: 'changed', rebuilt: 'made anew' } as const;

function renderLines(change: TableChange, { color, limit }: RenderTableOptions): string[] {
  const { changes, findings } = describeTable(change);
  // What differs from a table that nobody could read is not known.
  const isComparable = change.result !== 'rebuilt' || change.before !== undefined;
  // That a table is new is in the heading, and the findings name the chains.
  const others = { ...changes, tableChange: 'kept', chains: [] } as const;
  return [
    ...indentSome(findings.map(foundText), 'findings'),
    ...(isComparable ? renderChanges(others, { color, limit }).map(indent) : []),
  ];
}

function foundText(finding: string): string {
  return `found: ${finding}`;
}

/** How many lines of one kind there are at most. */
const shown = 20;

function indentSome(lines: readonly string[], noun: string): string[] {
  const more = lines.length - shown;
  return (more > 1 ? [...lines.slice(0, shown), `... and ${more} more ${noun}`] : lines).map(indent);
}

function indent(line: string): string {
  return `  ${line}`;
}

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
interface DescribedTable {
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

/** How much a transaction writes: `5 elements added, 4 deleted, 1 chain written`, of a new table `22 elements, 24 chains`. */
export function summariseCommands(commands: readonly Command[]): string {
  const added = countElements(commands, 'add-elements');
  const made = namesIn(commands, 'add-chain');
  if (commands.some(({ kind }) => kind === 'add-table')) {
    return [...(added > 0 ? [plural(added, 'element')] : []), plural(made.size, 'chain')].join(', ');
  }
  const written = new Set([...made, ...namesIn(commands, 'add-rule')]).size;
  const parts = [
    describe('element', { added, deleted: countElements(commands, 'delete-elements') }),
    describe('chain', { written, deleted: namesIn(commands, 'delete-chain').size }),
    describe('set', { added: namesIn(commands, 'add-set').size, deleted: namesIn(commands, 'delete-set').size }),
  ];
  const text = parts.filter((part) => part !== '').join(', ');
  return text === '' ? plural(commands.length, 'command') : text;
}

/** The same for each set and chain by itself: `hairpin-connections  1 element added`. */
export function summariseParts(commands: readonly Command[]): string[] {
  const parts = new Map<string, Command[]>();
  for (const command of commands) {
    const name = nameIn(command);
    const others = parts.get(name);
    if (others) {
      others.push(command);
    } else {
      parts.set(name, [command]);
    }
  }
  return [...parts].map(([name, own]) => `${name}  ${summariseCommands(own)}`);
}

/** `5 elements added, 4 deleted`; nothing where all numbers are 0. */
function describe(noun: string, numbers: Readonly<Record<string, number>>): string {
  const some = Object.entries(numbers).filter(([, number]) => number > 0);
  return some
    .map(([verb, number], index) => `${index === 0 ? plural(number, noun) : number.toLocaleString('en')} ${verb}`)
    .join(', ');
}

function plural(number: number, noun: string): string {
  return `${number.toLocaleString('en')} ${number === 1 ? noun : `${noun}s`}`;
}

function countElements(commands: readonly Command[], kind: 'add-elements' | 'delete-elements'): number {
  return commands.reduce((sum, command) => sum + (command.kind === kind ? command.elements.length : 0), 0);
}

function namesIn(commands: readonly Command[], kind: Command['kind']): ReadonlySet<string> {
  return new Set(commands.filter((command) => command.kind === kind).map(nameIn));
}

/** The set or chain that a command is about; nothing for those about the table. */
function nameIn(command: Command): string {
  if ('chain' in command) {
    return typeof command.chain === 'string' ? command.chain : command.chain.name;
  }
  if ('set' in command) {
    return typeof command.set === 'string' ? command.set : command.set.name;
  }
  return '';
}
