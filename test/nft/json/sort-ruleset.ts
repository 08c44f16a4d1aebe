import type { FilledSet, Ruleset } from '../../../src/nft/ruleset.ts';

/** The ruleset with all that has no order of its own sorted: sets, chains, elements and endpoint lists. */
export function sortRuleset(ruleset: Ruleset): Ruleset {
  return {
    ...ruleset,
    sets: sortBy(ruleset.sets, ({ name }) => name).map(sortSet),
    chains: sortBy(ruleset.chains, ({ name }) => name),
  };
}

function sortSet(set: FilledSet): FilledSet {
  const sorted = { ...set, elements: sortBy(set.elements, ({ key }) => key) };
  return set.lists ? { ...sorted, lists: sortBy(set.lists, ({ key }) => key) } : sorted;
}

function sortBy<T>(items: readonly T[], keyOf: (item: T) => string): T[] {
  return [...items].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}
