import { beforeEach, describe, expect, test } from 'vitest';
import { version } from '../../src/version.ts';
import { familySync, portFailure, syncDone } from '../health/sync-done.ts';
import { startMetrics, type TestMetrics } from './metrics-of.ts';

let agent: TestMetrics;

beforeEach(() => {
  agent = startMetrics();
});

function queue(request: number, at: number): void {
  agent.observe({ kind: 'sync-queued', request, at, services: 1, endpointSlices: 0 });
}

test('all are zero at first, but for the version', async () => {
  const samples = await agent.samples('svc2nft_');
  expect(Object.entries(samples).filter(([, value]) => value !== 0)).toEqual([
    [`svc2nft_build_info{version="${version}"}`, 1],
  ]);
  expect(Object.keys(samples)).toEqual([
    `svc2nft_build_info{version="${version}"}`,
    'svc2nft_left_out_services{reason="invalid"}',
    'svc2nft_left_out_services{reason="rejected"}',
    'svc2nft_oldest_pending_change_seconds',
    'svc2nft_event_to_kernel_duration_seconds_sum',
    'svc2nft_event_to_kernel_duration_seconds_count',
    'svc2nft_transactions_total{result="done"}',
    'svc2nft_transactions_total{result="failed"}',
    'svc2nft_transaction_duration_seconds_sum',
    'svc2nft_transaction_duration_seconds_count',
    'svc2nft_repairs_total{ip_family="IPv4"}',
    'svc2nft_repairs_total{ip_family="IPv6"}',
    'svc2nft_foreign_changes_total{ip_family="IPv4"}',
    'svc2nft_foreign_changes_total{ip_family="IPv6"}',
    'svc2nft_session_restarts_total{reason="ended"}',
    'svc2nft_session_restarts_total{reason="old"}',
    'svc2nft_monitor_restarts_total',
    'svc2nft_health_check_port_failures_total',
  ]);
});

describe('the time from event to kernel', () => {
  const latency = (): Promise<unknown> => agent.samples('svc2nft_event_to_kernel');
  const expected = (sum: number, count: number) => ({
    svc2nft_event_to_kernel_duration_seconds_sum: expect.closeTo(sum, 9),
    svc2nft_event_to_kernel_duration_seconds_count: count,
  });

  test('is that of each event, also of those that were carried out together, but not of the first lists', async () => {
    queue(1, 0);
    agent.observe(syncDone(1, 5_000));
    expect(await latency()).toEqual(expected(0, 0));
    queue(2, 6_000);
    queue(3, 6_001);
    agent.observe(syncDone(2, 6_003), syncDone(3, 6_003, { isShared: true }));
    expect(await latency()).toEqual(expected(0.005, 2));
  });

  test('lasts until a sync succeeds', async () => {
    queue(1, 0);
    agent.observe(syncDone(1, 0));
    queue(2, 1_000);
    agent.observe(syncDone(2, 1_010, { families: [familySync('ip', { isInSync: false })] }));
    agent.pass(4_000);
    expect(await agent.samples('svc2nft_oldest')).toEqual({ svc2nft_oldest_pending_change_seconds: 3 });
    queue(3, 5_000);
    agent.observe(syncDone(3, 5_004));
    expect(await latency()).toEqual(expected(4.008, 2));
    expect(await agent.samples('svc2nft_oldest')).toEqual({ svc2nft_oldest_pending_change_seconds: 0 });
  });
});

test('transactions, repairs and restarts are counted', async () => {
  agent.observe(
    { kind: 'transaction', duration: 2, isDone: true },
    { kind: 'transaction', duration: 30, isDone: false },
  );
  const families = [familySync('ip', { isRepaired: true }), familySync('ip6')];
  agent.observe(syncDone(1, 0, { families }), syncDone(2, 0, { families, isShared: true }));
  agent.observe({ kind: 'foreign-change', families: ['ip', 'ip6'] }, { kind: 'foreign-change', families: ['ip'] });
  agent.observe({ kind: 'session-replaced', reason: 'old' }, { kind: 'session-replaced', reason: 'ended' });
  agent.observe({ kind: 'monitor-ended' }, { kind: 'port-failed', failure: portFailure });
  expect(await agent.samples('svc2nft_tr', 'svc2nft_re', 'svc2nft_f', 'svc2nft_s', 'svc2nft_m', 'svc2nft_h')).toEqual({
    'svc2nft_transactions_total{result="done"}': 1,
    'svc2nft_transactions_total{result="failed"}': 1,
    svc2nft_transaction_duration_seconds_sum: 0.032,
    svc2nft_transaction_duration_seconds_count: 2,
    'svc2nft_repairs_total{ip_family="IPv4"}': 1,
    'svc2nft_repairs_total{ip_family="IPv6"}': 0,
    'svc2nft_foreign_changes_total{ip_family="IPv4"}': 2,
    'svc2nft_foreign_changes_total{ip_family="IPv6"}': 1,
    'svc2nft_session_restarts_total{reason="ended"}': 1,
    'svc2nft_session_restarts_total{reason="old"}': 1,
    svc2nft_monitor_restarts_total: 1,
    svc2nft_health_check_port_failures_total: 1,
  });
});

