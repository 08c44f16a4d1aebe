/** What goes into a walk and what comes out of it. Types only; addresses are canonical text of the ruleset's family. */

import type { Protocol } from '../net/network.ts';
import type { Element, Hook } from '../nft/ruleset.ts';
import { addShares } from './walk-chain.ts';

/** The first packet of a connection. */
export interface Packet {
  readonly source: string;
  readonly destination: string;
  readonly protocol: Protocol;
  readonly port: number;
  /** The name of the interface that it arrives at; absent is one that no rule names. */
  readonly inputInterface?: string;
  /** The mark that others gave it before, an unsigned number of 32 bits; absent is 0. */
  readonly mark?: number;
}

/** What a ruleset asks the node's routing tables, in place of those tables. */
export interface NodeFacts {
  /** The node's own addresses, of any family; 127.0.0.0/8 and ::1 need not be listed. The first one masquerades. */
  readonly localAddresses: readonly string[];
}

/** An entry that a rule has put into a dynamic set. */
export interface MemoryEntry extends Element {
  /** How many seconds it lives from now on; absent is for ever. There is no clock here: the caller forgets what is over. */
  readonly timeoutSeconds?: number;
}

/**
 * What connections leave behind for the next ones: for each dynamic set that a rule has changed, its entries by their
 * key. A set without an entry here holds what the ruleset declares.
 */
export type Memory = ReadonlyMap<string, ReadonlyMap<string, MemoryEntry>>;

/** One statement that was carried out, or that did not hold. */
export interface Step {
  readonly hook: Hook['hook'];
  readonly chain: string;
  /** Position of the rule in its chain and of the statement in its rule, from 0. */
  readonly rule: number;
  readonly statement: number;
  /** Whether the statement held; where it did not, the rule ended here. */
  readonly passed: boolean;
  /** The key of a statement that asked or changed a set, `10.96.0.1 . tcp . 80`. */
  readonly key: string | undefined;
  /** What was found at that key. */
  readonly element: Element | undefined;
}

/** A probability, in lowest terms. */
export interface Share {
  readonly numerator: number;
  readonly denominator: number;
}

/** One way that it can end for the packet. */
export interface Outcome {
  /** `translated`: sent to an endpoint. `untouched`: no rule took it; it goes on to where it was sent. */
  readonly verdict: 'translated' | 'untouched' | 'rejected' | 'dropped';
  /** Where the packet was bound in the end, also as `10.1.1.1:80` or `[fd00::1]:80`. */
  readonly address: string;
  readonly port: number;
  readonly endpoint: string;
  /** Whether the packet has a source of the node's instead of its own. */
  readonly masqueraded: boolean;
  /** The packet's mark in the end. */
  readonly mark: number;
  readonly share: Share;
  /** The share as a number from 0 to 1. */
  readonly probability: number;
  /** For the next packet. */
  readonly memory: Memory;
  /** The way there; where several ways led to the same outcome, the first. */
  readonly steps: readonly Step[];
}

/** All the ways, no two of them equal, those to the node itself first; their shares add up to 1. */
export interface Fate {
  readonly outcomes: readonly Outcome[];
}

/** A fate in the words that one would use for it. */
export interface FateSummary {
  /** `mixed` where chance decides even that. */
  readonly verdict: Outcome['verdict'] | 'mixed';
  /** Where the packet may be sent if it is translated, `10.1.1.1:80`, sorted, each with its share. */
  readonly endpoints: readonly {
    readonly endpoint: string;
    readonly share: Share;
    readonly masqueraded: boolean | 'mixed';
  }[];
  /** Whether the source is rewritten, over all outcomes in which the packet arrives; false where it never does. */
  readonly masqueraded: boolean | 'mixed';
}

/** Puts the outcomes of a walk together, forgetting ways and memories. */
export function summariseFate({ outcomes }: Fate): FateSummary {
  const arriving = outcomes.filter(({ verdict }) => verdict === 'translated' || verdict === 'untouched');
  const byEndpoint = new Map<string, Outcome[]>();
  for (const outcome of outcomes.filter(({ verdict }) => verdict === 'translated')) {
    byEndpoint.set(outcome.endpoint, [...(byEndpoint.get(outcome.endpoint) ?? []), outcome]);
  }
  const endpoints = [...byEndpoint].map(([endpoint, same]) => ({
    endpoint,
    share: same.map(({ share }) => share).reduce(addShares),
    masqueraded: common(same.map(({ masqueraded }) => masqueraded)) ?? false,
  }));
  return {
    verdict: common(outcomes.map(({ verdict }) => verdict)) ?? 'untouched',
    endpoints: endpoints.sort((a, b) => (a.endpoint < b.endpoint ? -1 : 1)),
    masqueraded: common(arriving.map(({ masqueraded }) => masqueraded)) ?? false,
  };
}

/** The value that all have; `mixed` where they differ, undefined where there is none. */
function common<T>(values: readonly T[]): T | 'mixed' | undefined {
  return new Set(values).size > 1 ? 'mixed' : values[0];
}
