import { appendAll } from '../append-all.ts';
import type { Socket } from '../network.ts';
import type { FilledSet } from '../phases/5-plan/ruleset.ts';
import { isDynamic } from './audience-of.ts';
import { splitEnd } from './split-end.ts';

/** The endpoints of frontends: by the name of the endpoint map, then by frontend, `10.96.0.1 . 80` or `30080`. */
export type EndpointLists = ReadonlyMap<string, ReadonlyMap<string, readonly Socket[]>>;

/**
 * The lists of all endpoint maps. Elements that stand alone, as a listing has them where an index is missing, come after
 * the rest of their frontend's list.
 */
export function readEndpointLists(sets: readonly FilledSet[]): EndpointLists {
  const maps = sets.filter((set) => set.value === 'socket' && !isDynamic(set));
  return new Map(maps.map((set) => [set.name, listsOf(set)]));
}

function listsOf({ elements, lists = [] }: FilledSet): ReadonlyMap<string, readonly Socket[]> {
  const byFrontend = new Map(lists.map(({ key, sockets }) => [key, sockets]));
  for (const [key, single] of singleSockets(elements)) {
    const all = [...(byFrontend.get(key) ?? [])];
    appendAll(all, single);
    byFrontend.set(key, all);
  }
  return byFrontend;
}

function singleSockets(elements: FilledSet['elements']): Map<string, Socket[]> {
  const byFrontend = new Map<string, Socket[]>();
  for (const { key, value } of elements) {
    if (value && 'address' in value) {
      const [frontend] = splitEnd(key);
      const sockets = byFrontend.get(frontend) ?? [];
      sockets.push(value);
      byFrontend.set(frontend, sockets);
    }
  }
  return byFrontend;
}
