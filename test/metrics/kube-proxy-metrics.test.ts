import { beforeEach, describe, expect, test } from 'vitest';
import type { Observation } from '../../src/health/observation.ts';
import { familySync, syncDone } from '../health/sync-done.ts';
import { startMetrics, startTime, type TestMetrics } from './metrics-of.ts';

let agent: TestMetrics;

beforeEach(() => {
  agent = startMetrics();
});

function queued(request: number, at: number, services = 0, endpointSlices = 0): Observation {
  return { kind: 'sync-queued', request, at, services, endpointSlices };
}

/** Type and labels of each metric that the text describes. */
async function describeMetrics(start: string): Promise<Readonly<Record<string, string>>> {
  const text = await agent.metrics.text();
  const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].filter(([, name = '']) => name.startsWith(start));
  return Object.fromEntries(
    types.map(([, name = '', type = '']) => {
      const suffix = type === 'histogram' ? '_count' : '';
      const sample = new RegExp(`^${name}${suffix}(?:\\{(.*)\\})? `, 'm').exec(text);
      const labels = [...(sample?.[1] ?? '').matchAll(/(\w+)="/g)].map(([, label]) => label).sort();
      return [name, [type, ...labels].join(' ')];
    }),
  );
}

test('names, types and labels are those of kube-proxy in nftables mode', async () => {
  agent.setStatistics({
    families: [
      { family: 'ip', elements: new Map(), withoutLocalEndpoints: { internal: 1, external: 2 } },
      { family: 'ip6', elements: new Map(), withoutLocalEndpoints: { internal: 0, external: 0 } },
    ],
    leftOut: { invalid: [], rejected: [] },
  });
  agent.observe(queued(1, 0), syncDone(1, 1));
  agent.observe({ kind: 'probed', path: 'healthz', status: 200 }, { kind: 'probed', path: 'livez', status: 503 });
  expect(await describeMetrics('kubeproxy_')).toEqual({
    kubeproxy_sync_proxy_rules_duration_seconds: 'histogram ip_family',
    kubeproxy_sync_full_proxy_rules_duration_seconds: 'histogram ip_family',
    kubeproxy_sync_partial_proxy_rules_duration_seconds: 'histogram ip_family',
    kubeproxy_sync_proxy_rules_last_timestamp_seconds: 'gauge ip_family',
    kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds: 'gauge ip_family',
    kubeproxy_network_programming_duration_seconds: 'histogram ip_family',
    kubeproxy_sync_proxy_rules_endpoint_changes_pending: 'gauge',
    kubeproxy_sync_proxy_rules_endpoint_changes_total: 'counter',
    kubeproxy_sync_proxy_rules_service_changes_pending: 'gauge',
    kubeproxy_sync_proxy_rules_service_changes_total: 'counter',
    kubeproxy_sync_proxy_rules_no_local_endpoints_total: 'gauge ip_family traffic_policy',
    kubeproxy_sync_proxy_rules_nftables_sync_failures_total: 'counter ip_family',
    kubeproxy_sync_proxy_rules_nftables_cleanup_failures_total: 'counter ip_family',
    kubeproxy_proxy_healthz_total: 'counter code',
    kubeproxy_proxy_livez_total: 'counter code',
    kubeproxy_conntrack_reconciler_sync_duration_seconds: 'histogram ip_family',
    kubeproxy_conntrack_reconciler_deleted_entries_total: 'counter ip_family',
    kubeproxy_nftables_localhost_nodeport_listeners: 'gauge ip_family',
    kubeproxy_nftables_localhost_nodeport_listener_creation_failures_total: 'counter ip_family',
  });
});

async function bucketsOf(name: string): Promise<number[]> {
  const text = await agent.metrics.text();
  const lines = text.split('\n').filter((line) => line.startsWith(`${name}_bucket`) && line.includes('"IPv4"'));
  return lines.flatMap((line) => /le="([0-9.]+)"/.exec(line)?.[1] ?? []).map(Number);
}

test.each([
  'kubeproxy_sync_proxy_rules_duration_seconds',
  'kubeproxy_sync_full_proxy_rules_duration_seconds',
  'kubeproxy_sync_partial_proxy_rules_duration_seconds',
  'kubeproxy_conntrack_reconciler_sync_duration_seconds',
])('the buckets of %s go from 1 ms to 16.384 s, each twice the one before', async (name) => {
  expect(await bucketsOf(name)).toEqual([
    ...[0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512],
    ...[1.024, 2.048, 4.096, 8.192, 16.384],
  ]);
});

test('the buckets of the programming latency are those of its SLI', async () => {
  const buckets = await bucketsOf('kubeproxy_network_programming_duration_seconds');
  expect(buckets).toHaveLength(2 + 59 + 12 + 7);
  expect(buckets.slice(0, 4)).toEqual([0.25, 0.5, 1, 2]);
  expect(buckets.slice(60)).toEqual([
    ...[59, 60, 65, 70, 75, 80, 85, 90, 95, 100, 105, 110, 115],
    ...[120, 150, 180, 210, 240, 270, 300],
  ]);
});

describe('syncs', () => {
  test('are counted once for each family, full ones and partial ones apart', async () => {
    const full = [familySync('ip', { isFull: true }), familySync('ip6')];
    agent.observe(syncDone(1, 0, { duration: 250, families: full }));
    agent.observe(syncDone(2, 0, { duration: 250, families: full, isShared: true }));
    agent.observe(syncDone(3, 0, { duration: 4 }), syncDone(4, 0, { families: [] }));
    expect(
      await agent.samples(
        ...['sync_proxy_rules_duration', 'sync_full', 'sync_partial'].map((name) => `kubeproxy_${name}`),
      ),
    ).toEqual({
      'kubeproxy_sync_proxy_rules_duration_seconds_sum{ip_family="IPv4"}': 0.254,
      'kubeproxy_sync_proxy_rules_duration_seconds_count{ip_family="IPv4"}': 2,
      'kubeproxy_sync_proxy_rules_duration_seconds_sum{ip_family="IPv6"}': 0.254,
      'kubeproxy_sync_proxy_rules_duration_seconds_count{ip_family="IPv6"}': 2,
      'kubeproxy_sync_full_proxy_rules_duration_seconds_sum{ip_family="IPv4"}': 0.25,
      'kubeproxy_sync_full_proxy_rules_duration_seconds_count{ip_family="IPv4"}': 1,
      'kubeproxy_sync_full_proxy_rules_duration_seconds_sum{ip_family="IPv6"}': 0,
      'kubeproxy_sync_full_proxy_rules_duration_seconds_count{ip_family="IPv6"}': 0,
      'kubeproxy_sync_partial_proxy_rules_duration_seconds_sum{ip_family="IPv4"}': 0.004,
      'kubeproxy_sync_partial_proxy_rules_duration_seconds_count{ip_family="IPv4"}': 1,
      'kubeproxy_sync_partial_proxy_rules_duration_seconds_sum{ip_family="IPv6"}': 0.254,
      'kubeproxy_sync_partial_proxy_rules_duration_seconds_count{ip_family="IPv6"}': 2,
    });
  });

  test('that fail are counted, and leave the time of the last success', async () => {
    agent.observe(queued(1, 0));
    agent.pass(1_500);
    agent.observe(syncDone(1, 1_500));
    agent.pass(2_000);
    agent.observe(queued(2, 3_500));
    agent.pass(500);
    const families = [familySync('ip'), familySync('ip6', { isInSync: false })];
    agent.observe(syncDone(2, 4_000, { families }));
    const start = startTime / 1_000;
    expect(await agent.samples('kubeproxy_sync_proxy_rules_last', 'kubeproxy_sync_proxy_rules_nftables')).toEqual({
      'kubeproxy_sync_proxy_rules_last_timestamp_seconds{ip_family="IPv4"}': start + 4,
      'kubeproxy_sync_proxy_rules_last_timestamp_seconds{ip_family="IPv6"}': start + 1.5,
      'kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds{ip_family="IPv4"}': start + 3.5,
      'kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds{ip_family="IPv6"}': start + 3.5,
      'kubeproxy_sync_proxy_rules_nftables_sync_failures_total{ip_family="IPv4"}': 0,
      'kubeproxy_sync_proxy_rules_nftables_sync_failures_total{ip_family="IPv6"}': 1,
      'kubeproxy_sync_proxy_rules_nftables_cleanup_failures_total{ip_family="IPv4"}': 0,
      'kubeproxy_sync_proxy_rules_nftables_cleanup_failures_total{ip_family="IPv6"}': 0,
    });
  });
});

test('the programming latency is from the change of endpoints, unless that was before the start', async () => {
  agent.pass(10_000);
  const triggers = [
    { family: 'ip', time: startTime - 60_000 },
    { family: 'ip', time: startTime + 8_000 },
    { family: 'ip6', time: startTime + 9_250 },
    // The clock of the control plane may be ahead.
    { family: 'ip6', time: startTime + 11_000 },
  ] as const;
  agent.observe(syncDone(1, 10_000, { triggers }), syncDone(2, 10_000, { triggers, isShared: true }));
  expect(await agent.samples('kubeproxy_network_programming')).toEqual({
    'kubeproxy_network_programming_duration_seconds_sum{ip_family="IPv4"}': 2,
    'kubeproxy_network_programming_duration_seconds_count{ip_family="IPv4"}': 1,
    'kubeproxy_network_programming_duration_seconds_sum{ip_family="IPv6"}': 0.75,
    'kubeproxy_network_programming_duration_seconds_count{ip_family="IPv6"}': 2,
  });
});

test('changes are counted, those of Services for both families, and are pending until they are in the kernel', async () => {
  agent.observe(queued(1, 0, 3, 5), queued(2, 0, 0, 1));
  const names = ['endpoint_changes', 'service_changes'].map((name) => `kubeproxy_sync_proxy_rules_${name}`);
  const samples = async (): Promise<unknown> => Object.values(await agent.samples(...names));
  expect(await agent.samples(...names)).toEqual({
    kubeproxy_sync_proxy_rules_endpoint_changes_pending: 6,
    kubeproxy_sync_proxy_rules_endpoint_changes_total: 6,
    kubeproxy_sync_proxy_rules_service_changes_pending: 6,
    kubeproxy_sync_proxy_rules_service_changes_total: 6,
  });
  agent.observe(syncDone(1, 1, { families: [familySync('ip', { isInSync: false })] }));
  expect(await samples()).toEqual([6, 6, 6, 6]);
  agent.observe(syncDone(2, 1));
  expect(await samples()).toEqual([0, 6, 0, 6]);
});

test('what lacks endpoints on the node is as it was when the last sync succeeded', async () => {
  const lacking = (internal: number, external: number): void =>
    agent.setStatistics({
      families: [{ family: 'ip', elements: new Map(), withoutLocalEndpoints: { internal, external } }],
      leftOut: { invalid: [], rejected: [] },
    });
  const name = 'kubeproxy_sync_proxy_rules_no_local_endpoints_total';
  const expected = (internal: number, external: number) => ({
    [`${name}{traffic_policy="internal",ip_family="IPv4"}`]: internal,
    [`${name}{traffic_policy="external",ip_family="IPv4"}`]: external,
  });
  lacking(1, 2);
  agent.observe(syncDone(1, 0));
  expect(await agent.samples(name)).toEqual(expected(1, 2));
  lacking(3, 4);
  agent.observe(syncDone(2, 0, { families: [familySync('ip', { isInSync: false })] }));
  expect(await agent.samples(name)).toEqual(expected(1, 2));
  agent.observe(syncDone(3, 0));
  expect(await agent.samples(name)).toEqual(expected(3, 4));
});

test('stale flows and probes are counted', async () => {
  agent.observe({ kind: 'flows-cleaned', family: 'ip6', deleted: 7, duration: 20 });
  for (const status of [200, 200, 503]) {
    agent.observe({ kind: 'probed', path: 'healthz', status });
  }
  expect(await agent.samples('kubeproxy_conntrack', 'kubeproxy_proxy_')).toEqual({
    'kubeproxy_conntrack_reconciler_sync_duration_seconds_sum{ip_family="IPv4"}': 0,
    'kubeproxy_conntrack_reconciler_sync_duration_seconds_count{ip_family="IPv4"}': 0,
    'kubeproxy_conntrack_reconciler_sync_duration_seconds_sum{ip_family="IPv6"}': 0.02,
    'kubeproxy_conntrack_reconciler_sync_duration_seconds_count{ip_family="IPv6"}': 1,
    'kubeproxy_conntrack_reconciler_deleted_entries_total{ip_family="IPv4"}': 0,
    'kubeproxy_conntrack_reconciler_deleted_entries_total{ip_family="IPv6"}': 7,
    'kubeproxy_proxy_healthz_total{code="200"}': 2,
    'kubeproxy_proxy_healthz_total{code="503"}': 1,
  });
});
