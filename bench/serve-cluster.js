// @ts-check
/**
 * `serve-cluster.js SERVICES`, started by open-cluster.js: an API server for a generated cluster, in a process and network namespace of its own.
 * Its parent sends calls, `[method, ...arguments]`, and gets the results.
 */
import { setTimeout } from 'node:timers/promises';
import { ApiServer } from '../test/support/api-server.js';
import { generateCluster } from './generate-cluster.js';
import { buildEndpoint, editSlice } from './tools/edit-slice.js';

const [services = 0] = process.argv.slice(2).map(Number);
const { items } = generateCluster({ services, endpoints: 10, affinity: false });
const server = new ApiServer({ objects: /** @type {any[]} */ (items) });
await server.listen();

/** A prime, so that changes go all over the cluster. */
const step = 7919;

/** What can be called. Times are in milliseconds of the monotonic clock. */
const calls = {
  url: () => server.url,
  objects: () => server.objects(),

  /** Replaces an endpoint of a Service, another one for each number. @param {number} number */
  replace: (number) => {
    const time = now();
    server.apply(slice(number, ([_, ...others]) => [buildEndpoint(number), ...others]));
    return time;
  },

  /** Adds an endpoint to a Service. @param {number} number */
  add: (number) => {
    const time = now();
    server.apply(slice(number, (endpoints) => [...endpoints, buildEndpoint(number)]));
    return time;
  },

  /**
   * Replaces endpoints one after the other.
   *
   * @param {{ first: number, count: number, perSecond: number | null }} how without a rate: as fast as possible
   * @returns {Promise<{ begin: number, end: number }>} when the first and the last one were sent
   */
  replaceMany: async ({ first, count, perSecond }) => {
    const begin = now();
    for (let done = 0; done < count; ) {
      const due = perSecond === null ? done + 100 : Math.floor(((now() - begin) / 1000) * perSecond);
      for (; done < Math.min(due, count); done++) {
        calls.replace(first + done);
      }
      await setTimeout(perSecond === null ? 0 : 1);
    }
    return { begin, end: now() };
  },
};

/**
 * @param {number} number
 * @param {(endpoints: any[]) => any[]} change of those at first
 */
function slice(number, change) {
  return editSlice(items[2 + 2 * ((number * step) % services)], change);
}

function now() {
  return Number(process.hrtime.bigint()) / 1e6;
}

process.on('message', async (/** @type {[keyof typeof calls, any]} */ [method, argument]) => {
  process.send?.((await calls[method](argument)) ?? null);
});
process.on('disconnect', () => void server.close());
