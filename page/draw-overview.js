// @ts-check

import { makeBadges } from './draw-service.js';
import { anyProblem, nameOrUnnamed } from './find-services.js';
import { compareNames, countText, makeElement, makeLink, makeSvg, shortenName } from './make-element.js';
import { problemNames } from './unpack-graph.js';

/** The most rows that a table shows. */
const mostRows = 100;

/** The most Services without rules that are named. */
const mostUnserved = 12;

/**
 * @typedef {import('./unpack-graph.js').Service} Service
 * @typedef {{ select: (id: string) => void, filter: (change: Partial<import('./find-services.js').Filters>) => void }} OverviewHandlers
 * @typedef {{ zone: string, node: string, isHere: boolean, endpoints: number, used: number, notReady: number, services: Set<string> }} NodeRow
 */

/**
 * The view without a selected Service: figures, Services with problems, and where endpoints run.
 *
 * @param {readonly Service[]} services those that pass the filters
 * @param {OverviewHandlers} handlers
 */
export function drawOverview(services, handlers) {
  const rows = countNodes(services);
  return makeElement(
    'section',
    { class: 'overview', 'aria-label': 'Overview' },
    drawFigures(services, rows),
    ...drawProblems(services, handlers),
    ...drawUnserved(services, handlers),
    ...drawNodes(rows, handlers),
  );
}

/**
 * @param {readonly Service[]} services
 * @param {readonly NodeRow[]} rows
 */
function drawFigures(services, rows) {
  const sum = (/** @type {(service: Service) => number} */ numberOf) =>
    services.reduce((total, service) => total + numberOf(service), 0);
  /** @type {[number, string][]} */
  const figures = [
    [services.length, 'Services'],
    [sum(({ ports }) => ports.length), 'service ports'],
    [sum(({ endpoints }) => endpoints), 'endpoints'],
    [sum(({ used }) => used), 'get connections from this node'],
    [rows.length, 'nodes'],
  ];
  return makeElement(
    'dl',
    { class: 'figures' },
    ...figures.map(([number, label]) =>
      makeElement('div', {}, makeElement('dt', {}, label), makeElement('dd', {}, number.toLocaleString('en'))),
    ),
  );
}

/**
 * @param {readonly Service[]} services
 * @param {OverviewHandlers} handlers
 */
function drawProblems(services, { select, filter }) {
  const rank = ({ problems }) => problemNames.findIndex((problem) => problems.has(problem));
  const troubled = services.filter(({ problems }) => problems.size > 0).sort((a, b) => rank(a) - rank(b));
  if (troubled.length === 0) {
    return [
      makeElement('h2', {}, 'Problems'),
      makeElement(
        'p',
        { class: 'muted' },
        'None: no client of these Services is refused for lack of endpoints, and all endpoints are ready.',
      ),
    ];
  }
  const counts = problemNames.map((problem) => ({
    problem,
    count: troubled.filter(({ problems }) => problems.has(problem)).length,
  }));
  const chips = counts
    .filter(({ count }) => count > 0)
    .map(({ problem, count }) =>
      makeLink(`${problem} ${count}`, () => filter({ problem }), { class: `badge ${problem.replace(' ', '-')}` }),
    );
  const rows = troubled.slice(0, 12).map((service) =>
    makeElement(
      'li',
      {},
      makeLink(service.id, () => select(service.id)),
      ...makeBadges(service.problems),
      makeElement(
        'span',
        { class: 'muted' },
        reasonOf(service) || `${service.used.toLocaleString('en')} of ${countText(service.endpoints, 'endpoint')}`,
      ),
    ),
  );
  const left = troubled.length - rows.length;
  const more = makeLink(`list all ${troubled.length}`, () => filter({ problem: anyProblem }));
  return [
    makeElement('h2', {}, 'Problems'),
    makeElement('p', { class: 'chips' }, ...chips),
    makeElement('ul', { class: 'troubled' }, ...rows),
    ...(left > 0 ? [makeElement('p', {}, more)] : []),
  ];
}

/**
 * Why some clients of a Service are refused, the first reason; empty if none are.
 *
 * @param {Service} service
 */
function reasonOf({ ports }) {
  return ports.flatMap(({ routes }) => routes.map(({ reason }) => reason)).find((reason) => reason !== '') ?? '';
}

/**
 * Services that no node serves, with the reason.
 *
 * @param {readonly Service[]} services
 * @param {OverviewHandlers} handlers
 */
