import { beforeEach, describe, expect, test } from 'vitest';
import type { Observation } from '../../src/health/observation.ts';
import { createProxyHealth, type ProxyHealth } from '../../src/health/proxy-health.ts';
import { familySync, syncDone } from './sync-done.ts';

/** In milliseconds. */
let time = 0;
let health: ProxyHealth;

beforeEach(() => {
  time = 0;
  health = createProxyHealth({
    families: ['ip', 'ip6'],
    syncPeriod: 30_000,
    now: () => time,
    wallClock: () => new Date(Date.UTC(2030, 0, 1) + time),
  });
});

const eligible: Observation = { kind: 'node-seen', isEligible: true };

function queue(request: number): void {
  health.observe({ kind: 'sync-queued', request, at: time, services: 1, endpointSlices: 0 });
}

function finish(request: number, ip: boolean, ip6 = true): void {
  const families = [familySync('ip', { isInSync: ip }), familySync('ip6', { isInSync: ip6 })];
  health.observe(syncDone(request, time, { families }));
}

const statuses = (): number[] => ['/healthz', '/livez'].map((path) => health.respond(path).status);

describe('the answers', () => {
  test('are those of kube-proxy, byte for byte, when all is well', () => {
    health.observe(eligible);
    time = 1_500;
    queue(1);
    time = 2_000;
    finish(1, true);
    time = 10_000;
    const headers = { 'Content-Type': 'application/json', 'X-Content-Type-Options': 'nosniff' };
    const families =
      '"status":{"IPv4":{"lastUpdated":"2030-01-01T00:00:02.000Z","healthy":true},"IPv6":{"lastUpdated":"2030-01-01T00:00:02.000Z","healthy":true}}';
    const now = '"lastUpdated":"2030-01-01T00:00:10.000Z","currentTime":"2030-01-01T00:00:10.000Z"';
    expect(health.respond('/healthz')).toEqual({
      status: 200,
      headers,
      body: `{${now},"nodeEligible":true,"healthy":true,${families}}`,
    });
    expect(health.respond('/livez')).toEqual({ status: 200, headers, body: `{${now},"healthy":true,${families}}` });
  });

  test('say which family is behind, and since when', () => {
    health.observe(eligible);
    time = 1_000;
    queue(1);
    time = 2_000;
    finish(1, true, false);
    time = 62_000;
    const bodies = ['/healthz', '/livez'].map((path) => JSON.parse(health.respond(path).body));
    const body = {
      lastUpdated: '2030-01-01T00:00:00.000Z',
      currentTime: '2030-01-01T00:01:02.000Z',
      healthy: false,
      status: {
        IPv4: { lastUpdated: '2030-01-01T00:00:02.000Z', healthy: true },
        IPv6: { lastUpdated: '2030-01-01T00:00:00.000Z', healthy: false },
      },
    };
    expect(bodies).toEqual([{ ...body, nodeEligible: true }, body]);
    expect(statuses()).toEqual([503, 503]);
  });

  test('are that there is nothing at other paths', () => {
    expect(['/', '/healthz/', '/readyz'].map((path) => health.respond(path).status)).toEqual([404, 404, 404]);
  });
});

describe('a proxy', () => {
  beforeEach(() => health.observe(eligible));

  test('is healthy before its first change, however long that takes', () => {
    time = 3_600_000;
    expect(statuses()).toEqual([200, 200]);
  });

  test('is unhealthy once a change has waited for a minute, and healthy when that is in the kernel', () => {
    time = 5_000;
    queue(1);
    time = 64_999;
    expect([health.isHealthy(), ...statuses()]).toEqual([true, 200, 200]);
    time = 65_000;
    expect([health.isHealthy(), ...statuses()]).toEqual([false, 503, 503]);
    finish(1, true);
    expect([health.isHealthy(), ...statuses()]).toEqual([true, 200, 200]);
  });

  test('is unhealthy once a sync has failed for a minute, whatever came later', () => {
    queue(1);
    finish(1, false);
    time = 59_999;
    queue(2);
    finish(2, false);
    expect(health.isHealthy()).toBe(true);
    time = 60_000;
    expect(health.isHealthy()).toBe(false);
    queue(3);
    finish(3, true);
    expect(health.isHealthy()).toBe(true);
  });

  test('is unhealthy after a bug, too', () => {
    queue(1);
    health.observe(syncDone(1, time, { families: undefined }));
    time = 60_000;
    expect(statuses()).toEqual([503, 503]);
  });

  test('does not count what came before the objects were complete', () => {
    queue(1);
    health.observe(syncDone(1, time, { families: [] }));
    time = 3_600_000;
    expect(statuses()).toEqual([200, 200]);
  });
});

describe('a Node', () => {
  test('that is not known gets no traffic, and the proxy may go on', () => {
    expect(statuses()).toEqual([503, 200]);
    expect(JSON.parse(health.respond('/healthz').body)).toMatchObject({ nodeEligible: false, healthy: true });
  });

  test('that is about to go gets none either', () => {
    health.observe(eligible);
    health.observe({ kind: 'node-seen', isEligible: false });
    expect(statuses()).toEqual([503, 200]);
  });
});
