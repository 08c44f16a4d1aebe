/** What a ruleset does at one address and port, or node port, in the words of Services. Types only; plain data. */

import type { EndpointAddress } from '../net/network.ts';
import type { FrontendKind } from '../phases/3-model/model.ts';
import type { Dispatch } from './follow-chains.ts';
import type { FrontendAddress } from './frontend-address.ts';

/** What identifies a service port. */
export interface ServicePortIdentity {
  /** `namespace/name:port` or `namespace/name`, at most 128 bytes, or `(unknown)`. */
  readonly name: string;
  /** `tcp`, `udp` or `sctp`, or whatever else the kernel's key has. */
  readonly protocol: string;
}

/** What takes the connections of a frontend: which endpoints, and whose address they see. */
export type Policy =
  | 'all endpoints'
  | 'all endpoints, masqueraded'
  | 'local endpoints'
  | 'local endpoints, masqueraded'
  /** External policy Local: internal clients may use all endpoints, external clients those of this node. */
  | 'local endpoints, source kept'
  /** The rules are not the compiler's. */
  | 'not understood';

/** What happens to connections that no endpoint may take; `untranslated`: no rule of the table names them. */
export type Refusal = 'rejected' | 'dropped' | 'untranslated' | 'not-understood';

/** One address and port, or node port, of a service port, without its endpoints. */
export interface FrontendState {
  /** `10.96.0.10:80/tcp`, `[fd00::1]:80/tcp`; node ports are `*:30080/tcp`, over IPv6 `[*]:30080/tcp`. */
  readonly frontend: string;
  /** Null where no client reaches an endpoint. */
  readonly policy: Policy | null;
  /** Null where all clients reach an endpoint. `-for-external`: pods and the node do reach one. */
  readonly refusal: Refusal | `${Refusal}-for-external` | null;
  /** Seconds that a client keeps its endpoint; 0 without affinity. */
  readonly affinitySeconds: number;
  /** CIDRs that may use it; null where all clients may. */
  readonly sourceRanges: readonly string[] | null;
}

/** A frontend with its endpoints; an absent list is one that no rule of the frontend picks from. */
export interface Frontend extends FrontendState, ServicePortIdentity {
  /** `10.96.0.10 . tcp . 80` or `tcp . 30080`. */
  readonly key: string;
  /** Undefined for a key of a shape that the compiler never writes. */
  readonly address: FrontendAddress | undefined;
  /** Absent where the rules do not say it themselves: those of iptables have it in their comments. */
  readonly kind?: FrontendKind;
  /** Name and protocol of its service port: equal for those of one. */
  readonly owner: string;
  /** Those for policy Cluster. */
  readonly all: readonly EndpointAddress[] | undefined;
  /** Those of this node, for policy Local. */
  readonly local: readonly EndpointAddress[] | undefined;
}

/** What rules have for one frontend, before it is put into the words of Services. */
export interface FrontendEntry {
  /** `10.96.0.10 . tcp . 80` or `tcp . 30080`. */
  readonly key: string;
  /** The service port that its comments name; undefined where they are not the compiler's or kube-proxy's. */
  readonly name: string | undefined;
  readonly kind: FrontendKind | undefined;
  /** What picks its endpoints; undefined where nothing does. */
  readonly dispatch: Dispatch | undefined;
  /** What happens to connections that get no endpoint; undefined where no rule says it. */
  readonly refusal: Refusal | undefined;
  /** CIDRs, sorted; null where all clients may use it. */
  readonly sourceRanges: readonly string[] | null;
}