function drawUnserved(services, { select }) {
  const unserved = services.filter((service) => service.unserved !== '');
  const rows = unserved.slice(0, mostUnserved).map(({ id, unserved: reason }) =>
    makeElement(
      'li',
      {},
      makeLink(id, () => select(id)),
      makeElement('span', { class: 'muted' }, reason),
    ),
  );
  const left = unserved.length - rows.length;
  return unserved.length === 0
    ? []
    : [
        makeElement('h2', {}, 'Without rules'),
        makeElement('ul', { class: 'unserved' }, ...rows),
        ...(left > 0 ? [makeElement('p', { class: 'muted' }, `and ${countText(left, 'Service')} more`)] : []),
      ];
}

/**
 * @param {readonly NodeRow[]} rows
 * @param {OverviewHandlers} handlers
 */
function drawNodes(rows, { filter }) {
  const lines = rows.slice(0, mostRows).map((row) => {
    const zone = makeNameLink(row.zone, (name) => filter({ zone: name }));
    const node = makeNameLink(row.node, (name) => filter({ node: name }));
    return makeElement(
      'tr',
      { class: row.isHere ? 'here' : '' },
      makeElement('td', {}, zone),
      makeElement('td', {}, node, ...(row.isHere ? [makeElement('span', { class: 'badge here' }, 'this node')] : [])),
      makeElement('td', { class: 'number' }, row.services.size.toLocaleString('en')),
      makeElement('td', { class: 'share' }, ...drawShare(row)),
      makeElement('td', { class: row.notReady > 0 ? 'number bad' : 'number' }, row.notReady.toLocaleString('en')),
    );
  });
  const heads = ['Zone', 'Node', 'Services', 'Endpoints that get connections', 'Not ready'];
  const left = rows.length - lines.length;
  return [
    makeElement('h2', {}, 'Where endpoints run'),
    makeElement(
      'div',
      { class: 'scroll' },
      makeElement(
        'table',
        {},
        makeElement(
          'thead',
          {},
          makeElement('tr', {}, ...heads.map((head) => makeElement('th', { scope: 'col' }, head))),
        ),
        makeElement('tbody', {}, ...lines),
      ),
    ),
    ...(left > 0 ? [makeElement('p', { class: 'muted' }, `and ${countText(left, 'node')} more: choose a zone`)] : []),
  ];
}

/**
 * @param {string} text
 * @param {(name: string) => void} onPress
 */
function makeNameLink(text, onPress) {
  const name = nameOrUnnamed(text);
  return makeLink(shortenName(name), () => onPress(name), { class: 'link place', title: name });
}

/**
 * How many of a node's endpoints get connections, in words and as a bar that is full when all of them do.
 *
 * @param {NodeRow} row
 */
function drawShare({ used, endpoints }) {
  return [
    makeElement('span', {}, `${used.toLocaleString('en')} of ${endpoints.toLocaleString('en')}`),
    makeSvg(
      'svg',
      { class: 'share-bar', viewBox: '0 0 100 8', preserveAspectRatio: 'none', 'aria-hidden': 'true' },
      makeSvg('rect', { width: 100, height: 8 }),
      makeSvg('rect', { class: 'part', width: (100 * used) / endpoints, height: 8 }),
    ),
  ];
}

/**
 * A row for each node; this node first, then those with endpoints that are not ready, then by zone and name.
 *
 * @param {readonly Service[]} services
 * @returns {NodeRow[]}
 */
export function countNodes(services) {
  /** @type {Map<import('./unpack-graph.js').Place, NodeRow>} */
  const rows = new Map();
  for (const { id, ports } of services) {
    for (const { place, leftOut, state } of ports.flatMap(({ endpoints }) => endpoints)) {
      const row = rows.get(place) ?? { ...place, endpoints: 0, used: 0, notReady: 0, services: new Set() };
      row.endpoints += 1;
      row.used += leftOut === '' ? 1 : 0;
      row.notReady += state === 'not ready' ? 1 : 0;
      row.services.add(id);
      rows.set(place, row);
    }
  }
  return [...rows.values()].sort(
    (a, b) =>
      Number(b.isHere) - Number(a.isHere) ||
      b.notReady - a.notReady ||
      compareNames(a.zone, b.zone) ||
      compareNames(a.node, b.node),
  );
}
