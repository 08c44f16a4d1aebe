import { makeDrawing } from '../../inspect/graph/drawing.ts';
import type { Graph, GraphServicePort } from '../../inspect/graph/graph.ts';
import { drawnFont, writeDot } from '../../inspect/graph/write-dot.ts';
import { pushTo } from '../../lib/lists.ts';
import { compareText } from '../../lib/text.ts';

/**
 * A graph as SVG, in the colors that the viewer prefers, light or dark, and light on paper. Services that share no
 * endpoint are laid out one by one and placed in columns, which makes a picture of many of them about as wide as it is high.
 */
export async function writeSvg(graph: Graph): Promise<string> {
  const parts = splitGraph(graph);
  if (parts.length < 2) {
    return layOutSvg(writeDot(makeDrawing(graph)));
  }
  const heading = readTile(await layOutSvg(writeDot(makeDrawing({ ...graph, servicePorts: [], unserved: [] }))));
  const tiles: Tile[] = [];
  for (const part of parts) {
    tiles.push(readTile(await layOutSvg(writeDot({ ...makeDrawing(part), title: '' }))));
  }
  return writeTiles(heading, tiles);
}

/** The parts of a graph that have nothing in common: Services with the endpoints that they share, and those without rules. */
function splitGraph(graph: Graph): Graph[] {
  const services = new Map<string, GraphServicePort[]>();
  for (const servicePort of graph.servicePorts) {
    pushTo(services, JSON.stringify([servicePort.namespace, servicePort.name]), servicePort);
  }
  const parts = joinSharing([...services.values()]).flatMap(splitLarge);
  return [
    ...parts.map((servicePorts) => ({ ...graph, servicePorts, unserved: [] })),
    ...graph.unserved.map((service) => ({ ...graph, servicePorts: [], unserved: [service] })),
  ];
}

/** Endpoints that one part may have; they are below each other. */
const mostEndpoints = 24;

/** Service ports with many endpoints as several parts, by zone and node; frontends and refusals are in the first one. */
function splitLarge(servicePorts: GraphServicePort[]): GraphServicePort[][] {
  const count = servicePorts.reduce((sum, { endpoints }) => sum + endpoints.length, 0);
  return count <= mostEndpoints ? [servicePorts] : servicePorts.flatMap(splitEndpoints).map((part) => [part]);
}

function splitEndpoints(servicePort: GraphServicePort): GraphServicePort[] {
  const { name, routes } = servicePort;
  const endpoints = servicePort.endpoints.toSorted(
    (a, b) => Number(b.local) - Number(a.local) || compareText(a.zone, b.zone) || compareText(a.nodeName, b.nodeName),
  );
  const count = Math.max(1, Math.ceil(endpoints.length / mostEndpoints));
  const others = { frontends: [], routes: routes.map((route) => ({ ...route, refusal: null })) };
  return Array.from({ length: count }, (_, index) => ({
    ...servicePort,
    ...(index > 0 && others),
    name: count === 1 ? name : `${name} (${index + 1} of ${count})`,
    endpoints: endpoints.slice(index * mostEndpoints, (index + 1) * mostEndpoints),
  }));
}

/** Joins lists of service ports that have an endpoint in common, in the order of their first ones. */
function joinSharing(services: readonly (readonly GraphServicePort[])[]): GraphServicePort[][] {
  const groups: Set<GraphServicePort>[] = [];
  const groupOf = new Map<string, Set<GraphServicePort>>();
  for (const servicePorts of services) {
    const addresses = servicePorts.flatMap(({ endpoints }) => endpoints.map(({ endpointAddress }) => endpointAddress));
    const sharing = new Set(addresses.flatMap((address) => groupOf.get(address) ?? []));
    const [group = new Set<GraphServicePort>(), ...others] = sharing;
    if (sharing.size === 0) {
      groups.push(group);
    }
    for (const servicePort of [...others.flatMap((other) => [...other]), ...servicePorts]) {
      group.add(servicePort);
      for (const { endpointAddress } of servicePort.endpoints) {
        groupOf.set(endpointAddress, group);
      }
    }
    for (const other of others) {
      other.clear();
    }
  }
  return groups.filter(({ size }) => size > 0).map((group) => [...group]);
}

/** A picture, in points. */
interface Tile {
  readonly width: number;
  readonly height: number;
  /** The content of its svg element. */
  readonly content: string;
}

/** Graphviz begins its viewBox at 0. */
function readTile(svg: string): Tile {
  const [, width = '0', height = '0'] = /viewBox="[-\d.]+ [-\d.]+ ([\d.]+) ([\d.]+)"/.exec(svg) ?? [];
  const content = svg.slice(svg.indexOf('<g '), svg.lastIndexOf('</svg>')).replaceAll(/ id="\w+"/g, '');
  return { width: Number(width), height: Number(height), content };
}

/** How much wider than high a picture of many tiles is. */
const wideness = 1.6;

