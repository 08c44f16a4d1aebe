import { appendAll } from '../append-all.ts';
import { invariant } from '../invariant.ts';
import type { Element } from '../phases/5-plan/ruleset.ts';
import { changeList } from './change-list.ts';
import type { Command } from './command.ts';
import type { Installed, InstalledSet, Wanted } from './installed.ts';

/** Commands that take elements out, and those that put elements in. */
export interface ElementChanges {
  readonly removals: readonly Command[];
  readonly additions: readonly Command[];
}

/** Changes the elements of `installed`, whose sets are those wanted already. */
export function changeElements({ sets }: Installed, wanted: Wanted): ElementChanges {
  const removals: Command[] = [];
  const additions: Command[] = [];
  for (const name of new Set([...wanted.elements.keys(), ...wanted.lists.keys()])) {
    const set = sets.get(name);
    if (!set) {
      // It goes as a whole.
      invariant(!wantsAny(name, wanted), `elements are wanted in ${name}, which is no set`);
      continue;
    }
    const change: SetChange = { removed: [], added: [] };
    changePlain(set, wanted.elements.get(name), change);
    changeLists(set, wanted.lists.get(name), change);
    addCommands(set, change, { removals, additions });
  }
  return { removals, additions };
}

interface SetChange {
  readonly removed: Element[];
  readonly added: Element[];
}

function wantsAny(name: string, { elements, lists }: Wanted): boolean {
  const values = [...(elements.get(name)?.values() ?? []), ...(lists.get(name)?.values() ?? [])];
  return values.some((value) => value !== undefined);
}

/** A value or comment cannot be changed in place: re-adding an element keeps its comment and refuses another value. */
function changePlain(
  { elements }: InstalledSet,
  wanted: ReadonlyMap<string, Element | undefined> | undefined,
  { removed, added }: SetChange,
): void {
  for (const [key, element] of wanted ?? []) {
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
  { lists }: InstalledSet,
  wanted: ReadonlyMap<string, readonly { address: string; port: number }[] | undefined> | undefined,
  { removed, added }: SetChange,
): void {
  for (const [key, sockets] of wanted ?? []) {
    const change = changeList(key, lists.get(key) ?? [], sockets ?? []);
    appendAll(removed, change.removed);
    appendAll(added, change.added);
    if (change.installed.length > 0) {
      lists.set(key, change.installed);
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
 * nft 1.0.6 compares a new range with all that the set had when the transaction began, minus those whose deletion it has
 * read by then; a set of plain ranges is small and simply written anew.
 */
function addCommands(
  { declaration, elements }: InstalledSet,
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
