// @ts-check

/**
 * @typedef {import('./unpack-graph.js').Port} Port
 * @typedef {import('./unpack-graph.js').Frontend} Frontend
 * @typedef {import('./unpack-graph.js').Route} Route
 */

/**
 * The flags of `svc2nft explain` for the connections of an arrow: from a frontend, or to an end of a route.
 *
 * @param {Frontend | undefined} frontend
 * @param {Route} [route] which clients; by default those that the frontend is meant for
 * @returns {string} empty where no packet shows it: the node port is not open at any address
 */
export function packetFlags(frontend, route) {
  if (!frontend || frontend.target === '') {
    return '';
  }
  const isInternal = frontend.kind === 'cluster IP' || /^(internal|node)(?!.*external)/.test(route?.clients ?? '');
  const [range] = frontend.sourceRanges ?? [];
  const client = isInternal ? 'node' : (range?.replace(/\/.*$/, '') ?? 'outside');
  return `--from ${quoteWord(client)} --to ${quoteWord(frontend.target)}`;
}

/**
 * The same for the arrow to an endpoint or a refusal: at the first frontend whose connections may take it.
 *
 * @param {Port} port
 * @param {readonly number[]} routes those that lead there; none for an endpoint that is left out
 */
export function routeFlags({ frontends, routes: all }, routes) {
  const own = frontends.filter((frontend) => frontend.routes.length > 0);
  for (const route of routes) {
    const frontend = own.find((each) => each.routes.includes(route) && each.target !== '');
    if (frontend) {
      return packetFlags(frontend, all[route]);
    }
  }
  return routes.length === 0 ? packetFlags(own[0]) : '';
}

/**
 * A word for POSIX shells.
 *
 * @param {string} word
 */
function quoteWord(word) {
  return /^[-\w./:,@%+=]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