/** More are not tried. */
const mostColumns = 40;

/** Places tiles in columns, in their order, in as many as come closest to that shape. */
function writeTiles(heading: Tile, tiles: readonly Tile[]): string {
  const counts = Array.from({ length: Math.min(tiles.length, mostColumns) }, (_, index) => index + 1);
  const layouts = counts.map((count) => placeInColumns(tiles, count));
  const faultOf = ({ width, height }: TileLayout): number => Math.abs(Math.log(width / height / wideness));
  const best = layouts.reduce((a, b) => (faultOf(b) < faultOf(a) ? b : a));
  const width = Math.max(heading.width, best.width);
  const height = heading.height + best.height;
  const placed = [{ ...heading, x: 0, y: 0 }, ...best.placed.map((tile) => ({ ...tile, y: tile.y + heading.height }))];
  const size = `width="${width}pt" height="${height}pt" viewBox="0 0 ${width} ${height}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8" standalone="no"?>',
    `<svg ${size} xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">`,
    colorStyle,
    '<rect width="100%" height="100%" fill="white" stroke="none"/>',
    ...placed.map(
      (tile) =>
        `<svg x="${tile.x}" y="${tile.y}" width="${tile.width}" height="${tile.height}" viewBox="0 0 ${tile.width} ${tile.height}">${tile.content}</svg>`,
    ),
    '</svg>\n',
  ].join('\n');
}

interface TileLayout {
  readonly width: number;
  readonly height: number;
  readonly placed: readonly (Tile & { readonly x: number; readonly y: number })[];
}

/** Tiles in columns of about the same height, each as wide as its widest tile. */
function placeInColumns(tiles: readonly Tile[], count: number): TileLayout {
  const enough = tiles.reduce((sum, { height }) => sum + height, 0) / count;
  const placed: (Tile & { readonly x: number; readonly y: number })[] = [];
  let [x, y, columnWidth, height] = [0, 0, 0, 0];
  for (const tile of tiles) {
    if (y > 0 && y + tile.height / 2 > enough) {
      [x, y, columnWidth] = [x + columnWidth, 0, 0];
    }
    placed.push({ ...tile, x, y });
    y += tile.height;
    columnWidth = Math.max(columnWidth, tile.width);
    height = Math.max(height, y);
  }
  return { width: x + columnWidth, height, placed };
}

/** Fonts shown instead of the one that is measured: none is wider, so all texts fit their boxes. */
const shownFonts = 'Helvetica,Arial,DejaVu Sans,sans-serif';

/** A graph in Graphviz' language as SVG, laid out by Graphviz compiled to WebAssembly, which is loaded only here (0.8 MB). */
export async function layOutSvg(dot: string): Promise<string> {
  const { Graphviz } = await import('@hpcc-js/wasm-graphviz');
  const graphviz = await Graphviz.load();
  const svg = graphviz.layout(dot, 'svg', 'dot');
  // Graphviz titles its groups by internal names, which browsers show and screen readers read out. Texts of the input
  // have &quot; and &lt; here in place of quotes and angle brackets.
  return svg
    .replaceAll(/<title>(?!Services)[^<]*<\/title>\n?/g, '')
    .replaceAll(`font-family="${drawnFont}"`, `font-family="${shownFonts}"`)
    .replace(/<g /, `${colorStyle}\n<g `);
}

/** Colors of writeDot, and what they are on a dark screen; `white` without a stroke is the background. */
const darkColors: Readonly<Record<string, string>> = {
  '[fill="white"]': 'fill:#1d242c',
  '[fill="white"][stroke="none"]': 'fill:#0f1318',
  '[stroke="black"]': 'stroke:#9ba8b7',
  '[fill="#f4f6f8"]': 'fill:#161c23',
  '[stroke="#aeb7c2"]': 'stroke:#47525f',
  '[fill="#dbe7ff"]': 'fill:#1e2d52',
  '[stroke="#2457d6"]': 'stroke:#8fb1ff',
  '[fill="#ffe0dd"]': 'fill:#45201d',
  '[stroke="#c62828"]': 'stroke:#ff9a92',
  '[fill="#d9f5e3"]': 'fill:#15331f',
  '[stroke="#1b7f45"]': 'stroke:#6fd59a',
  '[fill="#eef0f3"]': 'fill:#262e37',
  '[fill="#5b6672"]': 'fill:#9ba8b7',
  '[stroke="#5b6672"]': 'stroke:#9ba8b7',
  '[fill="#9aa4b0"]': 'fill:#7f8c9b',
  '[stroke="#9aa4b0"]': 'stroke:#7f8c9b',
};

const darkRules = [
  'svg{background:#0f1318}',
  'text{fill:#e6eaef}',
  ...Object.entries(darkColors).map(([selector, rule]) => `${selector}{${rule}}`),
];
const colorStyle = `<style>@media screen and (prefers-color-scheme:dark){${darkRules.join('')}}</style>`;
