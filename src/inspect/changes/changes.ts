/**
 * The differences between two rulesets of one family, in the words of Services. Types only; plain data that JSON can hold.
 * Everything is sorted. Another order of endpoints is not a difference.
 */

import type { FrontendState, Policy, ServicePortIdentity } from '../../frontends/frontend.ts';
import type { Family } from '../../net/network.ts';

/** All differences of one family. */
export interface FamilyChanges {
  /** Null where both sides have no table. */
  readonly family: Family | null;
  /** The table's name; null as above. */
  readonly table: string | null;
  readonly tableChange: 'new' | 'gone' | 'kept' | 'absent';
  readonly gained: readonly ServicePortState[];
  readonly lost: readonly ServicePortState[];
  readonly changed: readonly ServicePortChange[];
  /** Empty where the table is new or gone. */
  readonly settings: readonly SettingChange[];
  /** Fixed chains that differ although no setting explains it. */
  readonly chains: readonly string[];
  readonly staleUdpFlows: readonly StaleUdpFlows[];
}

/** A service port that exists on one side only. */
export interface ServicePortState extends ServicePortIdentity {
  readonly frontends: readonly FrontendState[];
  /** `10.1.2.3:8080`, `[fd00::1]:8080`: those for policy Cluster. */
  readonly endpoints: readonly string[];
  /** Those of this node, where a Local policy applies. */
  readonly localEndpoints: readonly string[];
}

/** A service port that exists on both sides and differs. Only frontends of both sides are compared with each other. */
export interface ServicePortChange extends ServicePortIdentity {
  readonly frontendsGained: readonly FrontendState[];
  readonly frontendsLost: readonly FrontendState[];
  readonly endpoints: readonly EndpointsChange[];
  readonly policies: readonly PolicyChange[];
  readonly refusals: readonly ValueChange<FrontendState['refusal']>[];
  readonly affinitySeconds: readonly ValueChange<number>[];
  readonly sourceRanges: readonly ValueChange<FrontendState['sourceRanges']>[];
}

/** Where a change holds. */
export interface Where {
  /** Absent where it holds for all frontends of the service port that it could concern. */
  readonly frontends?: readonly string[];
}

/** A change that is the same for several frontends. */
export interface ValueChange<T> extends Where {
  readonly before: T;
  readonly after: T;
}

/** A change of the endpoints that take connections; `endpoints` says for which traffic policy. */
export interface EndpointsChange extends Where {
  readonly endpoints: 'all' | 'local';
  /** How many. */
  readonly before: number;
  readonly after: number;
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** The share of connections of each endpoint in percent; null without endpoints. */
  readonly shareBefore: number | null;
  readonly shareAfter: number | null;
}

/** Another policy at frontends that are served before and after. */
export interface PolicyChange extends ValueChange<Policy> {
  /** How many endpoints take connections of external clients. */
  readonly endpointsBefore: number;
  readonly endpointsAfter: number;
}

/** A setting of the node that shapes its rules. */
export type SettingName =
  | 'masquerade mark'
  | 'masqueraded to cluster IPs'
  | 'pods'
  | 'node port addresses'
  | 'node ports at loopback addresses'
  | 'service CIDRs'
  | 'counters';

/** Another value of a setting of the node; an empty list stands for none. */
export interface SettingChange {
  readonly setting: SettingName;
  readonly before: readonly string[];
  readonly after: readonly string[];
}

/**
 * UDP flows to a frontend that endpoints answer which no longer serve it: those that `apply` deletes from conntrack, where
 * there are any. An endpoint that serves while it terminates keeps its flows. Where only the rulesets are known, which do
 * not show whether an endpoint still serves, these are all endpoints that new flows no longer reach.
 */
export interface StaleUdpFlows {
  readonly frontend: string;
  readonly endpoints: readonly string[];
}
