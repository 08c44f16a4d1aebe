import { invariant } from '../lib/invariant.ts';
import { appendAll } from '../lib/lists.ts';
import type { EndpointAddress } from '../net/network.ts';
import type { Command } from '../nft/command.ts';
import type { Element } from '../nft/ruleset.ts';
import type { DesiredParts, SetState, TableState } from './table-state.ts';

/** Commands that delete elements, and those that add elements. */
interface ElementChanges {
  readonly removals: readonly Command[];
  readonly additions: readonly Command[];
}

/** The commands for the elements of a table whose sets are the desired ones already; `actual` is changed as well. */
export function changeElements({ sets }: TableState, desired: DesiredParts): ElementChanges {
  const removals: Command[] = [];
  const additions: Command[] = [];
  for (const name of new Set([...desired.elements.keys(), ...desired.lists.keys()])) {
    const set = sets.get(name);
    if (!set) {
      // It is deleted as a whole.
      invariant(!desiresAny(name, desired), `elements are desired in ${name}, which is not a set`);
      continue;
    }
    const change: SetChange = { removed: [], added: [] };
    changePlain(set, desired.elements.get(name), change);
    changeLists(set, desired.lists.get(name), change);
    addCommands(set, change, { removals, additions });
  }
  return { removals, additions };
}

interface SetChange {
  readonly removed: Element[];
  readonly added: Element[];
}

function desiresAny(name: string, { elements, lists }: DesiredParts): boolean {
  const values = [...(elements.get(name)?.values() ?? []), ...(lists.get(name)?.values() ?? [])];
  return values.some((value) => value !== undefined);
}

/** A value or comment cannot be changed in place: re-adding an element keeps its comment and refuses another value. */
function changePlain(
  { elements }: SetState,
  desired: ReadonlyMap<string, Element | undefined> | undefined,
  { removed, added }: SetChange,
): void {
  for (const [key, element] of desired ?? []) {
    const before = elements.get(key);
    if (before && element && isSame(before, element)) {
      continue;
    }
    if (before) {
      removed.push(before);
      elements.delete(key);
    }
    if (element) {
      added.push(element);
      elements.set(key, element);
    }
  }
}

function changeLists(
  { lists }: SetState,
  desired: ReadonlyMap<string, readonly { address: string; port: number }[] | undefined> | undefined,
  { removed, added }: SetChange,
): void {
  for (const [key, endpointAddresses] of desired ?? []) {
    const change = changeList(key, lists.get(key) ?? [], endpointAddresses ?? []);
    appendAll(removed, change.removed);
    appendAll(added, change.added);
    if (change.after.length > 0) {
      lists.set(key, change.after);
    } else {
      lists.delete(key);
    }
  }
}

function isSame({ value: a, comment }: Element, { value: b, comment: otherComment }: Element): boolean {
  if (comment !== otherComment) {
    return false;
  }
  if (a === undefined || b === undefined) {
    return a === b;
  }
  if ('address' in a) {
    return 'address' in b && a.address === b.address && a.port === b.port;
  }
  const target = a.kind === 'goto' ? a.chain : a.kind;
  return !('address' in b) && target === (b.kind === 'goto' ? b.chain : b.kind);
}

/**
 * nft 1.0.6 compares a new range with everything the set held when the transaction began, minus what it has
 * already read a deletion of. A set of plain ranges is small, so it is flushed and filled again.
 */
function addCommands(
  { declaration, elements }: SetState,
  { removed, added }: SetChange,
  { removals, additions }: { removals: Command[]; additions: Command[] },
): void {
  const { name: set, flags, key } = declaration;
  if (flags?.includes('interval') && key.length === 1 && removed.length > 0) {
    removals.push({ kind: 'flush-set', set });
    if (elements.size > 0) {
      additions.push({ kind: 'add-elements', set, elements: [...elements.values()] });
    }
    return;
  }
  if (removed.length > 0) {
    removals.push({ kind: 'delete-elements', set, elements: removed });
  }
  if (added.length > 0) {
    additions.push({ kind: 'add-elements', set, elements: added });
  }
}

/** The elements to delete and to add, and the list afterward. */
export interface ListChange {
  readonly removed: readonly Element[];
  readonly added: readonly Element[];
  readonly after: readonly EndpointAddress[];
}

/**
 * How to change an endpoint list, with no more elements than endpoints that come and go, whatever its length. The order
 * of a list has no meaning: endpoints that stay keep their index, new ones take the indices of those that left, and
 * remaining gaps are filled from the end.
 *
 * @param key the frontend's key, to which indices are added.
 */
export function changeList(
  key: string,
  before: readonly EndpointAddress[],
  after: readonly EndpointAddress[],
): ListChange {
  const placed = placeEndpointAddresses(before, after);
  const removed: Element[] = [];
  const added: Element[] = [];
  for (let index = 0; index < Math.max(before.length, placed.length); index++) {
    const old = before[index];
    const endpointAddress = placed[index];
    if (old && endpointAddress && isSameEndpointAddress(old, endpointAddress)) {
      continue;
    }
    const elementKey = `${key} . ${index}`;
    if (old) {
      removed.push({ key: elementKey, value: old });
    }
    if (endpointAddress) {
      added.push({ key: elementKey, value: endpointAddress });
    }
  }
  return { removed, added, after: placed };
}

/** The endpoint addresses of `after`; those that are in `before` keep their index if the length allows. */
function placeEndpointAddresses(
  before: readonly EndpointAddress[],
  after: readonly EndpointAddress[],
): readonly EndpointAddress[] {
  if (before.length === 0 || after.length === 0) {
    return after;
  }
  const waiting = new Map(after.map((endpointAddress) => [textOf(endpointAddress), endpointAddress]));
  const placed = before.map((endpointAddress): EndpointAddress | undefined => {
    const text = textOf(endpointAddress);
    const stays = waiting.get(text);
    // One that another program added twice stays once.
    waiting.delete(text);
    return stays;
  });
  const added = waiting.values();
  for (let index = 0; index < placed.length; index++) {
    placed[index] ??= added.next().value ?? takeLast(placed, index);
  }
  return [...placed.filter((endpointAddress) => endpointAddress !== undefined), ...added];
}

/** Takes the last endpoint address off the end of the list, down to `index`. */
function takeLast(placed: (EndpointAddress | undefined)[], index: number): EndpointAddress | undefined {
  let last: EndpointAddress | undefined;
  while (last === undefined && placed.length > index + 1) {
    last = placed.pop();
  }
  return last;
}

function textOf({ address, port }: EndpointAddress): string {
  return `${address} ${port}`;
}

function isSameEndpointAddress(a: EndpointAddress, b: EndpointAddress): boolean {
  return a.address === b.address && a.port === b.port;
}
