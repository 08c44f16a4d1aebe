import type { Element, FilledSet } from './phases/5-plan/ruleset.ts';

/** Every element of a set, those of its endpoint lists included, in the order in which they are printed. */
export function elementsOf({ elements, lists = [] }: FilledSet): Element[] {
  return [
    ...elements,
    ...lists.flatMap(({ key, sockets }) =>
      sockets.map((value, index): Element => ({ key: `${key} . ${index}`, value })),
    ),
  ];
}
