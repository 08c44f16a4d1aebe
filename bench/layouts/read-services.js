// @ts-check
/**
 * @typedef {{ address: string, port: number, isLocal: boolean }} Endpoint
 * @typedef {{ namespace: string, name: string, clusterIP: string, port: number, endpoints: Endpoint[] }} Service
 *   one TCP port `http`
 */

/**
 * The Services of a generated cluster, as short as the layouts of others need them.
 *
 * @param {object[]} items what {@link import('../generate-cluster.js').generateCluster} gives: a Node, then each Service
 *   with its slice
 * @returns {Service[]}
 */
export function readServices(items) {
  const services = [];
  for (let index = 1; index < items.length; index += 2) {
    services.push(readService(items[index], items[index + 1]));
  }
  return services;
}

/**
 * @param {any} service
 * @param {any} slice
 * @returns {Service}
 */
export function readService(service, slice) {
  return {
    namespace: service.metadata.namespace,
    name: service.metadata.name,
    clusterIP: service.spec.clusterIP,
    port: service.spec.ports[0].port,
    endpoints: slice.endpoints.map((/** @type {any} */ endpoint) => ({
      address: endpoint.addresses[0],
      port: slice.ports[0].port,
      isLocal: endpoint.nodeName === 'worker-1',
    })),
  };
}
