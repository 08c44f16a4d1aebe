// @ts-check
import { compile, documentsOf } from '../../dist/index.js';
import { readServices } from './read-services.js';
import { clusterCIDR, clusterCIDR6 } from './write-fixed-part.js';

/** What every part compiles with. @type {Partial<import('../../dist/index.js').CompileOptions>} */
export const compileOptions = { clusterCIDRs: [clusterCIDR, clusterCIDR6] };

/**
 * Our ruleset for a generated cluster, for `nft -f`.
 *
 * @param {object[]} items
 * @param {Partial<import('../../dist/index.js').CompileOptions>} [options]
 * @returns {string}
 */
export function writeFlatRuleset(items, options = {}) {
  const { text } = compile(documentsOf(items), { ...compileOptions, ...options });
  if (!text) {
    throw new Error('the generated cluster does not compile');
  }
  return text;
}

/**
 * The same by another layout, in one transaction.
 *
 * @param {import('./layout.js').PeerLayout} layout
 * @param {object[]} items
 * @returns {string}
 */
export function writePeerRuleset({ fixedPart, writeService }, items) {
  return `${fixedPart}${readServices(items).map(writeService).join('')}`;
}
