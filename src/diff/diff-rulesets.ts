import type { Ruleset } from '../phases/5-plan/ruleset.ts';
import { changeInstalled } from './change-installed.ts';
import type { Command } from './command.ts';
import { foreignHooks } from './foreign-hooks.ts';
import { indexInstalled, nothingInstalled } from './index-installed.ts';
import type { Installed, Wanted } from './installed.ts';
import { wantAbsences } from './want-absences.ts';
import { emptyWanted, wantChain, wantElement, wantList, wantSet } from './wanted.ts';

/** The commands that lead from one ruleset to another, and the table as it then stands. */
export interface Difference {
  readonly commands: readonly Command[];
  readonly installed: Installed;
  /** Whether single commands would not do and the table is made anew. */
  readonly isNewTable: boolean;
}

/**
 * What turns a table that holds `before` (undefined: there is none) into one that holds `after`. Endpoint lists keep
 * their installed order, whose meaning is the same, and chains for numbers of endpoints that nobody has may stay
 * (idleChains); all else is as if `after` had been loaded alone. No commands when nothing differs.
 */
export function diffRulesets(before: Ruleset | undefined, after: Ruleset): Difference {
  if (!before) {
    return { ...install(after), isNewTable: true };
  }
  if (foreignHooks(before).length > 0) {
    return replaceTable(after);
  }
  const installed = indexInstalled(before);
  const wanted = wantedOf(after);
  wantAbsences(wanted, installed);
  return { commands: changeInstalled(installed, wanted), installed, isNewTable: false };
}

/** Deletes a table, whatever it holds, and makes it anew in the same transaction, so that no packet finds it missing. */
export function replaceTable(after: Ruleset): Difference {
  const { commands, installed } = install(after);
  return { commands: [{ kind: 'delete-table' }, ...commands], installed, isNewTable: true };
}

function install(after: Ruleset): { commands: Command[]; installed: Installed } {
  const installed = nothingInstalled(after.family, after.table);
  return { commands: changeInstalled(installed, wantedOf(after)), installed };
}

function wantedOf({ sets, chains }: Ruleset): Wanted {
  const wanted = emptyWanted();
  for (const { elements, lists = [], ...declaration } of sets) {
    const { name } = declaration;
    wantSet(wanted, name, declaration);
    for (const element of elements) {
      wantElement(wanted, name, element.key, element);
    }
    for (const { key, sockets } of lists) {
      wantList(wanted, name, key, sockets);
    }
  }
  for (const chain of chains) {
    wantChain(wanted, chain.name, chain);
  }
  return wanted;
}
