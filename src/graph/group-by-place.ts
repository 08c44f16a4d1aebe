import { compareText } from '../compare-text.ts';
import type { DrawnNode, DrawnZone } from './drawing.ts';
import type { Graph } from './graph.ts';
import type { PlacedBox } from './make-drawing.ts';

/** Endpoints by zone, then by node; this node's zone and this node come first, the rest is sorted by name. */
export function groupByPlace(placed: readonly PlacedBox[], { zone: here }: Pick<Graph, 'zone'>): DrawnZone[] {
  const zones = groupBy(placed, ({ endpoint }) => endpoint.zone, here);
  let nodes = 0;
  return zones.map(([zone, inZone], index) => ({
    id: `z${index}`,
    title: zone === '' ? 'unknown zone' : `zone ${zone}`,
    nodes: groupBy(inZone, ({ endpoint }) => endpoint.nodeName, localNodeOf(inZone)).map(([nodeName, onNode]) => {
      nodes += 1;
      return drawNode(nodeName, onNode, `n${nodes - 1}`);
    }),
  }));
}

function drawNode(nodeName: string, onNode: readonly PlacedBox[], id: string): DrawnNode {
  const isHere = onNode.some(({ endpoint }) => endpoint.local);
  const title = nodeName === '' ? 'unknown node' : `node ${nodeName}`;
  return { id, title: isHere ? `${title} (this node)` : title, isHere, endpoints: onNode.map(({ box }) => box) };
}

function localNodeOf(placed: readonly PlacedBox[]): string | undefined {
  return placed.find(({ endpoint }) => endpoint.local)?.endpoint.nodeName;
}

function groupBy(
  placed: readonly PlacedBox[],
  nameOf: (box: PlacedBox) => string,
  first: string | undefined,
): [string, PlacedBox[]][] {
  const groups = new Map<string, PlacedBox[]>();
  for (const box of placed) {
    const name = nameOf(box);
    const group = groups.get(name);
    if (group) {
      group.push(box);
    } else {
      groups.set(name, [box]);
    }
  }
  return [...groups].sort(([a], [b]) => Number(b === first) - Number(a === first) || compareText(a, b));
}
