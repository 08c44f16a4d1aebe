import Counter from 'prom-client/lib/counter.js';
import Gauge from 'prom-client/lib/gauge.js';
import Histogram from 'prom-client/lib/histogram.js';
import type { FamilyStatistics } from '../engine/statistics.ts';
import type { FamilySync } from '../health/observation.ts';
import { nameOfFamily } from '../net/network.ts';
import type { Count, MetricsTools } from './metrics-tools.ts';

/** 1 ms to 16 s, each twice the one before. */
const syncBuckets = Array.from({ length: 15 }, (_, exponent) => 0.001 * 2 ** exponent);

/** Those of the SLI for network programming latency (SIG Scalability), up to 5 minutes. */
const programmingBuckets = [...[0.25, 0.5], ...steps(1, 59, 1), ...steps(60, 115, 5), ...steps(120, 300, 30)];

function steps(first: number, last: number, step: number): number[] {
  return Array.from({ length: (last - first) / step + 1 }, (_, index) => first + index * step);
}

/**
 * The metrics of kube-proxy in nftables mode (pkg/proxy/metrics), with its names, labels, units and buckets, so that dashboards and
 * alerts for kube-proxy work. Packets that loopback addresses refuse are not counted: no rule here counts packets.
 */
export function countAsKubeProxy(tools: MetricsTools): Count {
  const counts = [
    countSyncs(tools),
    countProgramming(tools),
    countChanges(tools),
    countFlows(tools),
    countProbes(tools),
    countLocalhostPorts(tools),
  ];
  gaugeLackOfEndpoints(tools);
  return (observation, arrived) => {
    for (const count of counts) {
      count(observation, arrived);
    }
  };
}

/** How long a sync took, in milliseconds, and when it ended, in milliseconds since 1970. */
interface Sync {
  readonly duration: number;
  readonly time: number;
}

function countSyncs({ registers, families, timeOf }: MetricsTools): Count {
  const common = { labelNames: ['ip_family'], registers };
  const durations = (name: string, help: string) =>
    new Histogram({ ...common, name: `kubeproxy_${name}_duration_seconds`, help, buckets: syncBuckets });
  const all = durations('sync_proxy_rules', 'How long syncs took');
  const full = durations('sync_full_proxy_rules', 'How long syncs took that read or wrote a whole table');
  const partial = durations('sync_partial_proxy_rules', 'How long other syncs took');
  const lastSync = new Gauge({
    ...common,
    name: 'kubeproxy_sync_proxy_rules_last_timestamp_seconds',
    help: 'When the last sync succeeded',
  });
  const lastQueued = new Gauge({
    ...common,
    name: 'kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds',
    help: 'When a sync was asked for last',
  });
  const failures = new Counter({
    ...common,
    name: 'kubeproxy_sync_proxy_rules_nftables_sync_failures_total',
    help: 'Syncs that failed',
  });
  const cleanupFailures = new Counter({
    ...common,
    name: 'kubeproxy_sync_proxy_rules_nftables_cleanup_failures_total',
    help: 'Always 0: unused chains are removed by the transactions of syncs',
  });
  for (const family of families) {
    const ip_family = nameOfFamily(family);
    for (const histogram of [all, full, partial]) {
      histogram.zero({ ip_family });
    }
    failures.inc({ ip_family }, 0);
    cleanupFailures.inc({ ip_family }, 0);
  }
  const noteTable = ({ family, isInSync, isFull }: FamilySync, { duration, time }: Sync): void => {
    const labels = { ip_family: nameOfFamily(family) };
    all.observe(labels, duration / 1_000);
    (isFull ? full : partial).observe(labels, duration / 1_000);
    isInSync ? lastSync.set(labels, time / 1_000) : failures.inc(labels);
  };
  return (observation) => {
    if (observation.kind === 'sync-queued') {
      for (const family of families) {
        lastQueued.set({ ip_family: nameOfFamily(family) }, timeOf(observation) / 1_000);
      }
    } else if (observation.kind === 'sync-done' && !observation.isShared) {
      const sync = { duration: observation.duration, time: timeOf(observation) };
      for (const table of observation.families ?? []) {
        noteTable(table, sync);
      }
    }
  };
}

function countProgramming({ registers, families, startTime, timeOf }: MetricsTools): Count {
  const programming = new Histogram({
    name: 'kubeproxy_network_programming_duration_seconds',
    help: 'From a change of endpoints, as the endpoints controller saw it, until it was in force here',
    labelNames: ['ip_family'],
    buckets: programmingBuckets,
    registers,
  });
  for (const family of families) {
    programming.zero({ ip_family: nameOfFamily(family) });
  }
  return (observation) => {
    if (observation.kind !== 'sync-done' || observation.isShared) {
      return;
    }
    const now = timeOf(observation);
    for (const { family, time } of observation.triggers) {
      // What happened before says nothing about this process.
      if (time > startTime) {
        programming.observe({ ip_family: nameOfFamily(family) }, Math.max(0, now - time) / 1_000);
      }
    }
  };
}

