// @ts-check
import { makeCopyStatus } from './copy-button.js';
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
 * @typedef {{ source: string, graphs: { node: string }[], otherNodes: number }} Content
 */

/** The most selected Services that are drawn. */
const mostDrawn = 20;

/** Builds the page. The address after `#` always holds its state, so links lead back to it. */
export function start() {
  const content = JSON.parse(document.getElementById('graph')?.textContent ?? '');
  const { status, copy } = makeCopyStatus();
  let state = readState(location.hash);
  let open = openNode(content, state.on);
  let found = open.graph.services;
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
    onCopy: copy,
    commandOf: (/** @type {string} */ flags) => `${open.graph.explain} ${flags}`,
    onEndpoint: (/** @type {string} */ address) => follow({ services: [], search: address }),
    select: (/** @type {string} */ id) => follow({ services: [id] }),
    filter: (/** @type {Partial<State>} */ filters) => follow({ services: [], ...filters }),
  };
  const show = () => {
    const page = makePage(open.graph, content, {
      change,
      onSelect: (id, { add, browse }) => change({ services: add ? toggle(state.services, id) : [id] }, { browse }),
    });
    document.body.replaceChildren(page.side, page.main, status);
    onOtherWidth(page.main, () => page === parts && render({ widthChanges: true }));
    return page;
  };
  let parts = show();
  const render = ({ filtersChange = false, widthChanges = false }) => {
    if (open.on !== state.on) {
      open = openNode(content, state.on);
      drawn = '';
      parts = show();
      parts.nodes?.focus();
    }
    found = filtersChange ? findServices(open.graph.services, state) : found;
    const selected = state.services.flatMap((id) => open.byId.get(id) ?? []);
    parts.show(state, { found, selected });
    const names = selected.map(({ id }) => id).join();
    // Diagrams do not depend on filters, which change with every key press.
    if (names === '' || names !== drawn || widthChanges) {
      drawn = names;
      parts.view.replaceChildren(...drawView({ found, selected, width: parts.main.clientWidth - 48 }, handlers));
    }
  };
  addEventListener('popstate', () => {
    state = readState(location.hash);
    render({ filtersChange: true });
  });
  addEventListener('keydown', (event) => onKey(event, { parts, change, state }));
  render({ filtersChange: true });
}

/**
 * The graph of a node; the first one if there is none of that name.
 *
 * @param {any} content what writePage embeds (src/inspect/graph/write-page.ts)
 * @param {string} on
 */
function openNode({ graphs }, on) {
  const graph = unpackGraph(graphs.find(({ node }) => node === on) ?? graphs[0]);
  return { on, graph, byId: new Map(graph.services.map((service) => [service.id, service])) };
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
 * @param {Content} content
 * @param {{ change: (changes: Partial<State>, how?: { browse: boolean }) => void, onSelect: import('./make-list.js').ListHandlers['onSelect'] }} handlers
 */
function makePage(graph, content, { change, onSelect }) {
  const view = makeElement('div', { id: 'view', tabindex: -1 });
  const filters = makeFilters(graph, (changes) => change(changes, { browse: 'search' in changes }));
  const list = makeList({ onSelect, onEnter: () => view.focus() });
  const count = makeElement('span', { role: 'status' });
  const empty = { search: '', namespace: '', node: '', zone: '', problem: '' };
  const reset = makeLink('clear filters', () => change(empty));
  const overview = makeLink('Overview', () => change({ services: [] }));
  const trail = makeElement('span', { class: 'muted' });
  const main = makeElement('main', {}, makeElement('p', { class: 'bar' }, overview, trail), view);
  const nodes = makeNodeSwitch(graph, content, (on) => change({ on }));
  const side = makeElement('aside', {}, makeHeader(graph, content), ...nodes.elements, filters.element);
  side.append(makeElement('p', { class: 'count' }, count, reset), list.element, makeKeys());
  const show = (
    /** @type {State} */ state,
    /** @type {{ found: Services, selected: Services }} */ { found, selected },
  ) => {
    filters.show(state);
    list.show(found, state.services);
    count.textContent = `${found.length.toLocaleString('en')} of ${countText(graph.services.length, 'Service')}`;
    reset.hidden = writeState({ ...state, on: '', services: [] }) === '#';
    trail.textContent = selected.length === 0 ? '' : ` › ${selected.map(({ id }) => id).join(', ')}`;
  };
  return { show, search: filters.search, list: list.element, nodes: nodes.select, side, main, view };
}

/**
 * @param {import('./unpack-graph.js').PageGraph} graph
 * @param {Content} content
 */
function makeHeader({ node, zone }, { source }) {
  return makeElement(
    'header',
    {},
    makeElement(
      'h1',
      { title: node },
      node === '' ? 'Services on a node without a name' : `Services on ${shortenName(node)}`,
    ),
    makeElement('p', { class: 'muted', title: zone }, zone === '' ? 'zone unknown' : `zone ${shortenName(zone)}`),
    makeElement('p', { class: 'muted source', title: source }, `from ${shortenName(source)}`),
  );
}

/**
 * The choice between the nodes that the page has graphs of, and what to do about the others.
 *
 * @param {import('./unpack-graph.js').PageGraph} graph
 * @param {Content} content
 * @param {(node: string) => void} onChange
 */
function makeNodeSwitch({ node }, { graphs, otherNodes }, onChange) {
  const names = graphs.map((each) => each.node);
  const select = makeElement(
    'select',
    { id: 'nodes' },
    ...names.map((name) =>
      makeElement(
        'option',
        { value: name, selected: name === node },
        name === '' ? 'without a name' : shortenName(name),
      ),
    ),
  );
  select.addEventListener('change', () => onChange(select.value));
  const label = makeElement('label', { class: 'nodes' }, makeElement('span', {}, 'Rules of node'), select);
  const more = `${countText(otherNodes, 'other node')} of the snapshot ${otherNodes === 1 ? 'is' : 'are'} not on this page, which would be too large: use svc2nft graph --node NAME, or fewer Services with -n or --service.`;
  return {
    select: names.length > 1 ? select : undefined,
    elements: [
      ...(names.length > 1 ? [label] : []),
      ...(otherNodes > 0 ? [makeElement('p', { class: 'nodes muted' }, more)] : []),
    ],
  };
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
