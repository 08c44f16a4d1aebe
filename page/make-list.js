// @ts-check
import { makeBadges } from './draw-service.js';
import { countText, makeElement } from './make-element.js';

/**
 * @typedef {import('./unpack-graph.js').Service} Service
 * @typedef {{ onSelect: (id: string, how: { add: boolean, browse: boolean }) => void, onEnter: () => void }} ListHandlers
 * @typedef {{ element: HTMLElement, show: (services: readonly Service[], selected: readonly string[]) => void }} ServiceList
 */

/** The height of a row, in pixels, as in the style sheet. */
const rowHeight = 50;

/** Rows above and below the visible ones that are drawn as well. */
const spareRows = 6;

/**
 * The list of Services, of which only the visible rows exist. Arrow keys move through it and select; Ctrl with a click, or
 * Space, selects one more.
 *
 * @param {ListHandlers} handlers
 * @returns {ServiceList}
 */
export function makeList(handlers) {
  const rows = makeElement('div', { class: 'rows' });
  const element = makeElement(
    'div',
    {
      class: 'list',
      role: 'listbox',
      tabindex: 0,
      id: 'services',
      'aria-label': 'Services',
      'aria-multiselectable': 'true',
    },
    rows,
  );
  /** @type {{ services: readonly Service[], selected: readonly string[], active: number }} */
  const shown = { services: [], selected: [], active: 0 };
  const draw = () => drawRows({ element, rows, ...shown });
  const move = (/** @type {number} */ index, /** @type {boolean} */ browse) => {
    shown.active = Math.max(0, Math.min(shown.services.length - 1, index));
    scrollTo(element, shown.active);
    const service = shown.services[shown.active];
    if (service && browse) {
      handlers.onSelect(service.id, { add: false, browse: true });
    }
    draw();
  };
  element.addEventListener('scroll', draw, { passive: true });
  new ResizeObserver(draw).observe(element);
  element.addEventListener('click', (event) => {
    const row = event.target instanceof Element ? event.target.closest('.row') : null;
    if (row instanceof HTMLElement) {
      shown.active = Number(row.dataset['index']);
      const { id } = shown.services[shown.active];
      handlers.onSelect(id, { add: event.ctrlKey || event.metaKey, browse: false });
    }
  });
  element.addEventListener('keydown', (event) => onKey(event, { shown, element, move, handlers }));
  return {
    element,
    show: (services, selected) => {
      const isNew = services !== shown.services;
      Object.assign(shown, { services, selected });
      if (isNew) {
        const first = services.findIndex(({ id }) => selected.includes(id));
        shown.active = Math.max(0, first);
        rows.style.height = `${services.length * rowHeight}px`;
        element.scrollTop = 0;
        scrollTo(element, shown.active);
      }
      draw();
    },
  };
}

/**
 * @param {KeyboardEvent} event
 * @param {{ shown: { services: readonly Service[], active: number }, element: HTMLElement, move: (index: number, browse: boolean) => void, handlers: ListHandlers }} context
 */
function onKey(event, { shown, element, move, handlers }) {
  const page = Math.max(1, Math.floor(element.clientHeight / rowHeight) - 1);
  /** @type {Record<string, number>} */
  const targets = {
    ArrowDown: shown.active + 1,
    ArrowUp: shown.active - 1,
    PageDown: shown.active + page,
    PageUp: shown.active - page,
    Home: 0,
    End: shown.services.length - 1,
  };
  const target = targets[event.key];
  const service = shown.services[shown.active];
  if (target !== undefined) {
    event.preventDefault();
    move(target, !event.ctrlKey);
  } else if (event.key === ' ' && service) {
    event.preventDefault();
    handlers.onSelect(service.id, { add: true, browse: false });
  } else if (event.key === 'Enter' && service) {
    handlers.onSelect(service.id, { add: false, browse: false });
    handlers.onEnter();
  }
}

/**
 * @param {HTMLElement} element
 * @param {number} index
 */
function scrollTo(element, index) {
  const top = index * rowHeight;
  if (top < element.scrollTop) {
    element.scrollTop = top;
  } else if (top + rowHeight > element.scrollTop + element.clientHeight) {
    element.scrollTop = top + rowHeight - element.clientHeight;
  }
}

/** @param {{ element: HTMLElement, rows: HTMLElement, services: readonly Service[], selected: readonly string[], active: number }} list */
function drawRows({ element, rows, services, selected, active }) {
  const first = Math.max(0, Math.floor(element.scrollTop / rowHeight) - spareRows);
  const count = Math.ceil(element.clientHeight / rowHeight) + 2 * spareRows;
  const visible = services.slice(first, first + count);
  rows.replaceChildren(
    ...visible.map((service, offset) => {
      const index = first + offset;
      const row = drawRow(service, { isSelected: selected.includes(service.id), isActive: index === active });
      row.id = `row-${index}`;
      row.dataset['index'] = String(index);
      row.setAttribute('aria-setsize', String(services.length));
      row.setAttribute('aria-posinset', String(index + 1));
      row.style.top = `${index * rowHeight}px`;
      return row;
    }),
  );
  // Rows outside the visible part do not exist.
  const exists = active >= first && active < first + visible.length;
  element.setAttribute('aria-activedescendant', exists ? `row-${active}` : '');
}

/**
 * @param {Service} service
 * @param {{ isSelected: boolean, isActive: boolean }} look
 */
function drawRow({ name, namespace, used, endpoints, problems, unserved }, { isSelected, isActive }) {
  return makeElement(
    'div',
    { class: isActive ? 'row active' : 'row', role: 'option', 'aria-selected': String(isSelected) },
    makeElement('div', { class: 'first' }, makeElement('span', { class: 'name' }, name), ...makeBadges(problems)),
    makeElement(
      'div',
      { class: 'muted' },
      `${namespace} · ${unserved === '' ? `${used.toLocaleString('en')} of ${countText(endpoints, 'endpoint')}` : 'no rules'}`,
    ),
  );
}
