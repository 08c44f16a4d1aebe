// @ts-check
import { compile, documentsOf } from '../../dist/index.js';
import { printRulesets } from '../../dist/nft/print.js';
import { isDispatchChainName } from '../../dist/phases/5-plan/known-names.js';
import { compileOptions } from './write-ruleset.js';

/**
 * Our maps of Services and endpoints, and the rules that look a packet up in them, without anything else: what any ruleset of
 * this kind costs at least.
 *
 * @param {object[]} items
 * @returns {string}
 */
export function writeBareDispatch(items) {
  const { rulesets = [] } = compile(documentsOf(items), compileOptions);
  const bare = rulesets.map(({ sets, chains, ...ruleset }) => ({
    ...ruleset,
    sets: sets.filter(({ name }) => name === 'service-ips' || name === 'tcp-endpoints'),
    chains: chains
      .filter(({ name }) => isDispatchChainName(name) || name === 'nat-prerouting')
      .map((chain) => (chain.name === 'nat-prerouting' ? { ...chain, rules: [lookup] } : chain)),
  }));
  return printRulesets(
    bare.filter(({ sets }) => sets.length === 2),
    { lines: [] },
  );
}

/** `ip daddr . meta l4proto . th dport vmap @service-ips` @type {import('../../dist/index.js').Rule} */
const lookup = [
  {
    kind: 'vmap',
    key: [{ kind: 'address', field: 'daddr' }, { kind: 'l4proto' }, { kind: 'dport', protocol: 'th' }],
    map: 'service-ips',
  },
];
