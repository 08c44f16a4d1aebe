import type { Family } from '../net/network.ts';
import type { Command } from '../nft/command.ts';
import type { ListedTable, TableFlag } from '../nft/listed-table.ts';
import type { Ruleset } from '../nft/ruleset.ts';
import { isEndpointMap } from '../nft/ruleset-parts.ts';
import { isKnownChain } from '../phases/5-plan/known-names.ts';
import { describeFindings, type Finding } from './describe-findings.ts';
import { diffRulesets, foreignHooks, replaceTable } from './diff-rulesets.ts';
import { deletePins, findInvalidatedPins, restorePins, splitPins } from './pins.ts';
import { indexTable, rulesetOfTable, type TableState } from './table-state.ts';

/** What brings one table to the desired state: printed by `diff`, checked by `apply --dry-run`, sent by `apply`. */
export interface TablePlan {
  readonly family: Family;
  readonly table: string;
  /**
   * `unchanged`: nothing differs. `created`: there is no table yet. `changed`: the table takes the difference.
   * `rebuilt`: it is deleted and created in one transaction.
   */
  readonly result: 'unchanged' | 'created' | 'changed' | 'rebuilt';
  /** One transaction; empty for `unchanged`. */
  readonly commands: readonly Command[];
  /**
   * The last of the commands, if they delete pins from a table that stays. Packets change pins at any moment, and nft then
   * refuses the transaction; the others can be sent without them.
   */
  readonly pinCommands: readonly Command[];
  /** Whether no packet passes the table before the change, so that the commands may be sent in parts: splitCommands. */
  readonly isUnused: boolean;
  /** The table as it was read; undefined when there is none or it cannot be read. */
  readonly before: ListedTable | undefined;
  /** The table afterward. */
  readonly after: Ruleset;
  /** What the table held that neither Services nor settings explain. */
  readonly findings: readonly Finding[];
}

/**
 * Plans the transaction that brings a table to the desired ruleset: the difference, or a new table where commands on
 * single parts cannot repair it. Clients keep their pins, except for those whose endpoint is gone.
 *
 * @param actual the table as it was read; undefined when there is none.
 * @param options.rebuild plan a new table in any case: the difference was refused, or the table cannot be read.
 * @param options.flags those of a table that cannot be read.
 * @param options.owns plan a table that the nft of the transaction owns, and that outlives it.
 * @throws TypeError for what is not a ruleset or a listed table.
 */
export function planTable(
  desired: Ruleset,
  actual: ListedTable | undefined,
  { rebuild = false, flags: before = actual?.flags, owns = false }: PlanOptions = {},
): TablePlan {
  const { family, table } = desired;
  const isNewTable = rebuild || !actual || needsRebuild(actual) || (owns && !isAdoptable(actual));
  const { commands, after } = isNewTable
    ? replaceTable(desired, { before, after: owns ? ownedFlags : undefined })
    : diffRulesets(actual.ruleset, desired);
  const pins = actual ? planPins(actual, after, isNewTable) : [];
  const all = [...commands, ...pins];
  const isUnused = !(rebuild && !actual) && isUnusedTable(actual);
  return {
    family,
    table,
    result: resultOf({ isNewTable, exists: rebuild || Boolean(actual), isEmpty: all.length === 0 }),
    commands: all,
    pinCommands: isNewTable ? [] : pins,
    isUnused,
    before: actual ?? undefined,
    after: rulesetOfTable(after),
    // Of a table that is rebuilt by request the commands say nothing about what is wrong with it.
    findings: actual ? findingsOf(actual, rebuild ? [] : all) : [],
  };
}

interface PlanOptions {
  readonly rebuild?: boolean;
  readonly flags?: readonly TableFlag[] | undefined;
  readonly owns?: boolean;
}

/** The flags of a table that its owner leaves behind. */
const ownedFlags: readonly TableFlag[] = ['owner', 'persist'];

/** Whether a table can become somebody's own as it is: the kernel takes this flag only when it creates a table. */
export function isAdoptable({ flags = [] }: ListedTable): boolean {
  return flags.includes('persist');
}

