// @ts-check
import { makeCopyButton } from './copy-button.js';
import { drawArrows } from './draw-arrows.js';
import { drawEndpoint, drawFrontend, drawGroup, drawPortBox, drawRefusal } from './draw-boxes.js';
import { layOutPort } from './lay-out-port.js';
import { lightUp } from './light-up.js';
import { makeSvg } from './make-element.js';

/** Text stays readable; wider diagrams scroll. */
const smallestScale = 0.82;

/** @typedef {{ onNode: (name: string) => void, onEndpoint: (address: string) => void, onCopy: (command: string) => void, commandOf: (flags: string) => string }} Handlers */

/**
 * The diagram of one service port.
 *
 * @param {import('./unpack-graph.js').Port} port
 * @param {{ width: number, mostEndpoints: number }} room
 * @param {Handlers} handlers
 */
export function drawPort(port, room, handlers) {
  const layout = layOutPort(port, room);
  const { width, height, ends } = layout;
  const scale = Math.min(1, Math.max(smallestScale, room.width / width));
  const size = { width: width * scale, height: height * scale, viewBox: `0 0 ${width} ${height}` };
  const svg = makeSvg('svg', { ...size, class: 'diagram', role: 'group' });
  svg.setAttribute('aria-label', `Frontends and endpoints of port ${port.port}`);
  /** @type {import('./light-up.js').Part[]} */
  const parts = [];
  const makeCopy = (/** @type {string} */ flags, /** @type {{ x: number, y: number }} */ at) =>
    flags === '' ? [] : [makeCopyButton(at, handlers.commandOf(flags), handlers.onCopy)];
  svg.append(
    ...ends.zones.map((zone) => drawGroup(zone, 'zone', undefined)),
    ...ends.nodes.map((node) => drawGroup(node, 'node', () => handlers.onNode(node.name))),
    ...drawArrows(port, layout, makeCopy, parts),
    ...layout.frontends.map((box, index) => drawFrontend(box, { index, port }, parts)),
    drawPortBox(port, layout.port),
    ...ends.refusals.map((box) => drawRefusal(box, parts)),
    ...ends.endpoints.map((box) => drawEndpoint(box, parts, handlers.onEndpoint)),
  );
  lightUp(svg, parts);
  return svg;
}
