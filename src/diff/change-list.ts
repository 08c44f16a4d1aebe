import type { Socket } from '../network.ts';
import type { Element } from '../phases/5-plan/ruleset.ts';

/** The elements to take out and to put in, and the list as it then stands. */
export interface ListChange {
  readonly removed: readonly Element[];
  readonly added: readonly Element[];
  readonly installed: readonly Socket[];
}

/**
 * Changes an endpoint list with as few elements as there are endpoints that come and go, whatever its length: the order
 * of a list has no meaning, so who stays keeps its index, newcomers take the places of those who left, and what is left
 * over is filled from the end.
 *
 * @param key the frontend's key, to which indices are added.
 */
export function changeList(key: string, before: readonly Socket[], after: readonly Socket[]): ListChange {
  const placed = placeSockets(before, after);
  const removed: Element[] = [];
  const added: Element[] = [];
  for (let index = 0; index < Math.max(before.length, placed.length); index++) {
    const old = before[index];
    const socket = placed[index];
    if (old && socket && isSameSocket(old, socket)) {
      continue;
    }
    const elementKey = `${key} . ${index}`;
    if (old) {
      removed.push({ key: elementKey, value: old });
    }
    if (socket) {
      added.push({ key: elementKey, value: socket });
    }
  }
  return { removed, added, installed: placed };
}

/** The sockets of `after`, those that `before` has too at their old indices as far as the length allows. */
function placeSockets(before: readonly Socket[], after: readonly Socket[]): readonly Socket[] {
  if (before.length === 0 || after.length === 0) {
    return after;
  }
  const waiting = new Map(after.map((socket) => [textOf(socket), socket]));
  const placed = before.map((socket): Socket | undefined => {
    const text = textOf(socket);
    const stays = waiting.get(text);
    // One that a foreign hand put there twice stays once.
    waiting.delete(text);
    return stays;
  });
  const newcomers = waiting.values();
  for (let index = 0; index < placed.length; index++) {
    placed[index] ??= newcomers.next().value ?? takeLast(placed, index);
  }
  return [...placed.filter((socket) => socket !== undefined), ...newcomers];
}

/** Takes the last socket off the end of the list, down to `index`. */
function takeLast(placed: (Socket | undefined)[], index: number): Socket | undefined {
  let last: Socket | undefined;
  while (last === undefined && placed.length > index + 1) {
    last = placed.pop();
  }
  return last;
}

function textOf({ address, port }: Socket): string {
  return `${address} ${port}`;
}

function isSameSocket(a: Socket, b: Socket): boolean {
  return a.address === b.address && a.port === b.port;
}
