/** What a check of a ruleset against a snapshot gives. Types only. */
import type { Family } from '../network.ts';

/** Kinds of faults; programs may rely on these words. */
export type FaultCode =
  /** There is no table, though the snapshot asks for something in its family. */
  | 'missing-table'
  /** Something in the table that is not understood, or that the kernel would refuse. */
  | 'not-understood'
  /** Connections are refused, dropped or let through that should have another fate. */
  | 'wrong-verdict'
  /** They reach an endpoint that they should not, or not one that they should. */
  | 'wrong-endpoint'
  | 'unequal-shares'
  /** The source is rewritten where it should stay, or the other way round. */
  | 'wrong-source'
  /** The mark of others is lost, or ours is left on what leaves the node. */
  | 'wrong-mark'
  /** A client does not keep its endpoint, or keeps it without need, or for another time. */
  | 'wrong-affinity'
  /** A frontend that no Service has. */
  | 'extra-frontend'
  /** An element that no packet of a Service needs. */
  | 'extra-element'
  | 'missing-element'
  /** A chain or set that nothing leads to. */
  | 'dangling-chain'
  | 'dangling-set'
  /** A base chain in the wrong place, one too many, or one that is missing. */
  | 'wrong-hook'
  /** A rule behind one that ends its chain. */
  | 'unreachable-rule'
  /** A rule that asks about connections which are under way. */
  | 'wrong-state'
  /** An element that names another Service than its own. */
  | 'wrong-comment';

/** One thing that is wrong. */
export interface Fault {
  readonly code: FaultCode;
  /** `shop/web:http`; absent where it concerns none. */
  readonly service?: string;
  /** `10.96.0.10:80/tcp` or `node port 30080/tcp`; absent where it concerns none. */
  readonly frontend?: string;
  /** What is wrong, in one line; texts of the ruleset in it are as they were found, so a terminal needs them escaped. */
  readonly message: string;
}

/** One table, checked. */
export interface Verification {
  readonly family: Family;
  readonly table: string;
  /** Addresses with a port and node ports that Services own. */
  readonly frontends: number;
  /** Different sockets behind them. */
  readonly endpoints: number;
  /** How many packets were walked through the ruleset. */
  readonly packets: number;
  readonly faults: readonly Fault[];
}
