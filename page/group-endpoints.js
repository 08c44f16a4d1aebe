// @ts-check
import { compareNames } from './make-element.js';

/**
 * @typedef {import('./unpack-graph.js').Endpoint} Endpoint
 * @typedef {{ name: string, isHere: boolean, endpoints: Endpoint[] }} NodeGroup
 * @typedef {{ name: string, isHere: boolean, nodes: NodeGroup[] }} ZoneGroup
 */

/**
 * Endpoints by zone, then by node. The groups of this node come first, the others are sorted by name.
 *
 * @param {readonly Endpoint[]} endpoints
 * @returns {ZoneGroup[]}
 */
export function groupEndpoints(endpoints) {
  const zones = groupBy(endpoints, ({ place }) => place.zone);
  return sortGroups(
    [...zones].map(([name, inZone]) => {
      // The name of this node may be unknown, as those of others may be.
      const nodes = [...groupBy(inZone, ({ place }) => `${place.isHere} ${place.node}`).values()].map((onNode) => ({
        name: onNode[0]?.place.node ?? '',
        isHere: onNode[0]?.place.isHere ?? false,
        endpoints: onNode,
      }));
      return { name, isHere: nodes.some(({ isHere }) => isHere), nodes: sortGroups(nodes) };
    }),
  );
}

/**
 * @template {{ name: string, isHere: boolean }} Group
 * @param {Group[]} groups
 */
function sortGroups(groups) {
  return groups.sort((a, b) => Number(b.isHere) - Number(a.isHere) || compareNames(a.name, b.name));
}

/**
 * @template T
 * @param {readonly T[]} items
 * @param {(item: T) => string} nameOf
 * @returns {Map<string, T[]>}
 */
function groupBy(items, nameOf) {
  const groups = new Map();
  for (const item of items) {
    const name = nameOf(item);
    const group = groups.get(name);
    if (group) {
      group.push(item);
    } else {
      groups.set(name, [item]);
    }
  }
  return groups;
}
