import type { Family } from '../network.ts';
import { tableComment } from '../phases/5-plan/names.ts';
import type { FilledSet, Ruleset } from '../phases/5-plan/ruleset.ts';
import type { Installed, InstalledSet } from './installed.ts';

/** A table that is not there yet. */
export function nothingInstalled(family: Family, table: string): Installed {
  return { family, table, exists: false, sets: new Map(), chains: new Map() };
}

/** A ruleset as a table that holds it. */
export function indexInstalled({ family, table, sets, chains }: Ruleset): Installed {
  return {
    family,
    table,
    exists: true,
    sets: new Map(sets.map((set) => [set.name, indexSet(set)])),
    chains: new Map(chains.map((chain) => [chain.name, chain])),
  };
}

/** A table as the ruleset that it holds; parts come in the order in which they were made. */
export function installedRuleset({ family, table, sets, chains }: Installed): Ruleset {
  const filled = [...sets.values()].map(({ declaration, elements, lists }): FilledSet => {
    const set = { ...declaration, elements: [...elements.values()] };
    return lists.size === 0 ? set : { ...set, lists: [...lists].map(([key, sockets]) => ({ key, sockets })) };
  });
  return { family, table, comment: tableComment, sets: filled, chains: [...chains.values()] };
}

function indexSet({ elements, lists = [], ...declaration }: FilledSet): InstalledSet {
  return {
    declaration,
    elements: new Map(elements.map((element) => [element.key, element])),
    lists: new Map(lists.map(({ key, sockets }) => [key, sockets])),
  };
}
