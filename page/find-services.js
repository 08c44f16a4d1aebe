// @ts-check

/**
 * The filters of the list; empty texts do not filter.
 *
 * @typedef {{ search: string, namespace: string, node: string, zone: string, problem: string }} Filters
 */

/** The value of a filter for nodes and zones without a name. */
export const unnamed = '(unknown)';

/** The value of the filter for Services with any problem. */
export const anyProblem = 'any';

/**
 * The Services that pass all filters, in their order. A Service must contain every word of the search: in its name, or
 * among its ports, addresses, pods or nodes.
 *
 * @param {readonly import('./unpack-graph.js').Service[]} services
 * @param {Filters} filters
 */
export function findServices(services, { search, namespace, node, zone, problem }) {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return services.filter(
    (service) =>
      (namespace === '' || service.namespace === namespace) &&
      (problem === '' || (problem === anyProblem ? service.problems.size > 0 : service.problems.has(problem))) &&
      isAt(service.places, { node, zone }) &&
      words.every((word) => service.searchText.includes(word)),
  );
}

/**
 * @param {ReadonlySet<import('./unpack-graph.js').Place>} places
 * @param {{ node: string, zone: string }} wanted
 */
function isAt(places, { node, zone }) {
  if (node === '' && zone === '') {
    return true;
  }
  return [...places].some(
    (place) =>
      (node === '' || nameOrUnnamed(place.node) === node) && (zone === '' || nameOrUnnamed(place.zone) === zone),
  );
}

/** @param {string} name */
export function nameOrUnnamed(name) {
  return name === '' ? unnamed : name;
}
