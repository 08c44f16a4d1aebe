import type { Hook } from '../../nft/ruleset.ts';
import { chainNames } from './names.ts';

/** A base chain: where the kernel calls it, and the chains it tries in order. */
export interface BaseChainRow extends Hook {
  readonly name: string;
  /** Only connections in this state; NAT chains see nothing but first packets anyway. */
  readonly onlyNew: boolean;
  readonly onlyTranslated?: true;
  readonly jumps: readonly string[];
}

/**
 * All base chains, in the order a packet meets them. Priorities are numbers because nft before 1.0.8 knows the name
 * `dstnat` in prerouting only.
 */
export const baseChains: readonly BaseChainRow[] = [
  // Source ranges speak of the address that the client asked for, so before DNAT (-100).
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

/** The base chains that record which endpoint a client got; only where a Service has affinity. */
export const pinBaseChains: readonly BaseChainRow[] = filterChains('pin', ['prerouting', 'output'], -99, [
  chainNames.pin,
]).map((chain) => ({ ...chain, onlyTranslated: true }));

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
