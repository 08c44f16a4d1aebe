/** What goes into a walk and what comes out of it. Addresses are canonical text of the ruleset's family. */

import { pushTo } from '../lib/lists.ts';
import { sortByAddress } from '../net/address.ts';
import type { Protocol } from '../net/network.ts';
import type { Element, Hook } from '../nft/ruleset.ts';

/** The first packet of a connection. */
export interface Packet {
  readonly source: string;
  readonly destination: string;
  readonly protocol: Protocol;
  readonly port: number;
  /**
   * The name of the interface on which it arrives; absent for one that no rule names. In rules of iptables, where most rules of
   * others name some, absent means that it is not known, and only that it is not `lo`.
   */
  readonly inputInterface?: string;
  /** The mark that other programs have set, an unsigned number of 32 bits; absent for 0. */
  readonly mark?: number;
}

/** What a ruleset needs to know about the node, in place of its routing tables. */
export interface NodeFacts {
  /**
   * The node's own addresses, of any family; 127.0.0.0/8 and ::1 need not be listed. Masquerading uses the first one of the
   * ruleset's family.
   */
  readonly localAddresses: readonly string[];
}

/** An entry that a rule has put into a dynamic set. */
export interface MemoryEntry extends Element {
  /** Its remaining lifetime in seconds; absent for no limit. The walker has no clock: the caller drops expired entries. */
  readonly timeoutSeconds?: number;
}

/**
 * What connections leave behind for later ones: for each dynamic set that a rule has changed, its entries by key. A set that
 * is not listed holds what the ruleset declares.
 */
export type Memory = ReadonlyMap<string, ReadonlyMap<string, MemoryEntry>>;

/** One statement that was executed. */
export interface Step {
  readonly hook: Hook['hook'];
  readonly chain: string;
  /** The positions of the rule in its chain and of the statement in its rule, from 0. */
  readonly rule: number;
  readonly statement: number;
  /** False where the rule ended here: a match failed or a lookup found nothing. */
  readonly passed: boolean;
  /** The key with which the statement read or changed a set, `10.96.0.1 . tcp . 80`. */
  readonly key: string | undefined;
  /** The element found under that key. */
  readonly element: Element | undefined;
}

/** A probability, in lowest terms. Its numbers are whole. */
export interface Share {
  readonly numerator: number;
  readonly denominator: number;
}

/** How the client of a rejected packet learns of it: by a reset, or by an ICMP error, "port unreachable". */
export type RejectionAnswer = 'tcp-reset' | 'port-unreachable';

/** One way in which the walk of a packet can end. */
export interface PacketOutcome {
  /** `translated`: sent to an endpoint. `untouched`: no rule applied; it continues to its original destination. */
  readonly verdict: 'translated' | 'untouched' | 'rejected' | 'dropped';
  /** Undefined unless the packet is rejected. */
  readonly rejectedWith: RejectionAnswer | undefined;
  /** The packet's final destination, also as `10.1.1.1:80` or `[fd00::1]:80`. */
  readonly address: string;
  readonly port: number;
  readonly endpoint: string;
  /** Whether the packet's source was replaced by an address of the node. */
  readonly masqueraded: boolean;
  /** The packet's final mark. */
  readonly mark: number;
  readonly share: Share;
  /** The share as a number from 0 to 1. */
  readonly probability: number;
  /**
   * Present where the packet met a match or target of iptables that is not understood, or that depends on what is not known:
   * its fate may be another one. With steps, these show which.
   */
  readonly isUncertain?: true;
  /** To pass on with the next packet. */
  readonly memory: Memory;
  /** The path to this outcome; the first one if several paths led to it. */
  readonly steps: readonly Step[];
}

/** Every way in which the walk can end: no two equal, those at the node itself first. Their shares add up to 1. */
export interface Fate {
  readonly outcomes: readonly PacketOutcome[];
}

/** A fate in brief. */
export interface FateSummary {
  /** `mixed` where chance decides it. */
  readonly verdict: PacketOutcome['verdict'] | 'mixed';
  /** Undefined if no outcome is rejected. */
  readonly rejectedWith: RejectionAnswer | 'mixed' | undefined;
  /** The endpoints that the packet may be translated to, `10.1.1.1:80`, sorted as numbers, each with its share. */
  readonly endpoints: readonly {
    readonly endpoint: string;
    readonly share: Share;
    readonly masqueraded: boolean | 'mixed';
  }[];
  /** Whether the source is rewritten in the outcomes in which the packet arrives; false if it never does. */
  readonly masqueraded: boolean | 'mixed';
}

/** The outcomes of a walk taken together, without paths and memory. */
export function summarizeFate({ outcomes }: Fate): FateSummary {
  const arriving = outcomes.filter(({ verdict }) => verdict === 'translated' || verdict === 'untouched');
  const byEndpoint = new Map<string, PacketOutcome[]>();
  for (const outcome of outcomes.filter(({ verdict }) => verdict === 'translated')) {
    pushTo(byEndpoint, outcome.endpoint, outcome);
  }
  const endpoints = [...byEndpoint].map(([endpoint, same]) => ({
    endpoint,
    share: same.map(({ share }) => share).reduce(addShares),
    masqueraded: common(same.map(({ masqueraded }) => masqueraded)) ?? false,
  }));
  return {
    verdict: common(outcomes.map(({ verdict }) => verdict)) ?? 'untouched',
    rejectedWith: common(outcomes.flatMap(({ rejectedWith }) => rejectedWith ?? [])),
    endpoints: sortByAddress(endpoints, ({ endpoint }) => endpoint),
    masqueraded: common(arriving.map(({ masqueraded }) => masqueraded)) ?? false,
  };
}

/** The value that all share; `mixed` where they differ, undefined for an empty list. */
function common<T>(values: readonly T[]): T | 'mixed' | undefined {
  return new Set(values).size > 1 ? 'mixed' : values[0];
}

/**
 * The sum of two shares, in lowest terms: exact, unless it takes numbers larger than JavaScript's; then it is rounded to a
 * multiple of 2^-52.
 */
export function addShares(a: Share, b: Share): Share {
  const common = greatestCommonDivisor(a.denominator, b.denominator);
  const [fromA, fromB] = [b.denominator / common, a.denominator / common];
  return inLowestTerms(
    a.numerator * fromA + b.numerator * fromB,
    a.denominator * fromA,
    () => toNumber(a) + toNumber(b),
  );
}

/** The share of a share, in lowest terms; rounded as {@link addShares} does. */
export function multiplyShares(a: Share, b: Share): Share {
  if (a.numerator === 1 && b.numerator === 1 && a.denominator * b.denominator <= Number.MAX_SAFE_INTEGER) {
    return { numerator: 1, denominator: a.denominator * b.denominator };
  }
  // What both have in common is left out first, so that the products stay small.
  const [one, other] = [
    greatestCommonDivisor(a.numerator, b.denominator),
    greatestCommonDivisor(b.numerator, a.denominator),
  ];
  return inLowestTerms(
    (a.numerator / one) * (b.numerator / other),
    (a.denominator / other) * (b.denominator / one),
    () => toNumber(a) * toNumber(b),
  );
}

function inLowestTerms(numerator: number, denominator: number, rounded: () => number): Share {
  if (!Number.isSafeInteger(denominator)) {
    const unit = 2 ** 52;
    return inLowestTerms(Math.max(1, Math.round(rounded() * unit)), unit, rounded);
  }
  const divisor = greatestCommonDivisor(numerator, denominator);
  return { numerator: numerator / divisor, denominator: denominator / divisor };
}

function toNumber({ numerator, denominator }: Share): number {
  return numerator / denominator;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
