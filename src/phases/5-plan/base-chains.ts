/** Where the kernel calls the ruleset: hooks and priorities, with their reasons. */

import { isDeepStrictEqual } from 'node:util';
import type { Chain, Hook, Rule, Statement } from '../../nft/ruleset.ts';
import { chainNames } from './names.ts';

/** A base chain that calls one other chain. */
interface BaseChainRow extends Hook {
  readonly name: string;
  /** Which connections it is for; NAT chains see nothing but first packets anyway. */
  readonly conditions: readonly Statement[];
  readonly jump: string;
}

/** `ct state new`: the first packet of a connection. It comes first, because it is all that later packets cost. */
const isNew: Statement = { kind: 'match', left: { kind: 'ct-state' }, right: 'new' };

/** `ct status dnat`: the connection's destination was translated. */
export const isTranslated: Statement = { kind: 'match', left: { kind: 'ct-status' }, right: 'dnat' };

/** `ct status ! dnat`: it was not. */
const isNotTranslated: Statement = { ...isTranslated, negated: true };

/**
 * Source ranges apply to the address that the client asked for, so before DNAT (-100); only where a Service has some
 * (firewall.ts). A connection of the node that was translated in output to the node itself comes in again over loopback,
 * and what it asked for is checked already. Priorities are numbers because nft before 1.0.8 knows the name `dstnat` in
 * prerouting only.
 */
export const firewallBaseChains: readonly BaseChainRow[] = baseChains('firewall', ['prerouting', 'output'], {
  type: 'filter',
  priority: -110,
  conditions: [isNew, isNotTranslated],
  jump: chainNames.firewallCheck,
});

const natBaseChains: readonly BaseChainRow[] = baseChains('nat', ['prerouting', 'output'], {
  type: 'nat',
  priority: -100,
  conditions: [],
  jump: chainNames.services,
});

/** The chains that record which endpoint a client got, after DNAT; only where a Service has affinity. */
export const pinBaseChains: readonly BaseChainRow[] = baseChains('pin', ['prerouting', 'output'], {
  type: 'filter',
  priority: -99,
  conditions: [isNew, isTranslated],
  jump: chainNames.pin,
});

/** A rejection needs a packet that was routed: reject works in prerouting only from Linux 5.9 on. */
const refusalBaseChains: readonly BaseChainRow[] = [
  ...baseChains('filter', ['input'], {
    type: 'filter',
    priority: 0,
    conditions: [isNew],
    jump: chainNames.inputRefusals,
  }),
  ...baseChains('filter', ['forward', 'output'], {
    type: 'filter',
    priority: 0,
    conditions: [isNew],
    jump: chainNames.refusals,
  }),
];

/** Its rules stand in it, in place of a jump: masquerade.ts. */
export const natPostrouting: Hook & { readonly name: string } = {
  name: 'nat-postrouting',
  type: 'nat',
  hook: 'postrouting',
  priority: 100,
};

/** The hooks of all base chains that a ruleset may have, by their names. */
export const hooksOfBaseChains: ReadonlyMap<string, Hook> = new Map(
  [...firewallBaseChains, ...natBaseChains, ...pinBaseChains, ...refusalBaseChains, natPostrouting].map(
    ({ name, type, hook, priority }) => [name, { type, hook, priority }],
  ),
);

/** A base chain as nft has it: `ct state new jump firewall-check`. */
export function planBaseChain({ name, type, hook, priority, conditions, jump }: BaseChainRow): Chain {
  const rule: Rule = [...conditions, { kind: 'jump', chain: jump }];
  return { name, hook: { type, hook, priority }, rules: [rule] };
}

/** The chains in which DNAT happens. */
export function planNatChains(): Chain[] {
  return natBaseChains.map(planBaseChain);
}

/**
 * The chains that refuse. What was translated has an endpoint as its destination, so they pass it over:
 * `ct state new ct status ! dnat jump refusals`.
 *
 * @param refusesEndpoints whether some endpoint is at an address that is refused itself (refused-endpoints.ts): then
 * translated connections are checked as well, `ct state new jump refusals`.
 */
export function planRefusalChains(refusesEndpoints: boolean): Chain[] {
  const more = refusesEndpoints ? [] : [isNotTranslated];
  return refusalBaseChains.map((row) => planBaseChain({ ...row, conditions: [...row.conditions, ...more] }));
}

/** Whether a chain is one that {@link planRefusalChains} returns. */
export function isRefusalChain(chain: Chain | undefined): boolean {
  return refusalChains.some((known) => isDeepStrictEqual(known, chain));
}

const refusalChains: readonly Chain[] = [...planRefusalChains(false), ...planRefusalChains(true)];

/** A chain for each hook: `firewall-prerouting`, `firewall-output`. */
function baseChains(
  prefix: string,
  hooks: readonly Hook['hook'][],
  row: Omit<BaseChainRow, 'name' | 'hook'>,
): BaseChainRow[] {
  return hooks.map((hook) => ({ name: `${prefix}-${hook}`, hook, ...row }));
}
