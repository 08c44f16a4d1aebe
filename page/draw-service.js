// @ts-check
import { drawPort } from './draw-port.js';
import { countText, makeElement, makeLink } from './make-element.js';
import { partsOfRefusal } from './port-texts.js';

/** Endpoints that a diagram shows at first. */
const mostEndpoints = 120;

/**
 * A selected Service: its problems, and a diagram for each of its ports.
 *
 * @param {import('./unpack-graph.js').Service} service
 * @param {{ width: number, handlers: import('./draw-port.js').Handlers }} context the width to fill
 */
export function drawService(service, { width, handlers }) {
  const { namespace, name, ports, problems, used, endpoints } = service;
  return makeElement(
    'section',
    { class: 'service', 'aria-label': `Service ${service.id}` },
    makeElement('h2', {}, makeElement('span', { class: 'muted' }, `${namespace}/`), name, ...makeBadges(problems)),
    makeElement(
      'p',
      { class: 'muted' },
      service.unserved === ''
        ? `${used.toLocaleString('en')} of ${countText(endpoints, 'endpoint')} get connections from this node`
        : `No node serves it: ${service.unserved}.`,
    ),
    ...listRefusals(ports),
    ...ports.map((port) => drawFigure(port, { width, handlers })),
  );
}

/**
 * Refusals as text, each part on its own line, for screens that are too narrow for the right side of a diagram.
 *
 * @param {readonly import('./unpack-graph.js').Port[]} ports
 */
function listRefusals(ports) {
  const refusals = ports.flatMap((port) =>
    port.routes.flatMap(({ refusal }, route) => (refusal === null ? [] : partsOfRefusal(port, route))),
  );
  return refusals.map(({ what, why, places }) =>
    makeElement(
      'p',
      { class: 'refusal-text' },
      makeElement('strong', {}, what),
      ...[why, ...places].map((line) => makeElement('span', {}, line)),
    ),
  );
}

/**
 * @param {import('./unpack-graph.js').Port} port
 * @param {{ width: number, handlers: import('./draw-port.js').Handlers }} context
 */
function drawFigure(port, { width, handlers }) {
  const figure = makeElement('figure');
  const draw = (/** @type {number} */ most) => {
    const left = port.endpoints.length - most;
    const more = makeLink(`show the other ${countText(left, 'endpoint')}`, () => draw(port.endpoints.length));
    figure.replaceChildren(drawPort(port, { width, mostEndpoints: most }, handlers), ...(left > 0 ? [more] : []));
  };
  draw(mostEndpoints);
  return figure;
}

/**
 * A badge for each problem.
 *
 * @param {ReadonlySet<string>} problems
 */
export function makeBadges(problems) {
  return [...problems].map((problem) => makeElement('span', { class: `badge ${problem.replace(' ', '-')}` }, problem));
}