test('elements and what is left out are those of the tables now', async () => {
  agent.setStatistics({
    families: [
      { family: 'ip', elements: new Map([['service-ips', 3]]), withoutLocalEndpoints: { internal: 0, external: 0 } },
    ],
    leftOut: { invalid: ['shop/a'], rejected: ['shop/b', 'shop/c'] },
  });
  expect(await agent.samples('svc2nft_elements', 'svc2nft_left_out')).toEqual({
    'svc2nft_elements{ip_family="IPv4",set="service-ips"}': 3,
    'svc2nft_left_out_services{reason="invalid"}': 1,
    'svc2nft_left_out_services{reason="rejected"}': 2,
  });
  agent.setStatistics({ families: [], leftOut: { invalid: [], rejected: [] } });
  expect(await agent.samples('svc2nft_elements')).toEqual({});
});

describe('a watch', () => {
  const ages = (): Promise<unknown> => agent.samples('svc2nft_watch_age');

  test('is as old as what was received last', async () => {
    agent.observe({ kind: 'following', resource: 'Service', state: 'listing', at: 0 });
    agent.pass(4_000);
    expect(await ages()).toEqual({ 'svc2nft_watch_age_seconds{kind="Service"}': 4 });
    agent.observe({ kind: 'heard', resource: 'Service', at: 3_000 });
    agent.observe({ kind: 'following', resource: 'Service', state: 'watching', at: 3_500 });
    expect(await ages()).toEqual({ 'svc2nft_watch_age_seconds{kind="Service"}': 1 });
  });

  test('has no age where there is no such API', async () => {
    agent.observe({ kind: 'following', resource: 'ServiceCIDR', state: 'listing', at: 0 });
    agent.observe({ kind: 'following', resource: 'ServiceCIDR', state: 'absent', at: 0 });
    expect(await ages()).toEqual({});
  });

  test('that is started again is counted, as are requests', async () => {
    for (const state of ['listing', 'retrying', 'listing', 'retrying'] as const) {
      agent.observe({ kind: 'following', resource: 'Service', state, at: 0 });
    }
    agent.observe({ kind: 'api-answer', status: 200 }, { kind: 'api-answer', status: 200 });
    agent.observe({ kind: 'api-answer', status: 503 }, { kind: 'api-answer', status: undefined });
    expect(await agent.samples('svc2nft_watch_restarts', 'rest_client')).toEqual({
      'svc2nft_watch_restarts_total{kind="Service"}': 2,
      'rest_client_requests_total{code="200",method="GET",host="10.0.0.1:6443"}': 2,
      'rest_client_requests_total{code="503",method="GET",host="10.0.0.1:6443"}': 1,
      'rest_client_requests_total{code="<error>",method="GET",host="10.0.0.1:6443"}': 1,
    });
  });
});

test('the process is measured under the names that every client of Prometheus has', async () => {
  const samples = await agent.samples('process_');
  expect(Object.keys(samples).sort()).toEqual([
    'process_cpu_seconds_total',
    'process_max_fds',
    'process_open_fds',
    'process_resident_memory_bytes',
    'process_start_time_seconds',
    'process_virtual_memory_bytes',
  ]);
  for (const value of Object.values(samples)) {
    expect(value).toBeGreaterThan(0);
  }
  const after = await agent.samples('process_cpu');
  expect(after['process_cpu_seconds_total']).toBeGreaterThanOrEqual(samples['process_cpu_seconds_total'] ?? 0);
});

test('connections have the names of a service port', async () => {
  const web = { namespace: 'shop', service: 'web', portName: '', protocol: 'tcp' as const };
  let totals = [
    { ...web, total: 3 },
    { ...web, portName: 'dns', protocol: 'udp' as const, total: 1 },
  ];
  agent = startMetrics({ connections: async () => totals });
  expect(await agent.samples('svc2nft_service_')).toEqual({
    'svc2nft_service_connections_total{namespace="shop",service="web",port_name="",protocol="TCP"}': 3,
    'svc2nft_service_connections_total{namespace="shop",service="web",port_name="dns",protocol="UDP"}': 1,
  });
  totals = [{ ...web, total: 4 }];
  expect(await agent.samples('svc2nft_service_')).toEqual({
    'svc2nft_service_connections_total{namespace="shop",service="web",port_name="",protocol="TCP"}': 4,
  });
});
