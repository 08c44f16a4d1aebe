// @ts-check
import { buildEndpoint, editSlice } from './edit-slice.js';

/**
 * A cluster that changes: endpoints are added, removed or become unready, Services come and go. The same sequence each
 * time.
 *
 * @param {object[]} items of generateCluster
 * @returns {() => import('./time-update.js').Changes} the next change
 */
export function randomChanges(items) {
  const random = seededRandom(1);
  /** @type {[any, any][]} Services that exist, each with its slice */
  const present = [];
  /** @type {[any, any][]} */
  const absent = [];
  for (let index = 1; index < items.length; index += 2) {
    present.push([items[index], items[index + 1]]);
  }
  let added = 0;
  return () => {
    const choice = random();
    if (choice < 0.1 && absent.length > 0) {
      return { apply: move(absent, present, random) };
    }
    if (choice < 0.2 && present.length > 1) {
      return { remove: move(present, absent, random).map(referenceOf) };
    }
    const pair = /** @type {[any, any]} */ (present[Math.floor(random() * present.length)]);
    pair[1] = editSlice(pair[1], (endpoints) => changeEndpoints(endpoints, random, added++));
    return { apply: [pair[1]] };
  };
}

/**
 * Moves a Service from one list to the other.
 *
 * @param {[any, any][]} from
 * @param {[any, any][]} to
 * @param {() => number} random
 * @returns {[any, any]} it, and its slice
 */
function move(from, to, random) {
  const index = Math.floor(random() * from.length);
  const [last] = from.splice(-1);
  const chosen = /** @type {[any, any]} */ (index < from.length ? from[index] : last);
  if (index < from.length) {
    from[index] = /** @type {[any, any]} */ (last);
  }
  to.push(chosen);
  return chosen;
}

/** @param {any} object */
function referenceOf({ kind, metadata }) {
  return { kind, namespace: metadata.namespace, name: metadata.name };
}

/**
 * One endpoint more, one fewer, or one that is ready no longer, or is again.
 *
 * @param {any[]} endpoints
 * @param {() => number} random
 * @param {number} number of the endpoint, should it be a new one
 */
function changeEndpoints(endpoints, random, number) {
  const choice = random();
  if (choice < 0.34 || endpoints.length === 0) {
    return [...endpoints, buildEndpoint(number)];
  }
  const victim = Math.floor(random() * endpoints.length);
  if (choice < 0.67) {
    return endpoints.toSpliced(victim, 1);
  }
  const ready = !endpoints[victim].conditions.ready;
  return endpoints.with(victim, { ...endpoints[victim], conditions: { ready, serving: ready, terminating: false } });
}

/**
 * Numbers from 0 to 1 that look random and are the same each time (mulberry32).
 *
 * @param {number} seed
 */
function seededRandom(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
