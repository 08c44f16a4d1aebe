// @ts-check

/** Services in one transaction. */
const step = 500;

/**
 * Loads a ruleset of kube-proxy in several transactions, which at the end holds the same as after one, but takes less
 * time, so that large ones can be used for what is measured afterward.
 *
 * @param {import('../tools/open-namespace.js').Namespace} namespace
 * @param {import('./layout.js').PeerLayout} layout
 * @param {import('./read-services.js').Service[]} services
 * @param {(text: string) => string} translate to another family
 */
export function loadPeer(namespace, { fixedPart, writeService }, services, translate = (text) => text) {
  namespace.run(['nft', '-f', '-'], translate(fixedPart));
  for (let start = 0; start < services.length; start += step) {
    const text = services
      .slice(start, start + step)
      .map(writeService)
      .join('');
    namespace.run(['nft', '-f', '-'], translate(text));
  }
}
