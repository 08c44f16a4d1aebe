/**
 * Whose layout a table has: that of this version, that of an earlier one, until the next `apply` brings it up to date, or
 * kube-proxy's.
 */

import type { Chain, Ruleset } from '../../nft/ruleset.ts';
import { isKubeProxys } from './kube-proxy-names.ts';

/** A layout of earlier versions. */
interface EarlierLayout {
  readonly isOf: (chains: readonly Chain[]) => boolean;
  /** The names of chains and sets that it has otherwise than tables have now, or that only one of them has. */
  readonly differing: readonly RegExp[];
}

const pins = /^pin-(tcp|udp|sctp)$/;
const refusals =
  /^((filter|refusals)-(input|forward|output|prerouting)|(incoming|outgoing|input)-refusals|refusals|firewall-(prerouting|output))$/;
const checks =
  /^((service-endpoints|nodeport-endpoints|cluster-ips|firewall)-check|services|masquerading|nat-postrouting|reject-chain|hairpin-connections)$/;

const layouts: readonly EarlierLayout[] = [
  {
    // Refused in filter chains with a lookup in each, and masqueraded in a chain of its own.
    isOf: hasChains('service-endpoints-check', 'cluster-ips-check'),
    differing: [pins, refusals, checks],
  },
  {
    // Refused in filter chains, `ct state new ct status ! dnat jump refusals`.
    isOf: hasChains('refusals', 'input-refusals'),
    differing: [pins, refusals],
  },
  {
    // Pinned with `meta l4proto tcp` in place of `tcp dport != 0`.
    isOf: (chains) => chains.some(({ name, rules: [rule] }) => pins.test(name) && matchesProtocol(rule)),
    differing: [pins],
  },
];

function hasChains(...names: readonly string[]): EarlierLayout['isOf'] {
  return (chains) => names.every((name) => chains.some((chain) => chain.name === name));
}

function matchesProtocol([first]: Chain['rules'][number] = []): boolean {
  return first?.kind === 'match' && first.left.kind === 'l4proto';
}

/** What is said of a table in such a layout. */
export const earlierLayoutText = 'the table is in the layout of an earlier version';

/**
 * Whether a chain or set is one of those that the layout of a table explains, by its name; undefined for a table in the
 * layout of this version.
 */
export function readEarlierLayout({
  comment,
  chains,
}: Pick<Ruleset, 'comment' | 'chains'>): ((name: string) => boolean) | undefined {
  const layout = isKubeProxys({ comment, chains }) ? undefined : layouts.find(({ isOf }) => isOf(chains));
  return layout && ((name) => layout.differing.some((names) => names.test(name)));
}
