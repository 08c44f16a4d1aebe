import { isDeepStrictEqual } from 'node:util';
import type { Command } from '../nft/command.ts';
import type { Ruleset } from '../nft/ruleset.ts';
import { setsOf } from '../nft/ruleset-parts.ts';
import { baseChains, pinBaseChains } from '../phases/5-plan/base-chains.ts';
import { changeInstalled } from './change-installed.ts';
import { idleChains } from './idle-chains.ts';
import {
  emptyWanted,
  type Installed,
  indexInstalled,
  nothingInstalled,
  type Wanted,
  wantChain,
  wantElement,
  wantList,
  wantSet,
} from './installed.ts';

/** The commands that lead from one ruleset to another, and the table as it then stands. */
interface Difference {
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
    for (const { key, endpointAddresses } of lists) {
      wantList(wanted, name, key, endpointAddresses);
    }
  }
  for (const chain of chains) {
    wantChain(wanted, chain.name, chain);
  }
  return wanted;
}

const hooks = new Map(
  [...baseChains, ...pinBaseChains].map(({ name, type, hook, priority }) => [name, { type, hook, priority }]),
);

/**
 * Names of chains that the kernel calls where no chain of that name belongs, or not where it belongs. A base chain cannot
 * be altered in place, nor can a chain become one, so such a table has to be made anew.
 */
export function foreignHooks({ chains }: Ruleset): string[] {
  return chains.filter(({ name, hook }) => !isDeepStrictEqual(hook, hooks.get(name))).map(({ name }) => name);
}

/** Wants nothing else than what is wanted already, except for idle chains and the empty maps that they read. */
export function wantAbsences(wanted: Wanted, installed: Installed): void {
  const idleMaps = wantIdleChains(wanted, installed);
  for (const [name, { declaration, elements, lists }] of installed.sets) {
    if (!wanted.sets.has(name)) {
      wantSet(wanted, name, idleMaps.has(name) ? declaration : undefined);
    }
    for (const key of missingIn(wanted.elements.get(name), elements)) {
      wantElement(wanted, name, key, undefined);
    }
    for (const key of missingIn(wanted.lists.get(name), lists)) {
      wantList(wanted, name, key, undefined);
    }
  }
}

/** Lets go of all chains that are not wanted but the idle ones; the names of the sets that these use. */
function wantIdleChains(wanted: Wanted, { chains, sets }: Installed): Set<string> {
  const unused = [...chains.values()].filter(({ name }) => !wanted.chains.has(name));
  const idle = idleChains(unused, {
    set: (name) => wanted.sets.has(name) || sets.get(name)?.declaration.key.includes('index') === true,
    chain: (name) => wanted.chains.has(name),
  });
  for (const chain of unused) {
    wantChain(wanted, chain.name, undefined);
  }
  for (const chain of idle) {
    wantChain(wanted, chain.name, chain);
  }
  return new Set(idle.flatMap(({ rules }) => rules.flatMap(setsOf)));
}

function missingIn(
  wanted: ReadonlyMap<string, unknown> | undefined,
  installed: ReadonlyMap<string, unknown>,
): string[] {
  return [...installed.keys()].filter((key) => !wanted?.has(key));
}
