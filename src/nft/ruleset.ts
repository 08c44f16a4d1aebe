/**
 * The ruleset of one family as plain data: phase 5 plans it, `print.ts` prints it, and `text` and `json` read it back from
 * nft's text and JSON; walker, diff and checks read it as it is. Types only. Every kind below is one construct of nft, and
 * a reader must refuse a kind that it does not know.
 *
 * Rules of iptables are the same data, in all tables of a family as one ruleset ({@link Ruleset.language}), with kinds of their
 * own for what nft's rules here do otherwise ({@link IptablesStatement}). Nothing prints those in nft's words.
 */

import type { EndpointAddress, Family, Protocol } from '../net/network.ts';

/** What a rule compares with: an address, CIDR, protocol or interface name as text, a port or index as number. */
export type Scalar = string | number;

/** What happens to a packet whose key is in a verdict map. */
type Verdict = { readonly kind: 'goto'; readonly chain: string } | { readonly kind: 'drop' };

/**
 * An element of a set (no value), of a verdict map, or of a map to endpoint addresses. The key is nft's own text,
 * `10.96.0.1 . 80 . 0`: canonical, so that equal keys are equal texts, and cheap, as there may be a million of them.
 */
export interface Element {
  readonly key: string;
  readonly value?: Verdict | EndpointAddress;
  /** The service port that the element belongs to, `namespace/name:port`, at most 128 bytes. */
  readonly comment?: string;
}

/**
 * All endpoints of one frontend in an endpoint map: one element for each endpoint address, whose key is this key and the
 * index of the address, `10.96.0.1 . 80 . 0`. These are most of the elements of a ruleset, so `elementsOf` creates them only
 * where each is needed.
 */
export interface EndpointList {
  /** `10.96.0.1 . 80`, or the node port alone. */
  readonly key: string;
  readonly endpointAddresses: readonly EndpointAddress[];
}

/** The nft type of one part of a key; `index` is the 32-bit result of `numgen`. */
export type KeyType = 'address' | 'protocol' | 'port' | 'index';

/** A named set or map. */
export interface SetDeclaration {
  readonly name: string;
  readonly key: readonly KeyType[];
  /** The transport protocol whose port the key holds; nft needs to know it where a key holds an `index`. */
  readonly protocol?: Protocol;
  /** Absent for a set. */
  readonly value?: 'verdict' | 'endpoint';
  readonly flags?: readonly ('interval' | 'dynamic' | 'timeout')[];
  /** The maximum number of elements; the kernel's default for dynamic sets is 65,535. */
  readonly size?: number;
  /** The lifetime in seconds of an element that a rule adds without one of its own. */
  readonly timeoutSeconds?: number;
  /** Whether the kernel counts, for each element of a map, the packets that find it. Their numbers are not part of a ruleset. */
  readonly counter?: true;
  readonly comment: string;
}

/** A value that a rule reads from the packet, its connection or chance. */
export type Expression =
  | { readonly kind: 'address'; readonly field: 'saddr' | 'daddr' }
  | { readonly kind: 'l4proto' }
  /** `th` is the destination port in the transport header of any protocol. */
  | { readonly kind: 'dport'; readonly protocol: Protocol | 'th' }
  | { readonly kind: 'iifname' }
  | { readonly kind: 'ct-state' }
  | { readonly kind: 'ct-status' }
  /** The type of the route to an address: `local` for the node's own addresses. */
  | { readonly kind: 'fib-type'; readonly field: 'saddr' | 'daddr' }
  /** Destination address and port before DNAT. */
  | { readonly kind: 'ct-original-daddr' }
  | { readonly kind: 'ct-original-dport' }
  /** A random number from 0 to modulus - 1, drawn at each evaluation. */
  | { readonly kind: 'numgen'; readonly modulus: number };

/** One step of a rule, from left to right; a match that fails ends the rule. */
export type Statement = StatementInNft | IptablesStatement;

/** What rules of nft have, and those of iptables where they do the same. */
export type StatementInNft =
  /** Negated, a `ct-status` is a bit that is not set, `ct status ! dnat`. */
  | { readonly kind: 'match'; readonly left: Expression; readonly negated?: boolean; readonly right: Scalar }
  | {
      readonly kind: 'match-set';
      readonly key: readonly Expression[];
      readonly negated?: boolean;
      readonly set: string;
    }
  /** A comparison with an anonymous set of addresses and CIDRs, `ip saddr != { 10.0.0.0/8, 192.0.2.1 }`; kube-proxy's alone. */
  | {
      readonly kind: 'match-list';
      readonly left: Expression;
      readonly negated?: boolean;
      readonly values: readonly string[];
    }
  /** Matches when the packet's mark has the bit; negated, when it has not. `mark` is a 32-bit number with one bit set. */
  | { readonly kind: 'match-mark'; readonly mark: number; readonly negated?: boolean }
  | { readonly kind: 'set-mark'; readonly operator: 'or' | 'xor'; readonly mark: number }
  | { readonly kind: 'vmap'; readonly key: readonly Expression[]; readonly map: string }
  /** One of the chains at random, each with the same probability. */
  | { readonly kind: 'random-goto'; readonly chains: readonly string[] }
  | { readonly kind: 'dnat'; readonly protocol: Protocol; readonly address: string; readonly port: number }
  /** One of the endpoint addresses at random, each with the same probability; kube-proxy's alone. */
  | {
      readonly kind: 'random-dnat';
      readonly protocol: Protocol;
      readonly endpointAddresses: readonly EndpointAddress[];
    }
  /** The key's value in a map to endpoint addresses; a missing key ends the rule. */
  | {
      readonly kind: 'dnat-map';
      readonly protocol: Protocol;
      readonly key: readonly Expression[];
      readonly map: string;
    }
  | {
      readonly kind: 'update' | 'delete';
      readonly set: string;
      readonly key: readonly Expression[];
      /** Present when `set` is a map to endpoint addresses: where address and port are read from. */
      readonly value?: readonly Expression[];
      readonly timeoutSeconds?: number;
    }
  | { readonly kind: 'jump' | 'goto'; readonly chain: string }
  /** Rejects TCP with a reset, `meta l4proto tcp reject with tcp reset`; for any other protocol the rule ends. */
  | { readonly kind: 'tcp-reset' }
  /** Both do nothing to packets, and only kube-proxy writes them: a counter, with a name or its own; a comment of its rule. */
  | { readonly kind: 'counter'; readonly name?: string }
  | { readonly kind: 'comment'; readonly text: string }
  /** `reject` answers with an ICMP error, port unreachable. */
  | { readonly kind: 'drop' | 'reject' | 'return' | 'masquerade' };

