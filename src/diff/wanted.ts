import type { Socket } from '../network.ts';
import type { Chain, Element, SetDeclaration } from '../phases/5-plan/ruleset.ts';
import type { Wanted } from './installed.ts';

/** Wants nothing yet. */
export function emptyWanted(): Wanted {
  return { sets: new Map(), elements: new Map(), lists: new Map(), chains: new Map() };
}

/** Says that there should be a set of this declaration, or none of this name. */
export function wantSet(wanted: Wanted, name: string, declaration: SetDeclaration | undefined): void {
  wanted.sets.set(name, declaration);
}

/** Says that there should be a chain of these rules, or none of this name. */
export function wantChain(wanted: Wanted, name: string, chain: Chain | undefined): void {
  wanted.chains.set(name, chain);
}

/** Says what a set should have at a key, if anything; the last word counts. */
export function wantElement(wanted: Wanted, set: string, key: string, element: Element | undefined): void {
  keysOf(wanted.elements, set).set(key, element);
}

/** Says which endpoints a frontend should have in an endpoint map, if any; the last word counts. */
export function wantList(wanted: Wanted, set: string, key: string, sockets: readonly Socket[] | undefined): void {
  keysOf(wanted.lists, set).set(key, sockets);
}

function keysOf<T>(sets: Map<string, Map<string, T>>, set: string): Map<string, T> {
  const known = sets.get(set);
  if (known) {
    return known;
  }
  const added = new Map<string, T>();
  sets.set(set, added);
  return added;
}
