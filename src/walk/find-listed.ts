import type { Element, EndpointList } from '../nft/ruleset.ts';
import { splitKeyEnd } from '../nft/ruleset-parts.ts';

/** An element of an endpoint list. */
interface ListedElement {
  readonly element: Element;
  readonly list: EndpointList;
  readonly index: number;
}

/**
 * The element of an endpoint list that has a key, `10.96.0.1 . 80 . 2`; undefined if there is none. It is created for each
 * call: a ruleset may have a million of them.
 *
 * @param lists by their keys, `10.96.0.1 . 80`.
 */
export function findListed(lists: ReadonlyMap<string, EndpointList>, key: string): ListedElement | undefined {
  if (lists.size === 0) {
    return undefined;
  }
  const [frontend, end] = splitKeyEnd(key);
  const list = lists.get(frontend);
  const index = Number(end);
  const value = list?.endpointAddresses[index];
  return list && value && { element: { key, value }, list, index };
}
