import type { FilledSet, Ruleset } from '../phases/5-plan/ruleset.ts';
import type { Packet } from '../walk/fate.ts';

/**
 * The ruleset without the endpoints of others: in endpoint maps, which hold most of it, only keys that begin with the
 * packet's own addresses or port, for rules look up no others there. The way of this packet is the same, and the walk
 * need not check a hundred thousand elements first.
 */
export function narrowRuleset(ruleset: Ruleset, { source, destination, port }: Packet): Ruleset {
  const keys = new Set([`${destination} . ${port}`, `${source} . ${port}`, `${port}`]);
  return { ...ruleset, sets: ruleset.sets.map((set) => (isEndpointMap(set) ? narrowSet(set, keys) : set)) };
}

function isEndpointMap({ key, value }: FilledSet): boolean {
  const [first, ...rest] = key;
  const isOfFrontend = first === 'port' || (first === 'address' && rest[0] === 'port');
  return value === 'socket' && isOfFrontend && key.at(-1) === 'index';
}

function narrowSet(set: FilledSet, keys: ReadonlySet<string>): FilledSet {
  const elements = set.elements.filter(({ key }) => keys.has(key.slice(0, Math.max(0, key.lastIndexOf(' . ')))));
  return set.lists ? { ...set, elements, lists: set.lists.filter(({ key }) => keys.has(key)) } : { ...set, elements };
}
