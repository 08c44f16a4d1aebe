// @ts-check
import { shortenName } from './make-element.js';

/**
 * An endpoint's share of the new connections, a text for each kind of clients: `1/3`, or `internal 1/3`, `external 1/1`;
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
 * What is refused at a frontend, and for whom: `dropped for external clients`; empty for nothing.
 *
 * @param {import('./unpack-graph.js').Frontend} frontend
 * @param {import('./unpack-graph.js').Port} port
 */
export function refusedAt({ routes }, port) {
  const refusals = routes.flatMap((index) => port.routes[index].refusal ?? []);
  const which = refusals.length < routes.length ? ' for external clients' : '';
  return refusals.map((refusal) => `${refusal}${which}`).join(', ');
}

/** How many characters a line of a reason has. */
const lineLength = 40;

/** How many frontends a refusal names. */
const mostPlaces = 4;

/**
 * The lines of a refusal in the box of a diagram.
 *
 * @param {import('./unpack-graph.js').Port} port
 * @param {number} route
 */
export function linesOfRefusal(port, route) {
  const { what, why, places } = partsOfRefusal(port, route);
  return [what, ...wrapText(why), ...places];
}

/**
 * A refusal: what happens, why, and at which frontends.
 *
 * @param {import('./unpack-graph.js').Port} port
 * @param {number} route
 */
export function partsOfRefusal({ routes, frontends }, route) {
  const { refusal, reason } = routes[route];
  const places = frontends.filter((frontend) => frontend.routes.includes(route));
  const shown = places.slice(0, mostPlaces).map(({ kind, address }) => `at ${kind} ${address}`);
  const left = places.length - shown.length;
  return { what: refusal ?? '', why: reason, places: [...shown, ...(left > 0 ? [`and ${left} more`] : [])] };
}

/** @param {string} text */
function wrapText(text) {
  /** @type {string[]} */
  const lines = [];
  for (const word of text.split(/\s+/).filter(Boolean).map(shortenName)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < lineLength) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else {
      lines.push(word);
    }
  }
  return lines;
}

/**
 * The title of a zone or a node.
 *
 * @param {{ name: string, isHere: boolean }} group
 * @param {'zone' | 'node'} kind
 */
export function titleOfGroup({ name, isHere }, kind) {
  if (isHere && kind === 'node' && name === '') {
    return 'this node';
  }
  const here = isHere && kind === 'node' ? ' · this node' : '';
  return `${name === '' ? `unknown ${kind}` : `${kind} ${shortenName(name)}`}${here}`;
}
