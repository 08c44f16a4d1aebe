// @ts-check
import { drawOverview } from './draw-overview.js';
import { drawService } from './draw-service.js';
import { findServices, nameOrUnnamed } from './find-services.js';
import { countText, makeElement, makeLink, shortenName } from './make-element.js';
import { makeFilters } from './make-filters.js';
import { makeList } from './make-list.js';
import { readState, writeState } from './page-state.js';
import { unpackGraph } from './unpack-graph.js';

/**
 * @typedef {import('./page-state.js').State} State
 * @typedef {readonly import('./unpack-graph.js').Service[]} Services
 */

/** The most selected Services that are drawn. */
const mostDrawn = 20;

/** Builds the page. The address after `#` always holds its state, so links lead back to it. */
export function start() {
  const graph = unpackGraph(JSON.parse(document.getElementById('graph')?.textContent ?? ''));
  const byId = new Map(graph.services.map((service) => [service.id, service]));
  let state = readState(location.hash);
  let found = graph.services;
  let drawn = '';
  const change = (/** @type {Partial<State>} */ changes, { browse = false } = {}) => {
    state = { ...state, ...changes };
    render({ filtersChange: Object.keys(changes).some((name) => name !== 'services') });
    remember(writeState(state), { browse });
  };
  const follow = (/** @type {Partial<State>} */ changes) => {
    change(changes);
    parts.main.scrollTop = 0;
    // The clicked link no longer exists.
    parts.view.focus({ preventScroll: true });
  };
  const handlers = {
    onNode: (/** @type {string} */ name) => follow({ services: [], node: nameOrUnnamed(name) }),
    onEndpoint: (/** @type {string} */ address) => follow({ services: [], search: address }),
    select: (/** @type {string} */ id) => follow({ services: [id] }),
    filter: (/** @type {Partial<State>} */ filters) => follow({ services: [], ...filters }),
  };
  const parts = makePage(graph, {
    change,
    onSelect: (id, { add, browse }) => change({ services: add ? toggle(state.services, id) : [id] }, { browse }),
  });
  const render = ({ filtersChange = false, widthChanges = false }) => {
    found = filtersChange ? findServices(graph.services, state) : found;
    const selected = state.services.flatMap((id) => byId.get(id) ?? []);
    parts.show(state, { found, selected });
    const content = selected.map(({ id }) => id).join();
    // Diagrams do not depend on filters, which change with every key press.
    if (content === '' || content !== drawn || widthChanges) {
      drawn = content;
      parts.view.replaceChildren(...drawView({ found, selected, width: parts.main.clientWidth - 48 }, handlers));
    }
  };
  addEventListener('popstate', () => {
    state = readState(location.hash);
    render({ filtersChange: true });
  });
  addEventListener('keydown', (event) => onKey(event, { parts, change, state }));
  onOtherWidth(parts.main, () => render({ widthChanges: true }));
  render({ filtersChange: true });
}

/**
 * @param {{ found: Services, selected: Services, width: number }} content
 * @param {import('./draw-port.js').Handlers & import('./draw-overview.js').OverviewHandlers} handlers
 */
function drawView({ found, selected, width }, handlers) {
  if (selected.length === 0) {
    return [drawOverview(found, handlers)];
  }
  const left = selected.length - mostDrawn;
  const more = makeElement('p', { class: 'muted' }, `${countText(left, 'Service')} more are selected`);
  const drawings = selected.slice(0, mostDrawn).map((service) => drawService(service, { width, handlers }));
  return [...drawings, ...(left > 0 ? [more] : [])];
}

/**
 * @param {readonly string[]} ids
 * @param {string} id
 */
function toggle(ids, id) {
  return ids.includes(id) ? ids.filter((other) => other !== id) : [...ids, id];
}

/**
 * Puts the state into the address. Typing and browsing replace the history entry, as they would fill the history.
 *
 * @param {string} address
 * @param {{ browse: boolean }} how
 */
