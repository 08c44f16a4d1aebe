import { appendAll } from '../../append-all.ts';
import type { ElementPlacement, Placement } from './fragment.ts';
import type { Element, EndpointList, FilledSet, SetDeclaration } from './ruleset.ts';

/**
 * Brings the elements of every set together, in the order they come.
 *
 * @param declared sets that must exist, with elements or without.
 * @param shared elements that several service ports may have (a cluster IP, a hairpin connection): the first one stays.
 * @param claimed elements and endpoint lists that nobody else has.
 */
export function fillSets(
  declared: readonly SetDeclaration[],
  shared: readonly ElementPlacement[],
  claimed: readonly Placement[],
): FilledSet[] {
  const filling = new Map<string, Filling>();
  for (const set of declared) {
    fillingOf(set, filling);
  }
  for (const { set, elements } of shared) {
    addNew(elements, fillingOf(set, filling));
  }
  for (const placement of claimed) {
    const { elements, lists } = fillingOf(placement.set, filling);
    if ('list' in placement) {
      lists.push(placement.list);
    } else {
      appendAll(elements, placement.elements);
    }
  }
  return [...filling.values()].map(({ set, elements, lists }) =>
    lists.length > 0 ? { ...set, elements, lists } : { ...set, elements },
  );
}

interface Filling {
  readonly set: SetDeclaration;
  readonly elements: Element[];
  readonly lists: EndpointList[];
  /** Keys of shared elements. */
  readonly seen: Set<string>;
}

function fillingOf(set: SetDeclaration, filling: Map<string, Filling>): Filling {
  const known = filling.get(set.name);
  if (known) {
    return known;
  }
  const added: Filling = { set, elements: [], lists: [], seen: new Set() };
  filling.set(set.name, added);
  return added;
}

function addNew(shared: readonly Element[], { elements, seen }: Filling): void {
  for (const element of shared) {
    if (!seen.has(element.key)) {
      seen.add(element.key);
      elements.push(element);
    }
  }
}
