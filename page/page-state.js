// @ts-check

/**
 * The state of the page: the filters, and the selected Services by `namespace/name`.
 *
 * @typedef {import('./find-services.js').Filters & { services: readonly string[] }} State
 */

/** @type {readonly (keyof import('./find-services.js').Filters)[]} */
const filterNames = ['search', 'namespace', 'node', 'zone', 'problem'];

/**
 * Reads the part of the address after `#`: `service=shop/web&search=10.244`. Fields that it does not have are empty.
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
 * The opposite; `#` for the empty state.
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
