/** Where the kernel calls the ruleset: hooks and priorities, with their reasons. */

import type { Chain, Hook, Rule, Statement } from '../../nft/ruleset.ts';
import { chainNames } from './names.ts';

/** A base chain: where the kernel calls it, and the chains it tries in order. */
interface BaseChainRow extends Hook {
  readonly name: string;
  /** Only connections in this state; NAT chains see nothing but first packets anyway. */
  readonly onlyNew: boolean;
  readonly onlyTranslated?: true;
  readonly jumps: readonly string[];
}

/**
 * All base chains, in the order in which a packet meets them. Priorities are numbers because nft before 1.0.8 knows the
 * name `dstnat` in prerouting only.
 */
export const baseChains: readonly BaseChainRow[] = [
  // Source ranges apply to the address that the client asked for, so before DNAT (-100).
  ...filterChains('firewall', ['prerouting', 'output'], -110, [chainNames.firewallCheck]),
  // A rejection needs a packet that was routed: reject works in prerouting only from Linux 5.9 on. After DNAT these
  // chains see an untranslated destination only where no endpoint took the packet.
  ...filterChains('filter', ['input'], 0, [chainNames.nodePortEndpointsCheck, chainNames.serviceEndpointsCheck]),
  // A frontend without local endpoints must drop before a live cluster IP rejects.
  ...filterChains('filter', ['forward', 'output'], 0, [chainNames.serviceEndpointsCheck, chainNames.clusterIpsCheck]),
  natChain('prerouting', -100, chainNames.services),
  natChain('output', -100, chainNames.services),
  natChain('postrouting', 100, chainNames.masquerading),
];

/** The base chains that record which endpoint a client got, after DNAT; only where a Service has affinity. */
export const pinBaseChains: readonly BaseChainRow[] = filterChains('pin', ['prerouting', 'output'], -99, [
  chainNames.pin,
]).map((chain) => ({ ...chain, onlyTranslated: true }));

/** A base chain as nft has it: `ct state new jump firewall-check`, a rule for each chain that it tries. */
export function planBaseChain({ name, type, hook, priority, jumps, onlyNew, onlyTranslated }: BaseChainRow): Chain {
  const conditions = [...(onlyNew ? [isNew] : []), ...(onlyTranslated ? [isTranslated] : [])];
  return {
    name,
    hook: { type, hook, priority },
    rules: jumps.map((chain): Rule => [...conditions, { kind: 'jump', chain }]),
  };
}

/** `ct state new`: the first packet of a connection. */
const isNew: Statement = { kind: 'match', left: { kind: 'ct-state' }, right: 'new' };

/** `ct status dnat`: the connection's destination was translated. */
export const isTranslated: Statement = { kind: 'match', left: { kind: 'ct-status' }, right: 'dnat' };

function filterChains(
  prefix: string,
  hooks: readonly Hook['hook'][],
  priority: number,
  jumps: readonly string[],
): BaseChainRow[] {
  return hooks.map((hook) => ({ name: `${prefix}-${hook}`, type: 'filter', hook, priority, onlyNew: true, jumps }));
}

function natChain(hook: Hook['hook'], priority: number, jump: string): BaseChainRow {
  return { name: `nat-${hook}`, type: 'nat', hook, priority, onlyNew: false, jumps: [jump] };
}
