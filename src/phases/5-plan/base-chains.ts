/** Where the kernel calls the ruleset: hooks and priorities, with their reasons. */

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

/**
 * Source ranges apply to the address that the client asked for, so before DNAT (-100); only where a Service has some
 * (firewall.ts). What the node sends to itself is checked in output, and passes no NAT chain when it comes in again over
 * loopback. Priorities are numbers because nft before 1.0.8 knows the name `dstnat` in prerouting only.
 */
export const firewallBaseChains: readonly BaseChainRow[] = baseChains('firewall', ['prerouting', 'output'], {
  type: 'nat',
  priority: -110,
  conditions: [isNew],
  jump: chainNames.firewallCheck,
});

const natBaseChains: readonly BaseChainRow[] = baseChains('nat', ['prerouting', 'output'], {
  type: 'nat',
  priority: -100,
  conditions: [],
  jump: chainNames.services,
});

/**
 * The chains that refuse. The kernel calls the NAT chains of a hook one after the other for the first packet of a connection,
 * until one of them translates it: so these, after all that translate, get what nobody translated, and no later packet of any
 * connection. A refused packet leaves no entry in conntrack, so that the next one is a first packet again. The exceptions
 * are first packets of connections that conntrack expects (`ct state related`), which nothing here refuses.
 */
const refusalBaseChains: readonly BaseChainRow[] = [
  ...baseChains('refusals', ['prerouting'], {
    type: 'nat',
    priority: -90,
    conditions: [isNew],
    jump: chainNames.incomingRefusals,
  }),
  ...baseChains('refusals', ['output'], {
    type: 'nat',
    priority: -90,
    conditions: [isNew],
    jump: chainNames.outgoingRefusals,
  }),
];

/** The chains that record which endpoint a client got, after DNAT; only where a Service has affinity. */
export const pinBaseChains: readonly BaseChainRow[] = baseChains('pin', ['prerouting', 'output'], {
  type: 'filter',
  priority: -99,
  conditions: [isNew, isTranslated],
  jump: chainNames.pin,
});

/**
 * The chains that refuse translated connections as well; only while an endpoint is at an address that is refused itself
 * (refused-endpoints.ts), as each costs every packet.
 */
const filterBaseChains: readonly BaseChainRow[] = [
  ...baseChains('filter', ['input', 'forward'], {
    type: 'filter',
    priority: 0,
    conditions: [isNew],
    jump: chainNames.incomingRefusals,
  }),
  ...baseChains('filter', ['output'], {
    type: 'filter',
    priority: 0,
    conditions: [isNew],
    jump: chainNames.outgoingRefusals,
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
  [
    ...firewallBaseChains,
    ...natBaseChains,
    ...pinBaseChains,
    ...refusalBaseChains,
    ...filterBaseChains,
    natPostrouting,
  ].map(({ name, type, hook, priority }) => [name, { type, hook, priority }]),
);

/** A base chain as nft has it: `ct state new jump firewall-check`. */
export function planBaseChain({ name, type, hook, priority, conditions, jump }: BaseChainRow): Chain {
  const rule: Rule = [...conditions, { kind: 'jump', chain: jump }];
  return { name, hook: { type, hook, priority }, rules: [rule] };
}

/** The chains in which DNAT happens, and those that refuse what was not translated. */
export function planNatChains(): Chain[] {
  return [...natBaseChains, ...refusalBaseChains].map(planBaseChain);
}

/** The chains that refuse translated connections as well: `ct state new jump incoming-refusals`. */
export function planFilterChains(): Chain[] {
  return filterBaseChains.map(planBaseChain);
}

/** A chain for each hook: `firewall-prerouting`, `firewall-output`. */
function baseChains(
  prefix: string,
  hooks: readonly Hook['hook'][],
  row: Omit<BaseChainRow, 'name' | 'hook'>,
): BaseChainRow[] {
  return hooks.map((hook) => ({ name: `${prefix}-${hook}`, hook, ...row }));
}
