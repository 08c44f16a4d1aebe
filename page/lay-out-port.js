// @ts-check

import { copySize } from './copy-button.js';
import { groupEndpoints } from './group-endpoints.js';
import { linesOfPort, noteOfFrontend, refusedAt, sharesOf } from './port-texts.js';
import { monoWidth, sizes, textWidthOf } from './sizes.js';
import { stackEnds } from './stack-ends.js';

/**
 * @typedef {import('./stack-ends.js').Box} Box
 * @typedef {import('./unpack-graph.js').Frontend} Frontend
 * @typedef {import('./unpack-graph.js').Port} Port
 * @typedef {Box & { frontend: Frontend }} FrontendBox
 *
 * The positions of everything of one service port, in pixels.
 * @typedef Layout
 * @property {number} width
 * @property {number} height
 * @property {FrontendBox[]} frontends
 * @property {Box} port
 * @property {import('./stack-ends.js').Ends} ends
 * @property {number} labelStart where the room for labels begins
 * @property {number} labelEnd where labels end
 */

/**
 * Three columns: frontends, the service port, and its refusals and endpoints by zone and node.
 *
 * @param {import('./unpack-graph.js').Port} port
 * @param {{ width: number, mostEndpoints: number }} room the width that should do; how many endpoints to show
 * @returns {Layout}
 */
export function layOutPort(port, { width, mostEndpoints }) {
  const ordered = groupEndpoints(port.endpoints).flatMap(({ nodes }) => nodes.flatMap(({ endpoints }) => endpoints));
  const shares = new Map(ordered.slice(0, mostEndpoints).map((endpoint) => [endpoint, sharesOf(endpoint, port)]));
  const labels = [...shares.values(), port.routes.map(({ clients }) => clients)].flat();
  const labelWidth = Math.max(34, ...labels.map((label) => textWidthOf(label) + 14)) + copySize;
  const frontendWidth = Math.max(140, ...port.frontends.map((frontend) => widthOfFrontend(frontend, port)));
  const portWidth = Math.max(100, ...linesOfPort(port).map((line) => line.length * monoWidth + 24));
  const portX = frontendWidth + sizes.curve;
  const labelStart = portX + portWidth + sizes.curve;
  const x = labelStart + labelWidth;
  const ends = stackEnds(port, { shares, x, room: width - x - 1 });
  const frontendsHeight = heightOf(port);
  const height = Math.max(ends.height, frontendsHeight, sizes.port);
  // In a tall diagram the first two columns stay at the top.
  const middle = Math.max(Math.min(height / 2, 260), frontendsHeight / 2, sizes.port / 2) + 1;
  return {
    width: x + ends.width + 1,
    height: height + 2,
    frontends: stackFrontends(port, { y: middle - frontendsHeight / 2, width: frontendWidth }),
    port: { x: portX, y: middle - sizes.port / 2, width: portWidth, height: sizes.port },
    ends,
    labelStart,
    labelEnd: x - 6,
  };
}

/**
 * @param {Frontend} frontend
 * @param {Port} port
 */
function widthOfFrontend(frontend, port) {
  const notes = [noteOfFrontend(frontend), refusedAt(frontend, port)];
  const texts = [frontend.address.length * monoWidth, ...notes.map(textWidthOf)];
  return Math.max(...texts) + 2 * sizes.padding;
}

/**
 * @param {Frontend} frontend
 * @param {Port} port
 */
function heightOfFrontend(frontend, port) {
  const notes = [noteOfFrontend(frontend), refusedAt(frontend, port)].filter((note) => note !== '');
  return sizes.frontend + notes.length * sizes.rangeLine;
}

/** @param {Port} port */
function heightOf(port) {
  return port.frontends.reduce((sum, frontend) => sum + heightOfFrontend(frontend, port) + sizes.space, -sizes.space);
}

/**
 * @param {Port} port
 * @param {{ y: number, width: number }} start
 * @returns {FrontendBox[]}
 */
function stackFrontends(port, { y, width }) {
  let top = y;
  return port.frontends.map((frontend) => {
    const box = { frontend, x: 1, y: top, width, height: heightOfFrontend(frontend, port) };
    top += box.height + sizes.space;
    return box;
  });
}
