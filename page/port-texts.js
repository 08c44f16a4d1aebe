// @ts-check
import { shortenName } from './make-element.js';

/**
 * An endpoint's share of the new connections, a text for each kind of clients: `1/3`, or `internal 1/3`, `external at other frontends 1/1`;
 * the reason where it gets none.
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
 * The lines in the box of a service port.
 *
 * @param {import('./unpack-graph.js').Port} port
 */
export function linesOfPort({ portName, port, affinitySeconds }) {
  return [
    portName || 'port',
    port,
    ...(affinitySeconds > 0 ? [`affinity ${affinitySeconds.toLocaleString('en')} s`] : []),
  ];
}

/**
 * Who may use a frontend, unless all clients may.
 *
 * @param {import('./unpack-graph.js').Frontend} frontend
 */
export function noteOfFrontend({ heldBy, sourceRanges }) {
  if (heldBy !== '') {
    return `held by ${shortenName(heldBy)}`;
  }
  if (sourceRanges === null) {
    return '';
  }
  const more = sourceRanges.length > 1 ? ` +${sourceRanges.length - 1}` : '';
  return `only from ${sourceRanges[0] ?? 'no client'}${more}`;
}

/**
 * The title of a zone or a node.
 *
 * @param {{ name: string, isHere: boolean }} group
 * @param {'zone' | 'node'} kind
 */
export function titleOfGroup({ name, isHere }, kind) {
  const here = isHere && kind === 'node' ? ' · this node' : '';
  return `${name === '' ? `unknown ${kind}` : `${kind} ${shortenName(name)}`}${here}`;
}
