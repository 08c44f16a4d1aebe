// @ts-check
import { anyProblem, nameOrUnnamed } from './find-services.js';
import { compareNames, makeElement, shortenName } from './make-element.js';
import { problemNames } from './unpack-graph.js';

/**
 * @typedef {import('./find-services.js').Filters} Filters
 * @typedef {{ element: HTMLElement, search: HTMLInputElement, show: (filters: Filters) => void }} FilterForm
 */

/**
 * The search box and the filters below it. `onChange` gets the filters that the user changed.
 *
 * @param {import('./unpack-graph.js').PageGraph} graph
 * @param {(change: Partial<Filters>) => void} onChange
 * @returns {FilterForm}
 */
export function makeFilters({ services, places }, onChange) {
  const search = makeElement('input', {
    type: 'search',
    id: 'search',
    placeholder: 'name, address, pod, node',
    'aria-label': 'Search Services by name, address, pod or node',
    autocomplete: 'off',
    spellcheck: 'false',
  });
  search.addEventListener('input', () => onChange({ search: search.value }));
  const choices = {
    namespace: makeChoice('Namespace', optionsOf(services.map(({ namespace }) => namespace))),
    zone: makeChoice('Zone', optionsOf(places.map(({ zone }) => nameOrUnnamed(zone)))),
    node: makeChoice('Node', optionsOf(places.map(({ node }) => nameOrUnnamed(node)))),
    problem: makeChoice('Problem', [['any problem', anyProblem], ...problemNames.map((name) => [name, name])]),
  };
  for (const [name, { select }] of Object.entries(choices)) {
    select.addEventListener('change', () => onChange({ [name]: select.value }));
  }
  const labels = Object.values(choices).map(({ label }) => label);
  return {
    element: makeElement('div', { class: 'filters', role: 'search' }, search, ...labels),
    search,
    show: (filters) => {
      // Setting the same value again would move the cursor.
      if (search.value !== filters.search) {
        search.value = filters.search;
      }
      for (const [name, { select }] of Object.entries(choices)) {
        select.value = filters[name];
      }
    },
  };
}

/**
 * @param {string} title
 * @param {string[][]} options text and value
 */
function makeChoice(title, options) {
  const select = makeElement(
    'select',
    {},
    ...[['all', ''], ...options].map(([text, value]) => makeElement('option', { value }, text)),
  );
  return { select, label: makeElement('label', {}, makeElement('span', {}, title), select) };
}

/** @param {string[]} names */
function optionsOf(names) {
  return [...new Set(names)].sort(compareNames).map((name) => [shortenName(name), name]);
}
