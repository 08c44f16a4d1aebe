// @ts-check
import { packetFlags, routeFlags } from './explain-command.js';
import { endGroup, frontendGroup } from './light-up.js';
import { makeSvg } from './make-element.js';

/** @typedef {{ x: number, y: number }} Point */

/**
 * All arrows of a diagram: from frontends to the service port, and from there to refusals and endpoints.
 *
 * @param {import('./unpack-graph.js').Port} service
 * @param {import('./lay-out-port.js').Layout} layout
 * @param {(flags: string, at: Point) => SVGElement[]} makeCopy
 * @param {import('./light-up.js').Part[]} parts gets a part for each arrow
 */
export function drawArrows(service, { frontends, port, ends, labelStart, labelEnd }, makeCopy, parts) {
  const start = { x: port.x, y: port.y + port.height / 2 };
  const incoming = frontends.map(({ frontend, ...box }, index) => {
    const from = { x: box.x + box.width, y: box.y + box.height / 2 };
    const copy = makeCopy(packetFlags(frontend), { x: from.x + 3, y: from.y });
    const element = drawArrow({ from, to: start, levelX: port.x }, copy, { dashed: frontend.routes.length === 0 });
    parts.push({ element, routes: frontend.routes, group: frontendGroup(index) });
    return element;
  });
  const from = { x: port.x + port.width, y: start.y };
  const outgoing = [...ends.refusals, ...ends.endpoints].map((box) => {
    const to = { x: box.x, y: box.y + box.height / 2 };
    const isEndpoint = 'endpoint' in box;
    const dashed = isEndpoint && box.endpoint.leftOut !== '';
    const own = isEndpoint ? box.endpoint.routes : [box.route];
    const copy = makeCopy(routeFlags(service, own), { x: labelStart, y: to.y });
    const labels = [...drawLabels(box.shares, { x: labelEnd, y: to.y }), ...copy];
    const element = drawArrow({ from, to, levelX: labelStart }, labels, { dashed });
    parts.push({ element, routes: own, group: endGroup(box) });
    return element;
  });
  return [...incoming, ...outgoing];
}

/**
 * A line that is level from `levelX` on, where its labels are, and its head.
 *
 * @param {{ from: Point, to: Point, levelX: number }} way
 * @param {SVGElement[]} labels
 * @param {{ dashed: boolean }} look
 */
function drawArrow({ from, to, levelX }, labels, { dashed }) {
  const half = (levelX - from.x) / 2;
  const bend = `C${from.x + half} ${from.y} ${levelX - half} ${to.y} ${levelX} ${to.y}`;
  return makeSvg(
    'g',
    { class: dashed ? 'arrow dashed' : 'arrow' },
    makeSvg('path', { d: `M${from.x} ${from.y}${bend}L${to.x - 1} ${to.y}`, class: 'line' }),
    makeSvg('path', { d: `M${to.x - 1} ${to.y}l-7 -3.5v7z`, class: 'head' }),
    ...labels,
  );
}

/**
 * The first label is above the line, others are below.
 *
 * @param {readonly string[]} labels
 * @param {Point} end
 */
function drawLabels(labels, { x, y }) {
  return labels.map((label, index) =>
    makeSvg('text', { x, y: index === 0 ? y - 4 : y + 12 * index, class: 'share' }, label),
  );
}
