import { expect } from 'vitest';
import type { ListedTable } from '../../../src/nft/listed-table.ts';
import type { Ruleset } from '../../../src/nft/ruleset.ts';
import { sortRuleset } from '../json/sort-ruleset.ts';

/** The listing is that of the compiled ruleset: no deviations, nothing more, no pins yet. */
export function expectRuleset(listing: ListedTable | undefined, compiled: Ruleset, name?: string): void {
  expect(listing?.deviations, name).toEqual([]);
  expect(listing && sortRuleset(listing.ruleset), name).toEqual(sortRuleset(compiled));
  const dynamicSets = compiled.sets.filter(({ flags }) => flags?.includes('dynamic')).map((set) => set.name);
  expect([...(listing?.dynamic ?? [])].sort(), name).toEqual(dynamicSets.sort().map((set) => [set, []]));
}
