import { isDeepStrictEqual } from 'node:util';
import type { Command } from '../nft/command.ts';
import type { TableFlag } from '../nft/listed-table.ts';
import type { Chain, Ruleset, SetDeclaration } from '../nft/ruleset.ts';
import { isEndpointMap, setsOf, targetsOf } from '../nft/ruleset-parts.ts';
import { hooksOfBaseChains } from '../phases/5-plan/base-chains.ts';
import { isDispatchChainName } from '../phases/5-plan/known-names.ts';
import { setNames } from '../phases/5-plan/names.ts';
import { changeTable } from './change-table.ts';
import {
  type DesiredParts,
  indexTable,
  noDesiredParts,
  noTable,
  setElement,
  setEndpoints,
  type TableState,
} from './table-state.ts';

/** The commands that lead from one ruleset to another, and the table once they are carried out. */
interface Difference {
  readonly commands: readonly Command[];
  readonly after: TableState;
  /** Whether the table is created, or deleted and created again. */
  readonly isNewTable: boolean;
}

/**
 * What turns a table that holds `before` (undefined: no table) into one that holds `desired`; no commands when nothing
 * differs. Endpoint lists keep their order in the kernel, which has no meaning, and unused chains for numbers of
 * endpoints may stay (idleChains); everything else is as if `desired` had been loaded alone.
 * The order of the commands: change-table.ts.
 */
export function diffRulesets(before: Ruleset | undefined, desired: Ruleset): Difference {
  if (!before) {
    return { ...createTable(desired), isNewTable: true };
  }
  if (foreignHooks(before).length > 0) {
    return replaceTable(desired);
  }
  const table = indexTable(before);
  const parts = desiredPartsOf(desired);
  removeUndesired(parts, table);
  return { commands: changeTable(table, parts), after: table, isNewTable: false };
}

/**
 * Deletes a table, whatever it holds, and creates it in the same transaction, so that no packet finds it missing.
 *
 * @param flags those that the table has, and those that it gets.
 */
export function replaceTable(
  desired: Ruleset,
  flags: { readonly before?: readonly TableFlag[] | undefined; readonly after?: readonly TableFlag[] | undefined } = {},
): Difference {
  const { commands, after } = createTable(desired);
  const deletion: Command = { kind: 'delete-table', ...(flags.before && { flags: flags.before }) };
  const creation = commands.map((command) =>
    command.kind === 'add-table' && flags.after ? { ...command, flags: flags.after } : command,
  );
  return { commands: [deletion, ...creation], after, isNewTable: true };
}

function createTable(desired: Ruleset): { commands: Command[]; after: TableState } {
  const table = noTable(desired.family, desired.table);
  return { commands: changeTable(table, desiredPartsOf(desired)), after: table };
}

function desiredPartsOf({ sets, chains }: Ruleset): DesiredParts {
  const desired = noDesiredParts();
  for (const { elements, lists = [], ...declaration } of sets) {
    const { name } = declaration;
    desired.sets.set(name, declaration);
    for (const element of elements) {
      setElement(desired, name, element.key, element);
    }
    for (const { key, endpointAddresses } of lists) {
      setEndpoints(desired, name, key, endpointAddresses);
    }
  }
  for (const chain of chains) {
    desired.chains.set(chain.name, chain);
  }
  return desired;
}

/**
 * Names of chains with a hook that the compiler does not give them, or without one that it does. The hook of a chain
 * cannot be changed in place, so the table has to be rebuilt.
 */
export function foreignHooks({ chains }: Ruleset): string[] {
  return chains
    .filter(({ name, hook }) => !isDeepStrictEqual(hook, hooksOfBaseChains.get(name)))
    .map(({ name }) => name);
}

/** Removes everything from the table that is not desired, except for idle chains and the empty maps that they read. */
export function removeUndesired(desired: DesiredParts, actual: TableState): void {
  const idleMaps = removeUnusedChains(desired, actual);
  for (const [name, { declaration, elements, lists }] of actual.sets) {
    if (!desired.sets.has(name)) {
      desired.sets.set(name, idleMaps.has(name) ? declaration : undefined);
    }
    for (const key of missingIn(desired.elements.get(name), elements)) {
      setElement(desired, name, key, undefined);
    }
    for (const key of missingIn(desired.lists.get(name), lists)) {
      setEndpoints(desired, name, key, undefined);
    }
  }
}

/** Removes all chains that are not desired, except for idle ones; returns the names of the sets that these use. */
function removeUnusedChains(desired: DesiredParts, { chains, sets }: TableState): Set<string> {
  const unused = [...chains.values()].filter(({ name }) => !desired.chains.has(name));
  // A Service that needs it again would have to replace one that is declared otherwise.
  const isIdleMap = (map: SetDeclaration | undefined): boolean =>
    isEndpointMap(map) && map?.counter === desired.sets.get(setNames.serviceIps)?.counter;
  const idle = idleChains(unused, {
    set: (name) => desired.sets.has(name) || isIdleMap(sets.get(name)?.declaration),
    chain: (name) => desired.chains.has(name),
  });
  for (const chain of unused) {
    desired.chains.set(chain.name, undefined);
  }
  for (const chain of idle) {
    desired.chains.set(chain.name, chain);
  }
  return new Set(idle.flatMap(({ rules }) => rules.flatMap(setsOf)));
}

function missingIn(desired: ReadonlyMap<string, unknown> | undefined, actual: ReadonlyMap<string, unknown>): string[] {
  return [...actual.keys()].filter((key) => !desired?.has(key));
}

/** How many unused dispatch chains may stay. */
export const idleChainLimit = 64;

/**
 * The unused chains that may stay because a Service will soon have that number of endpoints again. Adding a chain makes
 * the kernel validate the whole table, 70 ms at 30,000 Services, and Linux before 6.2 refuses to delete a chain in the
 * transaction that deletes the last element leading to it. None when there are too many.
 *
 * @param unused chains that are not desired.
 * @param stays whether a set or chain that an unused chain refers to stays.
 */
export function idleChains(
  unused: readonly Chain[],
  stays: { readonly set: (name: string) => boolean; readonly chain: (name: string) => boolean },
): Chain[] {
  let idle = unused.filter(
    // An empty rule is one that was not understood.
    ({ name, rules }) =>
      isDispatchChainName(name) && rules.every((rule) => rule.length > 0 && setsOf(rule).every(stays.set)),
  );
  // A chain that leads to a deleted chain has to be deleted as well.
  for (let count = -1; count !== idle.length; ) {
    count = idle.length;
    const names = new Set(idle.map(({ name }) => name));
    idle = idle.filter((chain) =>
      chain.rules
        .flat()
        .flatMap(targetsOf)
        .every((name) => names.has(name) || stays.chain(name)),
    );
  }
  return idle.length > idleChainLimit ? [] : idle;
}
