import type { Placement } from './fragment.ts';
import type { Element, FilledSet, SetDeclaration } from './ruleset.ts';

/**
 * Brings the elements of every set together, in the order they come. Service ports may share an element of a plain set
 * (a cluster IP, a hairpin connection): the first one stays.
 */
export function fillSets(placements: readonly Placement[]): FilledSet[] {
  const filled = new Map<string, { set: SetDeclaration; elements: Element[] }>();
  for (const { set, elements } of placements) {
    let target = filled.get(set.name);
    if (!target) {
      target = { set, elements: [] };
      filled.set(set.name, target);
    }
    for (const element of elements) {
      target.elements.push(element);
    }
  }
  return [...filled.values()].map(({ set, elements }) => ({
    ...set,
    elements: set.value === undefined ? withoutDuplicates(elements) : elements,
  }));
}

function withoutDuplicates(elements: readonly Element[]): Element[] {
  const seen = new Set<string>();
  return elements.filter(({ key }) => !seen.has(key) && seen.add(key));
}
