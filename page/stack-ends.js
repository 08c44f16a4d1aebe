// @ts-check
import { groupEndpoints } from './group-endpoints.js';
import { shortenName } from './make-element.js';
import { linesOfRefusal, titleOfGroup } from './port-texts.js';
import { monoWidth, sizes, textWidthOf, titleWidthOf } from './sizes.js';

/**
 * @typedef {import('./unpack-graph.js').Endpoint} Endpoint
 * @typedef {{ x: number, y: number, width: number, height: number }} Box
 * @typedef {Box & { route: number, lines: string[], shares: string[] }} RefusalBox
 * @typedef {Box & { endpoint: Endpoint, shares: string[], textY: number, pod: string, podX: number, podY: number }} EndpointBox
 * @typedef {Box & { name: string, isHere: boolean }} GroupBox
 *
 * The boxes of the third column.
 * @typedef {{ refusals: RefusalBox[], zones: GroupBox[], nodes: GroupBox[], endpoints: EndpointBox[], width: number, height: number }} Ends
 */

/**
 * Refusals, and below them endpoints by zone and node. Pods are beside their addresses where there is room,
 * else below.
 *
 * @param {import('./unpack-graph.js').Port} port
 * @param {{ shares: Map<Endpoint, string[]>, x: number, room: number }} column the endpoints that are shown, the column's left side, and the width that it should not exceed
 * @returns {Ends}
 */
export function stackEnds(port, { shares, x, room }) {
  const shown = [...shares.keys()];
  const addressWidth = Math.max(0, ...shown.map(({ endpointAddress }) => endpointAddress.length)) * monoWidth;
  const podWidth = Math.max(0, ...shown.map(({ shortPod }) => textWidthOf(shortenName(shortPod))));
  const frame = 2 * (sizes.inset + sizes.padding);
  const isBeside = frame + addressWidth + sizes.padding + podWidth <= room;
  const content = isBeside ? addressWidth + sizes.padding + podWidth : Math.max(addressWidth, Math.min(podWidth, 300));
  const refusals = stackRefusals(port, x);
  const refusalWidth = Math.max(0, ...refusals.map((box) => box.width));
  const titles = shown.flatMap(({ place: { zone, node, isHere } }) => [
    titleOfGroup({ name: zone, isHere }, 'zone'),
    titleOfGroup({ name: node, isHere }, 'node'),
  ]);
  const width =
    shown.length === 0
      ? refusalWidth
      : Math.max(200, refusalWidth, frame + content, ...titles.map((title) => titleWidthOf(title) + 36));
  const isDouble = [...shares.values()].some(({ length }) => length > 1);
  const flat = isDouble ? sizes.doubleEndpoint : sizes.endpoint;
  const row = isBeside ? flat : sizes.tallEndpoint;
  const textY = isBeside ? row / 2 + 2 : 16;
  const podRoom = isBeside ? podWidth : width - frame;
  const place = (/** @type {Endpoint} */ endpoint, /** @type {number} */ y) => ({
    endpoint,
    shares: shares.get(endpoint) ?? [],
    pod: shorten(endpoint.shortPod, podRoom),
    podX: x + sizes.inset + sizes.padding + (isBeside ? addressWidth + sizes.padding : 0),
    textY: y + textY,
    podY: y + textY + (isBeside ? 0 : 17),
    x: x + sizes.inset,
    y,
    width: width - 2 * sizes.inset,
    height: row - 4,
  });
  return {
    refusals,
    ...stackGroups(shown, {
      x,
      y: 1 + refusals.reduce((sum, box) => sum + box.height + sizes.space, 0),
      width,
      row,
      place,
    }),
    width,
  };
}

/**
 * @param {import('./unpack-graph.js').Port} port
 * @param {number} x
 * @returns {RefusalBox[]}
 */
function stackRefusals(port, x) {
  let y = 1;
  return port.routes.flatMap(({ refusal, clients }, route) => {
    if (refusal === null) {
      return [];
    }
    const lines = linesOfRefusal(port, route);
    const width = Math.max(sizes.refusalWidth, ...lines.map((line) => textWidthOf(line) + 2 * sizes.padding));
    const height = sizes.refusal + (lines.length - 1) * sizes.refusalLine;
    const box = { route, lines, shares: clients === '' ? [] : [clients], x, y, width, height };
    y += height + sizes.space;
    return box;
  });
}

/**
 * @param {readonly Endpoint[]} shown
 * @param {{ x: number, y: number, width: number, row: number, place: (endpoint: Endpoint, y: number) => EndpointBox }} column
 */
function stackGroups(shown, { x, y: top, width, row, place }) {
  /** @type {Pick<Ends, 'zones' | 'nodes' | 'endpoints'>} */
  const boxes = { zones: [], nodes: [], endpoints: [] };
  let y = top;
  for (const { name, isHere, nodes } of groupEndpoints(shown)) {
    const zone = { name, isHere, x, y, width, height: 0 };
    boxes.zones.push(zone);
    y += sizes.title;
    for (const node of nodes) {
      const frame = { name: node.name, isHere: node.isHere, x: x + 8, y, width: width - 16, height: 0 };
      boxes.nodes.push(frame);
      y += sizes.title;
      for (const endpoint of node.endpoints) {
        boxes.endpoints.push(place(endpoint, y));
        y += row;
      }
      y += 4;
      frame.height = y - frame.y;
      y += 6;
    }
    zone.height = y - zone.y + 2;
    y += sizes.space + 2;
  }
  return { ...boxes, height: y - sizes.space };
}

/**
 * @param {string} text
 * @param {number} room in pixels
 */
function shorten(text, room) {
  let shown = shortenName(text);
  while (textWidthOf(shown) > room && shown.length > 2) {
    shown = `${shown.slice(0, -2)}…`;
  }
  return shown;
}
