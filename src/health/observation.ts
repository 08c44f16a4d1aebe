/** What an agent sees and does, told as it happens to those who judge by it or count it. Types only; all values are small. */

import type { HealthCheck } from '../engine/health-checks.ts';
import type { Family } from '../net/network.ts';

/** Receives what happens, in order; must neither throw nor take long, because changes wait for it. */
export type Observe = (observation: Observation) => void;

export type Observation = SyncQueued | SyncDone | NodeSeen;

/** The syncer was asked to bring the tables in sync, with changes of the cluster or without. */
export interface SyncQueued {
  readonly kind: 'sync-queued';
  /** The number of the request. */
  readonly request: number;
  /** In milliseconds on the monotonic clock. */
  readonly at: number;
  /** How many Services and EndpointSlices were changed or removed. */
  readonly services: number;
  readonly endpointSlices: number;
}

/** A request was carried out, or failed; every request ends so, those that were carried out together in order. */
interface SyncDone {
  readonly kind: 'sync-done';
  readonly request: number;
  /** In milliseconds on the monotonic clock. */
  readonly at: number;
  /** Empty before the objects are complete and the node is known; undefined after a bug, which leaves open what happened. */
  readonly families: readonly FamilySync[] | undefined;
  /** The health checks of load balancers that have changed. */
  readonly healthChecks: readonly HealthCheck[];
}

/** What became of one family's table. */
interface FamilySync {
  readonly family: Family;
  readonly isInSync: boolean;
}

/** A new version of this Node, or its end. */
export interface NodeSeen {
  readonly kind: 'node-seen';
  /** Whether load balancers may send traffic to it: it is there, is not being deleted, and no autoscaler is about to. */
  readonly isEligible: boolean;
}