/** What only rules of iptables have. */
export type IptablesStatement =
  /** Ends the chains of this table at this hook; those of other tables follow. */
  | { readonly kind: 'accept' }
  /** A match that holds for no packet that starts a connection over TCP, UDP or SCTP, such as `-p icmp`. */
  | { readonly kind: 'never' }
  /** Holds with a probability of numerator / denominator, both whole numbers; drawn at each evaluation. */
  | { readonly kind: 'match-random'; readonly numerator: number; readonly denominator: number }
  /** The port is in one of the ranges, each given by its first and last port. `original` is the one before translation. */
  | {
      readonly kind: 'match-ports';
      readonly port: 'destination' | 'original';
      readonly negated?: boolean;
      readonly ranges: readonly (readonly [first: number, last: number])[];
    }
  /** Of the bits of the mask, the mark has these. */
  | {
      readonly kind: 'match-masked';
      readonly place: MarkPlace;
      readonly mask: number;
      readonly bits: number;
      readonly negated?: boolean;
    }
  /** Clears the bits of the mask, then flips the others. */
  | { readonly kind: 'write-mark'; readonly place: MarkPlace; readonly mask: number; readonly bits: number }
  /**
   * Copies a mark to the other place: the bits `fromMask` of the source are flipped in the target, whose bits `toMask` are
   * cleared before.
   */
  | { readonly kind: 'copy-mark'; readonly to: MarkPlace; readonly fromMask: number; readonly toMask: number }
  /** The connection has got a new destination (dnat), or a new source (snat): one of those that are named. */
  | { readonly kind: 'match-translated'; readonly of: readonly ('dnat' | 'snat')[]; readonly negated?: boolean }
  /**
   * The interface at which the packet leaves; a trailing `*` makes the name a prefix. The walk knows it where the packet stays
   * on the node; elsewhere it is as uncertain as "uncertain" below.
   */
  | { readonly kind: 'match-oifname'; readonly name: string; readonly negated?: boolean }
  /** A new destination: address, port or both; what is absent stays as it was. */
  | { readonly kind: 'translate'; readonly address?: string; readonly port?: number }
  /** The node itself as new destination, at the same port or another. */
  | { readonly kind: 'redirect'; readonly port?: number }
  | { readonly kind: 'snat'; readonly address: string }
  /**
   * A match or target that svc2nft does not understand, or that depends on what it does not know. The walk takes it for one that
   * does not hold, or does nothing; it says that the fate is uncertain, unless a match that holds leads to the same one.
   * `fromNode` is whether a match holds for packets that the node itself sends, if at least that is known.
   */
  | { readonly kind: 'uncertain'; readonly text: string; readonly isTarget?: true; readonly fromNode?: boolean };

/** The mark of a packet, or that of its connection, which conntrack keeps. */
type MarkPlace = 'packet' | 'connection';

/** The statements of one kind, or of several. */
export type StatementOf<Kind extends Statement['kind']> = Extract<Statement, { kind: Kind }>;

/** A rule: all its statements, in order. */
export type Rule = readonly Statement[];

/** Where the kernel calls a base chain. Smaller priorities are called first; the policy is always accept. */
export interface Hook {
  readonly type: 'filter' | 'nat';
  readonly hook: 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting';
  readonly priority: number;
}

/** A chain of rules; one with a hook is a base chain. */
export interface Chain {
  readonly name: string;
  readonly hook?: Hook;
  /** Only in tables of kube-proxy. */
  readonly comment?: string;
  readonly rules: readonly Rule[];
  /** The rules as iptables-save prints them, one for each; only in rulesets of iptables. */
  readonly lines?: readonly string[];
}

/** A declared set or map and its elements at load time, which are all that `elementsOf` returns. */
export interface FilledSet extends SetDeclaration {
  readonly elements: readonly Element[];
  /** Only in endpoint maps. */
  readonly lists?: readonly EndpointList[];
}

/** One table with its content. Sets come before the chains that use them, chains before those that jump to them. */
export interface Ruleset {
  readonly family: Family;
  /**
   * Whose rules these are; absent for nft. With `iptables`, all tables of the family are one ruleset, and the names of chains
   * begin with those of their tables, `nat KUBE-SERVICES`. A policy of drop is the last rule of its chain.
   */
  readonly language?: 'iptables';
  readonly table: string;
  readonly comment: string;
  readonly sets: readonly FilledSet[];
  readonly chains: readonly Chain[];
}
