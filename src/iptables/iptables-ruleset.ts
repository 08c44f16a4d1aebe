/**
 * The iptables rules of one family as plain data: `phases/5-plan-iptables` plans them, and `print-iptables.ts` prints them.
 * Types only. Every kind below is one match or target of iptables.
 */

import type { EndpointAddress, Family, Protocol } from '../net/network.ts';

/** The rules of one family, which one iptables-restore or ip6tables-restore loads. */
export interface IptablesRuleset {
  readonly family: Family;
  /** In the order in which they are loaded; each is replaced as a whole. */
  readonly tables: readonly IptablesTable[];
}

/** What svc2nft has in one table, beside what others have in it. */
export interface IptablesTable {
  readonly name: 'filter' | 'nat';
  /** The jumps from the chains that the kernel calls. Those from one chain stand in it in this order, ahead of all others. */
  readonly jumps: readonly BuiltInJump[];
  readonly chains: readonly IptablesChain[];
}

/** A rule in a chain that belongs to nobody alone. */
export interface BuiltInJump {
  readonly from: 'PREROUTING' | 'INPUT' | 'FORWARD' | 'OUTPUT' | 'POSTROUTING';
  readonly rule: IptablesRule;
}

/** A chain of svc2nft. */
export interface IptablesChain {
  readonly name: string;
  readonly rules: readonly IptablesRule[];
}

/** One rule; a packet must pass all that it matches. */
export interface IptablesRule {
  readonly source?: AddressMatch;
  readonly destination?: AddressMatch;
  readonly inInterface?: InterfaceMatch;
  readonly protocol?: Protocol;
  /** The destination port, or the first and the last of a range; only with a protocol. */
  readonly port?: number | readonly [first: number, last: number];
  /** Tried from the first to the last, so that `recent` lists only what the ones before have let through. */
  readonly matches?: readonly IptablesMatch[];
  /** At most 255 bytes, of the letters that names and addresses have. */
  readonly comment?: string;
  readonly target: IptablesTarget;
}

/** A range of addresses, or one address without a prefix length. */
interface AddressMatch {
  readonly range: string;
  readonly negated?: boolean;
}

/** The name of an interface, or with `prefix` the start of the names. */
export interface InterfaceMatch {
  readonly name: string;
  readonly prefix: boolean;
  readonly negated?: boolean;
}

/** A match of an extension. */
export type IptablesMatch =
  /** `-m addrtype --src-type LOCAL`: an address of this node. */
  | { readonly kind: 'local-address'; readonly field: 'src' | 'dst' }
  /** `-m conntrack --ctstate NEW`; DNAT is that of a connection whose destination was translated. */
  | {
      readonly kind: 'state';
      readonly states: 'NEW' | 'DNAT' | 'INVALID' | 'RELATED,ESTABLISHED' | 'RELATED,ESTABLISHED,DNAT';
      readonly negated?: boolean;
    }
  /** `-m mark --mark 0x4000/0x4000` */
  | { readonly kind: 'mark'; readonly mark: number; readonly negated?: boolean }
  /** `-m statistic --mode random --probability 0.33333333349`: one of this many packets. */
  | { readonly kind: 'random'; readonly outOf: number }
  /** `-m recent --set --name LIST`: lists the source. */
  | { readonly kind: 'list-source'; readonly list: string }
  /** `-m recent --rcheck`, or `--update`, which also counts as seen: the source was listed in the last seconds. */
  | {
      readonly kind: 'listed-source';
      readonly list: string;
      readonly seconds: number;
      readonly updates: boolean;
    };

/** What happens to a packet that a rule matches. */
export type IptablesTarget =
  /** After the end of its chain, `jump` comes back to the next rule, `goto` to where this chain was called. */
  | { readonly kind: 'jump' | 'goto'; readonly chain: string }
  | { readonly kind: 'return' | 'accept' | 'drop' | 'masquerade' }
  /** A reset is for TCP only. */
  | { readonly kind: 'reject'; readonly with: 'tcp-reset' | 'port-unreachable' }
  | { readonly kind: 'dnat'; readonly to: EndpointAddress }
  /** `or` sets the bit, `xor` clears one that is set. */
  | { readonly kind: 'set-mark'; readonly operator: 'or' | 'xor'; readonly mark: number };
