// @ts-check
import { shortenName } from './make-element.js';

/**
 * What an endpoint gets of the new connections, a text for each kind of clients: `1/3`, or `pods 1/3`, `outside 1/1`;
 * where it gets nothing, the reason.
 *
 * @param {import('./unpack-graph.js').Endpoint} endpoint
 * @param {import('./unpack-graph.js').Port} port
 */
export function sharesOf({ routes, leftOut }, port) {
  if (leftOut !== '') {
    return [leftOut];
  }
  return routes
    .map((index) => port.routes[index])
    .map(({ clients, endpoints }) => `${clients === '' ? '' : `${clients} `}1/${endpoints}`);
}

/**
 * What the box of a service port says.
 *
 * @param {import('./unpack-graph.js').Port} port
 */
export function linesOfPort({ portName, port, affinitySeconds }) {
  return [portName || 'port', port, ...(affinitySeconds > 0 ? [`sticky for ${affinitySeconds} s`] : [])];
}

/**
 * The address and port of a frontend, or a node port alone.
 *
 * @param {import('./unpack-graph.js').Frontend} frontend
 */
export function placeOfFrontend({ place }) {
  return place.replace(/^node port /, '');
}

/**
 * Who may use a frontend, where not everybody may.
 *
 * @param {import('./unpack-graph.js').Frontend} frontend
 */
export function noteOfFrontend({ heldBy, sourceRanges }) {
  if (heldBy !== '') {
    return `taken by ${shortenName(heldBy)}`;
  }
  if (sourceRanges === null) {
    return '';
  }
  const more = sourceRanges.length > 1 ? ` +${sourceRanges.length - 1}` : '';
  return `only from ${sourceRanges[0] ?? 'nobody'}${more}`;
}

/**
 * What stands above a zone or a node.
 *
 * @param {{ name: string, isHere: boolean }} group
 * @param {'zone' | 'node'} kind
 */
export function titleOfGroup({ name, isHere }, kind) {
  const here = isHere && kind === 'node' ? ' · this node' : '';
  return `${name === '' ? `unknown ${kind}` : `${kind} ${shortenName(name)}`}${here}`;
}
