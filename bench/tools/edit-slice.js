// @ts-check

/**
 * A slice with other endpoints, as a watch of the API server would bring it: a new object.
 *
 * @param {any} slice
 * @param {(endpoints: any[]) => any[]} change
 * @returns {any}
 */
export function editSlice(slice, change) {
  const resourceVersion = String(Number(slice.metadata.resourceVersion) + 1);
  return { ...slice, metadata: { ...slice.metadata, resourceVersion }, endpoints: change(slice.endpoints) };
}

/**
 * A ready endpoint on another node, at an address that the generated cluster does not use.
 *
 * @param {number} number up to 4 million
 */
export function buildEndpoint(number) {
  const octets = [16, 8, 0].map((shift) => ((0x900000 + number) >>> shift) & 255);
  return {
    addresses: [`10.${octets.join('.')}`],
    conditions: { ready: true, serving: true, terminating: false },
    nodeName: 'worker-2',
    zone: 'zone-a',
  };
}

/**
 * One of many changes: with an even number a Service has an endpoint more, with the next it has those of before.
 *
 * @param {object[]} items of generateCluster
 * @param {number} number
 * @returns {{ service: object, slice: object }}
 */
export function changeSlice(items, number) {
  const pair = Math.floor(number / 2);
  const index = 1 + 2 * ((pair * 7919) % Math.floor(items.length / 2));
  const slice = editSlice(items[index + 1], (endpoints) =>
    number % 2 === 0 ? [...endpoints, buildEndpoint(pair)] : endpoints,
  );
  return { service: /** @type {object} */ (items[index]), slice };
}