/** Of a table without base chains one finding says that parts are missing. */
function findingsOf(actual: ListedTable, commands: readonly Command[]): Finding[] {
  if (!isUnusedTable(actual)) {
    return describeFindings(actual, commands);
  }
  const { ruleset } = actual;
  const chains = ruleset.chains.filter(({ name, rules }) => rules.length > 0 || !isKnownChain(name));
  // Parts come in any order, so an endpoint list may lack its beginning.
  const sets = ruleset.sets.map((set) => (isEndpointMap(set) ? { ...set, elements: [] } : set));
  const message =
    'the table has no base chains, so no packet passes it; an apply that was interrupted leaves it like this';
  return [{ message }, ...describeFindings({ ...actual, ruleset: { ...ruleset, chains, sets } }, [])];
}

/**
 * Whether no packet passes a table: there is none, or it has no base chain, as when a first load in parts did not finish.
 * A table with something that is not understood may have others.
 */
export function isUnusedTable(actual: ListedTable | undefined): boolean {
  return (
    !actual ||
    (actual.ruleset.chains.every(({ hook }) => hook === undefined) &&
      actual.deviations.every(({ needsRebuild }) => !needsRebuild))
  );
}

/** Transactions for a table that no packet passes. */
export interface SplitCommands {
  /** One after the other: removals, then sets and chains. */
  readonly first: readonly (readonly Command[])[];
  /** After those, in any order: elements only. */
  readonly elements: readonly (readonly Command[])[];
  /** At the end: the base chains. */
  readonly last: readonly Command[];
}

/**
 * Splits the commands for a table that no packet passes into transactions of at most `size` elements or other commands each.
 * Only the last one creates base chains, so that packets pass either none of the table or all of it; what a start that does not
 * finish leaves behind is unused as well. Undefined for commands that fit into one transaction.
 */
export function splitCommands(commands: readonly Command[], size: number): SplitCommands | undefined {
  if (commands.reduce((sum, command) => sum + lengthOf(command), 0) <= size) {
    return undefined;
  }
  const baseChains = new Set(
    commands.flatMap((command) => (command.kind === 'add-chain' && command.chain.hook ? [command.chain.name] : [])),
  );
  const isLast = (command: Command): boolean =>
    (command.kind === 'add-chain' && baseChains.has(command.chain.name)) ||
    (command.kind === 'add-rule' && baseChains.has(command.chain));
  const others = commands.filter((command) => !isLast(command));
  // changeTable and planTable put them at the end.
  const end = others.findLastIndex(({ kind }) => kind !== 'add-elements' && kind !== 'add-pins') + 1;
  return {
    first: partsOf(others.slice(0, end), size),
    elements: partsOf(others.slice(end), size),
    last: commands.filter(isLast),
  };
}

function partsOf(commands: readonly Command[], size: number): (readonly Command[])[] {
  const parts: Command[][] = [];
  let room = 0;
  for (const command of commands) {
    const length = lengthOf(command);
    for (let start = 0; start < length; ) {
      if (room === 0) {
        parts.push([]);
        room = size;
      }
      const end = Math.min(length, start + room);
      parts.at(-1)?.push(sliceOf(command, start, end));
      room -= end - start;
      start = end;
    }
  }
  return parts;
}

/** How many elements a command has; 1 for other commands. */
function lengthOf(command: Command): number {
  if ('elements' in command) {
    return command.elements.length;
  }
  return command.kind === 'add-pins' ? command.pins.length : 1;
}

/** A command with some of its elements; other commands as they are. */
function sliceOf(command: Command, start: number, end: number): Command {
  if ('elements' in command) {
    return { ...command, elements: command.elements.slice(start, end) };
  }
  return command.kind === 'add-pins' ? { ...command, pins: command.pins.slice(start, end) } : command;
}

function needsRebuild({ ruleset, deviations }: ListedTable): boolean {
  return deviations.some((deviation) => deviation.needsRebuild) || foreignHooks(ruleset).length > 0;
}

/** Deletes invalid pins from a table that stays, and writes valid ones into a new table. */
function planPins({ dynamic, ruleset }: ListedTable, after: TableState, isNewTable: boolean): Command[] {
  if (dynamic.size === 0) {
    return [];
  }
  const { kept, lost } = splitPins(dynamic, after, findInvalidatedPins(indexTable(ruleset).sets, after.sets));
  return isNewTable ? restorePins(kept) : deletePins(lost).filter(({ set }) => after.sets.has(set));
}

function resultOf({
  isNewTable,
  exists,
  isEmpty,
}: {
  readonly isNewTable: boolean;
  readonly exists: boolean;
  readonly isEmpty: boolean;
}): TablePlan['result'] {
  if (isEmpty) {
    return 'unchanged';
  }
  if (!isNewTable) {
    return 'changed';
  }
  return exists ? 'rebuilt' : 'created';
}
