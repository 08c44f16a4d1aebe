/** What goes into a walk and what comes out of it. Types only; addresses are canonical text of the ruleset's family. */
import type { Protocol } from '../network.ts';
import type { Element, Hook } from '../phases/5-plan/ruleset.ts';

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
