import { compareText } from '../compare-text.ts';
import type { DrawnNode, DrawnZone } from './drawing.ts';
import type { Graph } from './graph.ts';
import type { PlacedBox } from './make-drawing.ts';
import { shortenName } from './shorten-name.ts';

/** Endpoints by zone, then by node; this node's zone and this node come first, the rest is sorted by name. */
export function groupByPlace(placed: readonly PlacedBox[], { zone: here }: Pick<Graph, 'zone'>): DrawnZone[] {
  const zones = groupBy(placed, ({ endpoint }) => endpoint.zone, here);
  let nodes = 0;
  return zones.map(([zone, inZone], index) => ({
    id: `z${index}`,
    ...nameGroup('zone', zone),
    nodes: groupBy(inZone, ({ endpoint }) => endpoint.nodeName, localNodeOf(inZone)).map(([nodeName, onNode]) => {
      nodes += 1;
      return drawNode(nodeName, onNode, `n${nodes - 1}`);
    }),
  }));
}

function drawNode(nodeName: string, onNode: readonly PlacedBox[], id: string): DrawnNode {
  const isHere = onNode.some(({ endpoint }) => endpoint.local);
  const { title, full } = nameGroup('node', nodeName);
  const endpoints = onNode.map(({ box }) => box);
  return { id, title: isHere ? `${title} (this node)` : title, full, isHere, endpoints };
}

function nameGroup(kind: 'zone' | 'node', name: string): Pick<DrawnZone, 'title' | 'full'> {
  const shown = shortenName(name);
  return { title: name === '' ? `unknown ${kind}` : `${kind} ${shown}`, full: shown === name ? '' : name };
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
