/** What metrics are made from. Types only. */

import type { Registry } from 'prom-client';
import type { Statistics } from '../engine/statistics.ts';
import type { Observation, SyncQueued } from '../health/observation.ts';
import type { Family, Protocol } from '../net/network.ts';

/** What metrics depend on. */
export interface MetricsOptions {
  readonly families: readonly Family[];
  /** How much the tables hold. */
  readonly statistics: () => Statistics;
  /** Reads how many connections each service port has had; undefined where the tables do not count them. */
  readonly connections?: (() => Promise<readonly ConnectionTotal[]>) | undefined;
  /** The API server, `10.0.0.1:6443`. */
  readonly host: string;
  /** Milliseconds on a monotonic clock. */
  readonly now: () => number;
  readonly wallClock: () => Date;
  /** When the agent started, in milliseconds since 1970. */
  readonly startTime: number;
}

/** How many connections a service port has had, over all its frontends. */
export interface ConnectionTotal {
  readonly namespace: string;
  readonly service: string;
  /** Empty for an unnamed port. */
  readonly portName: string;
  readonly protocol: Protocol;
  readonly total: number;
}

/** What each group of metrics works with. */
export interface MetricsTools extends MetricsOptions {
  /** Where metrics are registered. */
  readonly registers: Registry[];
  /** Requests that are on their way to the kernel, the oldest first. */
  readonly pending: () => readonly SyncQueued[];
  /** When something was observed, in milliseconds since 1970. */
  readonly timeOf: (observation: { readonly at: number }) => number;
}

/** Takes what happens, and the requests whose changes are in the kernel because of it. */
export type Count = (observation: Observation, arrived: readonly SyncQueued[]) => void;
