import { type Family, nameOfFamily } from '../net/network.ts';
import { createBacklog } from './backlog.ts';
import { type HttpAnswer, notFound } from './http-server.ts';
import type { Observation } from './observation.ts';

/** Whether this proxy is healthy, and the answers that say so. */
export interface ProxyHealth {
  observe(observation: Observation): void;
  /** Whether no change is late in any family. */
  isHealthy(): boolean;
  /** The answer at `/healthz` or `/livez`. */
  respond(path: string): HttpAnswer;
}

/** What health depends on. */
export interface ProxyHealthOptions {
  readonly families: readonly Family[];
  /** In milliseconds: how soon a failed sync is tried again. A change that is not in the kernel after twice that is late. */
  readonly syncPeriod: number;
  /** Milliseconds on a monotonic clock. */
  readonly now: () => number;
  readonly wallClock: () => Date;
}

/**
 * The health of a proxy as kube-proxy tells it: healthy while no change is late, so before the first one, too. `/livez` says that, for a probe that may restart it. `/healthz` also takes a Node that is there and stays, so that load
 * balancers leave one that is about to go, while its connections go on.
 */
export function createProxyHealth({ families, syncPeriod, now, wallClock }: ProxyHealthOptions): ProxyHealth {
  const backlog = createBacklog();
  const updated = new Map(families.map((family) => [family, wallClock()]));
  let isEligible = false;

  const isFamilyHealthy = (family: Family): boolean => {
    const since = backlog.oldest(family);
    return since === undefined || now() - since < 2 * syncPeriod;
  };
  const isHealthy = (): boolean => families.every(isFamilyHealthy);
  const report = (status: boolean, eligibility: { readonly nodeEligible?: boolean }): HttpAnswer => {
    const current = wallClock();
    const oldest = [...updated.values()].reduce((a, b) => (a < b ? a : b), current);
    const body = {
      // Of one that is healthy kube-proxy says so, because earlier releases synced all the time.
      lastUpdated: status ? current : oldest,
      currentTime: current,
      ...eligibility,
      healthy: isHealthy(),
      status: Object.fromEntries(
        families.map((family) => [
          nameOfFamily(family),
          { lastUpdated: updated.get(family), healthy: isFamilyHealthy(family) },
        ]),
      ),
    };
    return {
      status: status ? 200 : 503,
      headers: { 'Content-Type': 'application/json', 'X-Content-Type-Options': 'nosniff' },
      body: JSON.stringify(body),
    };
  };
  return {
    observe: (observation) => {
      if (observation.kind === 'node-seen') {
        isEligible = observation.isEligible;
      } else if (observation.kind === 'sync-queued') {
        backlog.add(observation.request, observation.at);
      } else if (observation.kind === 'sync-done') {
        const results = observation.families ?? families.map((family) => ({ family, isInSync: false }));
        backlog.settle(observation.request, observation.at, new Map(results.map((result) => [result.family, result])));
        for (const { family, isInSync } of results) {
          if (isInSync) {
            updated.set(family, wallClock());
          }
        }
      }
    },
    isHealthy,
    respond: (path) => {
      switch (path) {
        case '/healthz':
          return report(isHealthy() && isEligible, { nodeEligible: isEligible });
        case '/livez':
          return report(isHealthy(), {});
        default:
          return notFound;
      }
    },
  };
}
