// @ts-check

/**
 * The state of the page: the node whose rules are shown (empty for the first), the filters, and the selected Services
 * by `namespace/name`.
 *
 * @typedef {import('./find-services.js').Filters & { on: string, services: readonly string[] }} State
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
  const on = parameters.get('on') ?? '';
  return { on, search, namespace, node, zone, problem, services: parameters.getAll('service') };
}

/**
 * The opposite; `#` for the empty state.
 *
 * @param {State} state
 */
export function writeState(state) {
  const parameters = new URLSearchParams();
  if (state.on !== '') {
    parameters.set('on', state.on);
  }
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
