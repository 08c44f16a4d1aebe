import type { Family } from '../net/network.ts';
import type { Command } from '../nft/command.ts';
import type { ListedTable } from '../nft/listed-table.ts';
import type { Ruleset } from '../nft/ruleset.ts';
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
 */
export function planTable(
  desired: Ruleset,
  actual: ListedTable | undefined,
  { rebuild = false }: { readonly rebuild?: boolean } = {},
): TablePlan {
  const { family, table } = desired;
  const isNewTable = rebuild || !actual || needsRebuild(actual);
  const { commands, after } = isNewTable ? replaceTable(desired) : diffRulesets(actual.ruleset, desired);
  const pins = actual ? planPins(actual, after, isNewTable) : [];
  const all = [...commands, ...pins];
  return {
    family,
    table,
    result: resultOf({ isNewTable, exists: rebuild || actual !== undefined, isEmpty: all.length === 0 }),
    commands: all,
    pinCommands: isNewTable ? [] : pins,
    before: actual,
    after: rulesetOfTable(after),
    // Of a table that is rebuilt by request the commands say nothing about what is wrong with it.
    findings: actual ? describeFindings(actual, rebuild ? [] : all) : [],
  };
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
