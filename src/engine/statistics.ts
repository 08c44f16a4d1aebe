import type { SetState } from '../diff/table-state.ts';
import { entriesOfNamespaced, type Namespaced } from '../kubernetes/namespaced-map.ts';
import { compareText } from '../lib/text.ts';
import type { Family } from '../net/network.ts';
import { isDynamic } from '../nft/ruleset-parts.ts';
import type { FamilyState } from './family-state.ts';
import type { ObjectStore } from './object-store.ts';

/** How much the tables of a node hold, and what is left out. */
export interface Statistics {
  /** Those whose node is known. */
  readonly families: readonly FamilyStatistics[];
  /** Services without rules, `namespace/name`, sorted: they are invalid, or nft rejects them in a family. */
  readonly leftOut: { readonly invalid: readonly string[]; readonly rejected: readonly string[] };
}

/** How much the table of one family holds. */
export interface FamilyStatistics {
  readonly family: Family;
  /** How many elements each set and map has, by its name; not of those that packets change. */
  readonly elements: ReadonlyMap<string, number>;
  /** How many service ports drop connections because policy Local finds no endpoint on this node, while there are some elsewhere. */
  readonly withoutLocalEndpoints: { readonly internal: number; readonly external: number };
}

/** What statistics are about. */
interface Counted {
  readonly store: Pick<ObjectStore, 'invalidServices'>;
  readonly families: ReadonlyMap<Family, FamilyState>;
  readonly rejected: ReadonlyMap<Family, Namespaced<true>>;
}

/** The statistics of an engine, at a cost in proportion to the frontends in its endpoint maps. */
export function statisticsOf({ store, families, rejected }: Counted): Statistics {
  const left = new Set(
    [...rejected.values()].flatMap((services) =>
      [...entriesOfNamespaced(services)].map(([namespace, name]) => `${namespace}/${name}`),
    ),
  );
  return {
    families: [...families].flatMap(([family, state]) =>
      state.settings
        ? [{ family, elements: countElements(state), withoutLocalEndpoints: { ...state.withoutLocal } }]
        : [],
    ),
    leftOut: { invalid: [...store.invalidServices].sort(compareText), rejected: [...left].sort(compareText) },
  };
}

function countElements({ actual }: FamilyState): Map<string, number> {
  const sets = [...actual.sets.values()].filter(({ declaration }) => !isDynamic(declaration));
  return new Map(sets.map((set) => [set.declaration.name, sizeOf(set)]));
}

function sizeOf({ elements, lists }: SetState): number {
  let size = elements.size;
  for (const endpoints of lists.values()) {
    size += endpoints.length;
  }
  return size;
}
