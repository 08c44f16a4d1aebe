// @ts-check

/**
 * @param {import('./open-namespace.js').Namespace} namespace
 * @param {string} text for `nft -f -`
 * @returns {number} milliseconds until nft has returned
 * @throws {Error} when nft refuses
 */
export function timeNft(namespace, text) {
  const start = performance.now();
  namespace.run(['nft', '-f', '-'], text);
  return performance.now() - start;
}
