import Registry from 'prom-client/lib/registry.js';
import type { Statistics } from '../engine/statistics.ts';
import type { Observe } from '../health/observation.ts';
import { countAsKubeProxy } from './kube-proxy-metrics.ts';
import type { MetricsOptions, MetricsTools } from './metrics-tools.ts';
import { countOwn } from './own-metrics.ts';
import { createPendingChanges } from './pending-changes.ts';
import { gaugeProcess } from './process-metrics.ts';

/** Counts what an agent does. */
export interface Metrics {
  readonly observe: Observe;
  /** All metrics, in the text format of Prometheus. */
  text(): Promise<string>;
  /** Its media type. */
  readonly contentType: string;
}

/** Metrics that are zero. To count takes microseconds; what follows from tables is looked up when somebody asks. */
export function createMetrics(options: MetricsOptions): Metrics {
  const registry = new Registry();
  const pending = createPendingChanges();
  let statistics: Statistics = { families: [], leftOut: { invalid: [], rejected: [] } };
  let isInSync = true;
  const tools: MetricsTools = {
    ...options,
    statistics: () => statistics,
    registers: [registry],
    pending: pending.list,
    timeOf: ({ at }) => options.wallClock().getTime() - (options.now() - at),
  };
  const counts = [countAsKubeProxy(tools), countOwn(tools)];
  gaugeProcess(tools);
  return {
    observe: (observation) => {
      const arrived = pending.observe(observation);
      if (observation.kind === 'sync-done') {
        isInSync = observation.families?.every((family) => family.isInSync) ?? false;
      }
      for (const count of counts) {
        count(observation, arrived);
      }
    },
    text: () => {
      // After a failure the tables are as they were before.
      statistics = isInSync ? options.statistics() : statistics;
      return registry.metrics();
    },
    contentType: registry.contentType,
  };
}