function countChanges({ registers, families, pending }: MetricsTools): Count {
  const counters = (['endpoint', 'service'] as const).map((kind) => {
    const field = kind === 'service' ? 'services' : 'endpointSlices';
    // kube-proxy has a proxier for each family; both are told of a Service, and one of a slice.
    const proxiers = kind === 'service' ? families.length : 1;
    new Gauge({
      name: `kubeproxy_sync_proxy_rules_${kind}_changes_pending`,
      help: `Changes of ${field} that are not in force yet`,
      registers,
      collect() {
        this.set(pending().reduce((sum, request) => sum + request[field] * proxiers, 0));
      },
    });
    const total = new Counter({
      name: `kubeproxy_sync_proxy_rules_${kind}_changes_total`,
      help: `Changes of ${field}, counted once for each family that they may concern`,
      registers,
    });
    return { total, field, proxiers } as const;
  });
  return (observation) => {
    if (observation.kind === 'sync-queued') {
      for (const { total, field, proxiers } of counters) {
        total.inc(observation[field] * proxiers);
      }
    }
  };
}

function gaugeLackOfEndpoints({ registers, statistics }: MetricsTools): void {
  const set = (gauge: Gauge, { family, withoutLocalEndpoints }: FamilyStatistics): void => {
    for (const traffic_policy of ['internal', 'external'] as const) {
      gauge.set({ traffic_policy, ip_family: nameOfFamily(family) }, withoutLocalEndpoints[traffic_policy]);
    }
  };
  new Gauge({
    name: 'kubeproxy_sync_proxy_rules_no_local_endpoints_total',
    help: 'Service ports with policy Local that have endpoints on other nodes only',
    labelNames: ['traffic_policy', 'ip_family'],
    registers,
    collect() {
      for (const family of statistics().families) {
        set(this, family);
      }
    },
  });
}

function countFlows({ registers, families }: MetricsTools): Count {
  const duration = new Histogram({
    name: 'kubeproxy_conntrack_reconciler_sync_duration_seconds',
    help: 'How long it took to find and delete stale UDP flows',
    labelNames: ['ip_family'],
    buckets: syncBuckets,
    registers,
  });
  const deleted = new Counter({
    name: 'kubeproxy_conntrack_reconciler_deleted_entries_total',
    help: 'Stale UDP flows that were deleted from conntrack',
    labelNames: ['ip_family'],
    registers,
  });
  for (const family of families) {
    duration.zero({ ip_family: nameOfFamily(family) });
    deleted.inc({ ip_family: nameOfFamily(family) }, 0);
  }
  return (observation) => {
    if (observation.kind === 'flows-cleaned') {
      const labels = { ip_family: nameOfFamily(observation.family) };
      duration.observe(labels, observation.duration / 1_000);
      deleted.inc(labels, observation.deleted);
    }
  };
}

function countProbes({ registers }: MetricsTools): Count {
  const counter = (path: string) =>
    new Counter({
      name: `kubeproxy_proxy_${path}_total`,
      help: `Answers at /${path}, by their status`,
      labelNames: ['code'],
      registers,
    });
  const counters = { healthz: counter('healthz'), livez: counter('livez') };
  return (observation) => {
    if (observation.kind === 'probed') {
      counters[observation.path].inc({ code: `${observation.status}` });
    }
  };
}

function countLocalhostPorts({ registers, families }: MetricsTools): Count {
  const common = { labelNames: ['ip_family'], registers };
  const listeners = new Gauge({
    ...common,
    name: 'kubeproxy_nftables_localhost_nodeport_listeners',
    help: 'Node ports that are open at loopback addresses',
  });
  const failures = new Counter({
    ...common,
    name: 'kubeproxy_nftables_localhost_nodeport_listener_creation_failures_total',
    help: 'Attempts to open a node port at a loopback address that failed',
  });
  for (const family of families) {
    const ip_family = nameOfFamily(family);
    listeners.set({ ip_family }, 0);
    failures.inc({ ip_family }, 0);
  }
  return (observation) => {
    if (observation.kind === 'localhost-ports-open') {
      listeners.set({ ip_family: nameOfFamily(observation.family) }, observation.count);
    } else if (observation.kind === 'localhost-port-failed') {
      failures.inc({ ip_family: nameOfFamily(observation.failure.family) });
    }
  };
}
