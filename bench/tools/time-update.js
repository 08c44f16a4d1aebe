// @ts-check
import { timeNft } from './time-nft.js';

/**
 * Carries changes out: the engine's update, and nft in a namespace, where there is anything to do.
 *
 * @typedef {ReturnType<typeof import('../../dist/index.js').createEngine>} Engine
 * @typedef {Parameters<Engine['update']>[0]} Changes
 * @param {Engine} engine
 * @param {import('./open-namespace.js').Namespace} node
 * @param {Changes} changes
 * @returns {[number, number]} milliseconds: of `update` alone; until nft has returned
 * @throws {Error} when an object is refused, or nft refuses
 */
export function timeUpdate(engine, node, changes) {
  const start = performance.now();
  const { text, diagnostics } = engine.update(changes);
  const updated = performance.now() - start;
  if (diagnostics.length > 0) {
    throw new Error(diagnostics.map(({ message }) => message).join('\n'));
  }
  return [updated, updated + (text === '' ? 0 : timeNft(node, text))];
}
