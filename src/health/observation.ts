/** What an agent sees and does, told as it happens to those who judge by it or count it. Types only; all values are small. */

import type { HealthCheck } from '../engine/health-checks.ts';
import type { LocalhostPort } from '../engine/localhost-ports.ts';
import type { EndpointTrigger } from '../engine/object-store.ts';
import type { Family } from '../net/network.ts';
import type { PortFailure } from './service-health.ts';

/** Receives what happens, in order; must neither throw nor take long, because changes wait for it. */
export type Observe = (observation: Observation) => void;

/** Times and durations are in milliseconds, times on the monotonic clock. */
export type Observation =
  | SyncQueued
  | SyncDone
  | NodeSeen
  /** An nft has carried out a transaction, or refused it. */
  | { readonly kind: 'transaction'; readonly duration: number; readonly isDone: boolean }
  /** Another nft has taken the place of the one that stayed: because that had ended, or because it was old or large. */
  | { readonly kind: 'session-replaced'; readonly reason: 'ended' | 'old' }
  /** The nft that tells of changes has ended, and is started again. */
  | { readonly kind: 'monitor-ended' }
  /** Another program has changed the tables of these families. */
  | { readonly kind: 'foreign-change'; readonly families: readonly Family[] }
  /** Stale UDP flows of a family were looked for. */
  | { readonly kind: 'flows-cleaned'; readonly family: Family; readonly deleted: number; readonly duration: number }
  /** The API server has answered a request; without a status, it has not. */
  | { readonly kind: 'api-answer'; readonly status: number | undefined }
  /** Something about a kind of objects was received. */
  | { readonly kind: 'heard'; readonly resource: string; readonly at: number }
  /** How following a kind of objects goes now. */
  | { readonly kind: 'following'; readonly resource: string; readonly state: FollowingState; readonly at: number }
  /** Somebody has asked for the health of the agent. */
  | { readonly kind: 'probed'; readonly path: 'healthz' | 'livez'; readonly status: number }
  /** A port for the health checks of a Service could not be opened. */
  | { readonly kind: 'port-failed'; readonly failure: PortFailure }
  /** A node port could not be opened at a loopback address. */
  | { readonly kind: 'localhost-port-failed'; readonly failure: PortFailure }
  /** How many node ports are open at loopback addresses of a family now. */
  | { readonly kind: 'localhost-ports-open'; readonly family: Family; readonly count: number }
  | ServiceLeftOut;

type FollowingState = 'listing' | 'watching' | 'absent' | 'retrying';

/** The syncer was asked to bring the tables in sync, with changes of the cluster or without. */
export interface SyncQueued {
  readonly kind: 'sync-queued';
  /** The number of the request. */
  readonly request: number;
  readonly at: number;
  /** How many Services and EndpointSlices were changed or removed. */
  readonly services: number;
  readonly endpointSlices: number;
}

/** A request was carried out, or failed; every request ends so, those that were carried out together in order. */
interface SyncDone {
  readonly kind: 'sync-done';
  readonly request: number;
  readonly at: number;
  /** It was carried out together with another one, of which this was told before. */
  readonly isShared: boolean;
  /** Without waiting. */
  readonly duration: number;
  /** Empty before the objects are complete and the node is known; undefined after a bug, which leaves open what happened. */
  readonly families: readonly FamilySync[] | undefined;
  /** The health checks of load balancers that have changed. */
  readonly healthChecks: readonly HealthCheck[];
  /** The node ports of TCP that have changed where loopback addresses serve them. */
  readonly localhostPorts: readonly LocalhostPort[];
  /** When the endpoints changed whose changes are in the kernel now. */
  readonly triggers: readonly EndpointTrigger[];
}

/** What became of one family's table. */
export interface FamilySync {
  readonly family: Family;
  readonly isInSync: boolean;
  /** Whether the table was read and compared as a whole, or written as a whole. */
  readonly isFull: boolean;
  /** Whether another program had changed it. */
  readonly isRepaired: boolean;
}

/** A Service that has no rules, told again with each version of it that is invalid, and each sync in which nft rejects it. */
interface ServiceLeftOut {
  readonly kind: 'left-out';
  readonly namespace: string;
  readonly name: string;
  /** What is wrong with it; or the table whose nft rejects its rules. */
  readonly reason: { readonly problem: string } | { readonly rejectedIn: Family };
}

/** A new version of this Node, or its end. */
export interface NodeSeen {
  readonly kind: 'node-seen';
  /** Whether load balancers may send traffic to it: it is there, is not being deleted, and no autoscaler is about to. */
  readonly isEligible: boolean;
}
