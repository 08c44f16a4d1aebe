/**
 * The ruleset of one family as plain data: what phase 5 makes, phase 6 prints, and walker, diff and checks read.
 * Types only. Every kind below is one construct of nft; a reader that meets a kind it does not know must refuse it.
 */

import type { EndpointAddress, Family, Protocol } from '../net/network.ts';

/** What a rule compares with: an address, CIDR, protocol or interface name as text, a port or index as number. */
export type Scalar = string | number;

/** What happens to a packet that a verdict map finds. */
type Verdict = { readonly kind: 'goto'; readonly chain: string } | { readonly kind: 'drop' };

/**
 * An entry of a set (no value), of a verdict map, or of a map to endpoint addresses. The key is nft's own text,
 * `10.96.0.1 . 80 . 0`: canonical, so that equal keys are equal texts, and cheap, for there may be a million of them.
 */
export interface Element {
  readonly key: string;
  readonly value?: Verdict | EndpointAddress;
  /** Whom the element belongs to, `namespace/name:port`, at most 128 bytes. */
  readonly comment?: string;
}

/**
 * All endpoints of one frontend, in an endpoint map: for each endpoint address an element whose key is this key and the endpoint address's
 * index, `10.96.0.1 . 80 . 0`. It stands for most of what a ruleset holds, so the elements are made only where they are
 * needed one by one (elementsOf).
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
  /** The most elements that it may hold; the kernel's default for dynamic sets is 65,535. */
  readonly size?: number;
  /** How long an element added by a rule lives, in seconds, where the rule itself does not say. */
  readonly timeoutSeconds?: number;
  readonly comment: string;
}

/** A value that a rule reads from the packet or its connection. */
export type Expression =
  | { readonly kind: 'address'; readonly field: 'saddr' | 'daddr' }
  | { readonly kind: 'l4proto' }
  /** `th` is the destination port whatever the protocol, in the transport header. */
  | { readonly kind: 'dport'; readonly protocol: Protocol | 'th' }
  | { readonly kind: 'iifname' }
  | { readonly kind: 'ct-state' }
  | { readonly kind: 'ct-status' }
  /** Whether an address is one of the node's own: the type of its route. */
  | { readonly kind: 'fib-type'; readonly field: 'saddr' | 'daddr' }
  /** Destination address and port before DNAT. */
  | { readonly kind: 'ct-original-daddr' }
  | { readonly kind: 'ct-original-dport' }
  /** A random number from 0 to modulus - 1, drawn anew each time. */
  | { readonly kind: 'numgen'; readonly modulus: number };

/** One step of a rule, from left to right; a match that fails ends the rule. */
export type Statement =
  | { readonly kind: 'match'; readonly left: Expression; readonly negated?: boolean; readonly right: Scalar }
  | {
      readonly kind: 'match-set';
      readonly key: readonly Expression[];
      readonly negated?: boolean;
      readonly set: string;
    }
  /** Matches when the packet's mark has the bit. `mark` is a 32-bit number with one bit set. */
  | { readonly kind: 'match-mark'; readonly mark: number }
  | { readonly kind: 'set-mark'; readonly operator: 'or' | 'xor'; readonly mark: number }
  | { readonly kind: 'vmap'; readonly key: readonly Expression[]; readonly map: string }
  /** One of the chains at random, with equal chances. */
  | { readonly kind: 'random-goto'; readonly chains: readonly string[] }
  | { readonly kind: 'dnat'; readonly protocol: Protocol; readonly address: string; readonly port: number }
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
      /** Present when `set` is a map to endpoint addresses: what address and port are read from. */
      readonly value?: readonly Expression[];
      readonly timeoutSeconds?: number;
    }
  | { readonly kind: 'jump' | 'goto'; readonly chain: string }
  | { readonly kind: 'drop' | 'reject' | 'return' | 'masquerade' };

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
  readonly rules: readonly Rule[];
}

/** A declared set or map and what it holds at load time: all that elementsOf gives. */
export interface FilledSet extends SetDeclaration {
  readonly elements: readonly Element[];
  /** Only in endpoint maps. */
  readonly lists?: readonly EndpointList[];
}

/** One table with everything in it. Sets come before the chains that use them, chains before those that jump to them. */
export interface Ruleset {
  readonly family: Family;
  readonly table: string;
  readonly comment: string;
  readonly sets: readonly FilledSet[];
  readonly chains: readonly Chain[];
}