function remember(address, { browse }) {
  try {
    history[browse ? 'replaceState' : 'pushState'](null, '', address);
  } catch {
    // Some browsers refuse more than a hundred changes in half a minute; the next one updates the address.
  }
}

/**
 * Calls back, at most once per frame, when the width of an element changes.
 *
 * @param {HTMLElement} element
 * @param {() => void} draw
 */
function onOtherWidth(element, draw) {
  let width = element.clientWidth;
  new ResizeObserver(() => {
    if (element.clientWidth !== width) {
      width = element.clientWidth;
      requestAnimationFrame(draw);
    }
  }).observe(element);
}

/**
 * @param {import('./unpack-graph.js').PageGraph} graph
 * @param {{ change: (changes: Partial<State>, how?: { browse: boolean }) => void, onSelect: import('./make-list.js').ListHandlers['onSelect'] }} handlers
 */
function makePage(graph, { change, onSelect }) {
  const view = makeElement('div', { id: 'view', tabindex: -1 });
  const filters = makeFilters(graph, (changes) => change(changes, { browse: 'search' in changes }));
  const list = makeList({ onSelect, onEnter: () => view.focus() });
  const count = makeElement('span', { role: 'status' });
  const empty = { search: '', namespace: '', node: '', zone: '', problem: '' };
  const reset = makeLink('clear filters', () => change(empty));
  const overview = makeLink('Overview', () => change({ services: [] }));
  const trail = makeElement('span', { class: 'muted' });
  const main = makeElement('main', {}, makeElement('p', { class: 'bar' }, overview, trail), view);
  const side = makeElement('aside', {}, makeHeader(graph), filters.element);
  side.append(makeElement('p', { class: 'count' }, count, reset), list.element, makeKeys());
  document.body.append(side, main);
  const show = (
    /** @type {State} */ state,
    /** @type {{ found: Services, selected: Services }} */ { found, selected },
  ) => {
    filters.show(state);
    list.show(found, state.services);
    count.textContent = `${found.length.toLocaleString('en')} of ${countText(graph.services.length, 'Service')}`;
    reset.hidden = writeState({ ...state, services: [] }) === '#';
    trail.textContent = selected.length === 0 ? '' : ` › ${selected.map(({ id }) => id).join(', ')}`;
  };
  return { show, search: filters.search, list: list.element, main, view };
}

/** @param {import('./unpack-graph.js').PageGraph} graph */
function makeHeader({ node, zone }) {
  return makeElement(
    'header',
    {},
    makeElement(
      'h1',
      { title: node },
      node === '' ? 'Services on a node without a name' : `Services on ${shortenName(node)}`,
    ),
    makeElement('p', { class: 'muted', title: zone }, zone === '' ? 'zone unknown' : `zone ${shortenName(zone)}`),
  );
}

function makeKeys() {
  const hints = [
    ['/', 'search'],
    ['↑ ↓', 'select'],
    ['Space', 'add'],
    ['Esc', 'back'],
  ];
  return makeElement(
    'p',
    { class: 'keys muted' },
    ...hints.flatMap(([key, meaning]) => [makeElement('kbd', {}, key), ` ${meaning} `]),
  );
}

/**
 * Keys that work everywhere on the page.
 *
 * @param {KeyboardEvent} event
 * @param {{ parts: ReturnType<typeof makePage>, change: (changes: Partial<State>) => void, state: State }} context
 */
function onKey(event, { parts, change, state }) {
  const isTyping = event.target === parts.search;
  const isElsewhere = event.target instanceof HTMLSelectElement || event.ctrlKey || event.metaKey || event.altKey;
  if (isElsewhere) {
    return;
  }
  if (event.key === '/' && !isTyping) {
    event.preventDefault();
    parts.search.select();
  } else if (event.key === 'ArrowDown' && isTyping) {
    event.preventDefault();
    parts.list.focus();
  } else if (event.key === 'Escape' && isTyping && state.search !== '') {
    change({ search: '' });
  } else if (event.key === 'Escape' && state.services.length > 0) {
    change({ services: [] });
  }
}
