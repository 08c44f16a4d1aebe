/**
 * What differs between two rulesets of one family, in the words of Services. Types only; plain data that JSON can hold.
 * Everything is sorted. Whatever differs in the order of endpoints alone is no difference.
 */

import type { Family } from '../../net/network.ts';

/** All differences of one family. */
export interface FamilyChanges {
  /** Null where there is no table before and none after. */
  readonly family: Family | null;
  /** The table's name; null as above. */
  readonly table: string | null;
  readonly tableChange: 'new' | 'gone' | 'kept' | 'absent';
  readonly gained: readonly ServicePortState[];
  readonly lost: readonly ServicePortState[];
  readonly changed: readonly ServicePortChange[];
  /** Empty where the table is new or gone. */
  readonly settings: readonly SettingChange[];
  /** Chains of the fixed kind that differ, and no setting says why. */
  readonly chains: readonly string[];
  readonly staleUdpFlows: readonly StaleUdpFlows[];
}

/** What tells service ports apart. */
export interface ServicePortIdentity {
  /** `namespace/name:port` or `namespace/name`, at most 128 bytes, or `(unknown)`. */
  readonly name: string;
  /** `tcp`, `udp` or `sctp`, or what else the kernel's key says. */
  readonly protocol: string;
}

/** A service port that exists on one side only. */
export interface ServicePortState extends ServicePortIdentity {
  readonly frontends: readonly FrontendState[];
  /** `10.1.2.3:8080`, `[fd00::1]:8080`: those for policy Cluster. */
  readonly endpoints: readonly string[];
  /** Those of this node, where a Local policy applies. */
  readonly localEndpoints: readonly string[];
}

/** What takes the connections of a frontend: which endpoints, and whose address they see. */
export type Policy =
  | 'all endpoints'
  | 'all endpoints, masqueraded'
  | 'local endpoints'
  | 'local endpoints, masqueraded'
  /** External policy Local: pods and the node may use all endpoints, everybody else those of this node. */
  | 'local endpoints, source kept'
  /** The rules are none that the compiler makes. */
  | 'not understood';

/** What becomes of connections that no endpoint may take; `untranslated`: no rule of the table names them. */
export type Refusal = 'rejected' | 'dropped' | 'untranslated' | 'not understood';

/** One address and port, or node port, of a service port. */
export interface FrontendState {
  /** `10.96.0.10:80/tcp`, `[fd00::1]:80/tcp`, `node port 30080/tcp`. */
  readonly frontend: string;
  /** Null where nobody reaches an endpoint. */
  readonly policy: Policy | null;
  /** Null where everybody reaches an endpoint. `from outside`: pods and the node do reach one. */
  readonly refusal: Refusal | `${Refusal} from outside` | null;
  /** Seconds that a client keeps its endpoint; 0 without affinity. */
  readonly affinitySeconds: number;
  /** CIDRs that may use it; null where everybody may. */
  readonly sourceRanges: readonly string[] | null;
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

/** Something that is the same for several frontends, before and after. */
export interface ValueChange<T> extends Where {
  readonly before: T;
  readonly after: T;
}

/** Other endpoints take connections; `endpoints` says for which traffic policy. */
export interface EndpointsChange extends Where {
  readonly endpoints: 'all' | 'local';
  /** How many. */
  readonly before: number;
  readonly after: number;
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** What each endpoint gets, in percent; see sharePercent. Null without endpoints. */
  readonly shareBefore: number | null;
  readonly shareAfter: number | null;
}

/** Another policy at frontends that are served before and after. */
export interface PolicyChange extends ValueChange<Policy> {
  /** How many endpoints take connections from outside. */
  readonly endpointsBefore: number;
  readonly endpointsAfter: number;
}

/** A setting of the node; an empty list is none. */
export interface SettingChange {
  readonly setting: 'masquerade mark' | 'masqueraded to cluster IPs' | 'pods' | 'node port addresses' | 'service CIDRs';
  readonly before: readonly string[];
  readonly after: readonly string[];
}

/**
 * UDP flows that go on to an endpoint that new flows of the frontend no longer get. The rulesets cannot say whether the
 * endpoint still serves, so some of them may be healthy.
 */
export interface StaleUdpFlows {
  readonly frontend: string;
  readonly endpoints: readonly string[];
}
