import type { Socket } from '../network.ts';
import type { Element, EndpointList } from '../phases/5-plan/ruleset.ts';

/** An element of an endpoint map, its key taken apart: the frontend's, and the index of the socket. */
export interface IndexedSocket {
  readonly key: string;
  readonly index: number;
  readonly socket: Socket;
}

/**
 * The endpoint lists that these elements make: those with the indices from 0 on, without a gap. Lists come in the order of
 * their first element.
 *
 * @param entries in any order; no key has an index twice.
 * @returns as `rest` the elements behind a gap, whose index no list could give them.
 */
export function collectLists(entries: readonly IndexedSocket[]): { lists: EndpointList[]; rest: Element[] } {
  const sockets = new Map<string, Socket[]>();
  const late = entries.filter((entry) => !append(entry, sockets));
  const rest = late.sort((a, b) => a.index - b.index).filter((entry) => !append(entry, sockets));
  return {
    lists: [...sockets].map(([key, found]) => ({ key, sockets: found })),
    rest: rest.map(({ key, index, socket }) => ({ key: `${key} . ${index}`, value: socket })),
  };
}

/** Whether it was its turn. nft 1.0.6 and 1.1.3 list the indices of a frontend in order, so that it mostly is. */
function append({ key, index, socket }: IndexedSocket, sockets: Map<string, Socket[]>): boolean {
  const list = sockets.get(key);
  if (index !== (list?.length ?? 0)) {
    return false;
  }
  if (list) {
    list.push(socket);
  } else {
    sockets.set(key, [socket]);
  }
  return true;
}
