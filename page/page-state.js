// @ts-check

/**
 * What the page shows: the filters, and the Services that are selected, by `namespace/name`.
 *
 * @typedef {import('./find-services.js').Filters & { services: readonly string[] }} State
 */

/** @type {readonly (keyof import('./find-services.js').Filters)[]} */
const filterNames = ['search', 'namespace', 'node', 'zone', 'problem'];

/**
 * Reads the part of the address after `#`: `service=shop/web&search=10.244`. What it does not name is empty.
 *
 * @param {string} hash
 * @returns {State}
 */
export function readState(hash) {
  const parameters = new URLSearchParams(hash.replace(/^#/, ''));
  const [search, namespace, node, zone, problem] = filterNames.map((name) => parameters.get(name) ?? '');
  return { search, namespace, node, zone, problem, services: parameters.getAll('service') };
}

/**
 * The other way round; `#` for nothing at all.
 *
 * @param {State} state
 */
export function writeState(state) {
  const parameters = new URLSearchParams();
  for (const id of state.services) {
    parameters.append('service', id);
  }
  for (const name of filterNames) {
    if (state[name] !== '') {
      parameters.set(name, state[name]);
    }
  }
  return `#${parameters.toString().replaceAll('%2F', '/')}`;
}
