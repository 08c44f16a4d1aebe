/** What verify finds in one table. Types only; plain data. */

import type { Cidr } from '../../net/address.ts';
import type { Family } from '../../net/network.ts';
import type { Deviation, ListedTable } from '../../nft/listed-table.ts';
import type { BehaviorNote } from './behaviors.ts';

/** Where a ruleset comes from. */
export interface VerifyOptions {
  /** Whether it was read from the kernel or a file: such a table may keep idle chains for a while. */
  readonly isActual: boolean;
  /** What the reader of the table did not understand, and so left out of the ruleset. */
  readonly deviations?: readonly Pick<Deviation, 'message' | 'chain'>[];
  /**
   * What the configuration says about rules of iptables. The rest is what kube-proxy's rules say themselves, for it may differ from
   * what is known about other rules.
   */
  readonly configured?: ConfiguredIptables;
  /** What traffic wrote into its dynamic sets; absent for a ruleset that is not loaded. */
  readonly pins?: ListedTable['dynamic'];
}

/** What a configuration says about kube-proxy's iptables mode; undefined for what is not known. */
export interface ConfiguredIptables {
  readonly masqueradeAll?: boolean;
  readonly masqueradeBit?: number;
  /** Where node ports answer at loopback addresses; null for nowhere. */
  readonly loopbackNodePorts?: Cidr | null;
}

/** One table, checked. */
export interface Verification {
  readonly family: Family;
  readonly table: string;
  /** Whether there is such a table. Where no Service needs one, its absence is not a fault. */
  readonly exists: boolean;
  /** Addresses with a port, and node ports, that Services own. */
  readonly frontends: number;
  /** Distinct endpoint addresses behind them. */
  readonly endpoints: number;
  /** How many packets were walked through the ruleset. */
  readonly packets: number;
  readonly faults: readonly Fault[];
  /** What the rules do otherwise than svc2nft's for nft, which is not a fault; absent for those. */
  readonly notes?: readonly BehaviorNote[];
}

/** One thing that is wrong. */
export interface Fault {
  readonly code: FaultCode;
  /** `shop/web:http`; absent if the fault does not belong to a Service. */
  readonly service?: string;
  /** `10.96.0.10:80/tcp`, or `*:30080/tcp` for a node port; absent if the fault does not belong to a frontend. */
  readonly frontend?: string;
  /** What is wrong, in one line. Names from the ruleset are copied as they are: escape them before printing. */
  readonly message: string;
}

/** Kinds of faults; programs may rely on these words. */
export type FaultCode =
  /** There is no table, though the snapshot needs one in this family. */
  | 'missing-table'
  /** The table is in the layout of an earlier version. */
  | 'earlier-layout'
  /** A chain or map was flushed or deleted; faults behind it are its symptoms. */
  | 'damaged-table'
  /** Something in the table that svc2nft does not understand, or that the kernel would refuse. */
  | 'not-understood'
  /** Connections are rejected, dropped, translated or left alone, and should not be. */
  | 'wrong-verdict'
  /** Connections reach an endpoint that they should not, or miss one that they should reach. */
  | 'wrong-endpoint'
  | 'unequal-shares'
  /** The source is masqueraded and should not be, or the other way round. */
  | 'wrong-source'
  /** Mark bits of other programs are lost, or the masquerade bit is still set on packets that leave the node. */
  | 'wrong-mark'
  /** A client does not keep its endpoint, keeps it without need, or keeps it for the wrong time. */
  | 'wrong-affinity'
  /** A frontend that no Service has. */
  | 'extra-frontend'
  /** An element that no packet of a Service needs. */
  | 'extra-element'
  | 'missing-element'
  /** A chain that no rule leads to, or a set that no rule uses. */
  | 'dangling-chain'
  | 'dangling-set'
  /** A base chain that is missing, redundant or in the wrong place. */
  | 'wrong-hook'
  /** A rule that svc2nft does not write in its chain. */
  | 'unknown-rule'
  /** A rule, or a chain, that svc2nft always writes. */
  | 'missing-rule'
  /** A rule that is there twice or in the wrong order. */
  | 'misplaced-rule'
  | 'unknown-chain'
  | 'unknown-set'
  /** A set or map of another type, size or timeout, or with other flags. */
  | 'wrong-declaration'
  /** A rule behind one that ends its chain. */
  | 'unreachable-rule'
  /** A filter rule that applies to established connections. */
  | 'wrong-state'
  /** An element whose comment names another Service. */
  | 'wrong-comment';
