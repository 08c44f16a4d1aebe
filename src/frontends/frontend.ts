/** How frontends are read from a ruleset. Types only. */

import type { FrontendState, ServicePortIdentity } from '../inspect/changes/changes.ts';
import type { EndpointAddress, Protocol } from '../net/network.ts';

/** Which endpoints, for which traffic policy. */
export type Scope = 'all' | 'local';

/** A frontend with its endpoints; an absent list is one that no rule of the frontend picks from. */
export interface Frontend extends FrontendState, ServicePortIdentity {
  /** `10.96.0.10 . tcp . 80` or `tcp . 30080`. */
  readonly key: string;
  /** Name and protocol of its service port: equal for those of one. */
  readonly owner: string;
  readonly all: readonly EndpointAddress[] | undefined;
  readonly local: readonly EndpointAddress[] | undefined;
}

/** The same frontend on both sides. */
export interface FrontendPair {
  readonly before: Frontend;
  readonly after: Frontend;
}

/** What a chain picks an endpoint from. */
export type Choice =
  /** The first `modulus` endpoint addresses of the frontend's list in an endpoint map. */
  | { readonly kind: 'map'; readonly protocol: Protocol; readonly map: string; readonly modulus: number }
  /** What the chains of its own lead to, for affinity in the old form over IPv6; `chain` picks among them. */
  | {
      readonly kind: 'chains';
      readonly protocol: Protocol;
      readonly chain: string;
      readonly endpointAddresses: readonly EndpointAddress[];
    };

/** Where a chain leads. */
export interface Way {
  /** What is for everybody, or for everybody but the insiders where these have a way of their own. */
  readonly everybody: Choice | undefined;
  /** What only pods and the node get. */
  readonly insiders: Choice | undefined;
  readonly masqueraded: boolean;
  /** Whether a pin in a map comes before the choice. */
  readonly pinned: boolean;
  /** How long the sets of its own keep a client, in seconds; 0 without such sets. */
  readonly keepsSeconds: number;
  readonly rejects: boolean;
  /** False where a rule is none that the compiler puts there. */
  readonly understood: boolean;
}
