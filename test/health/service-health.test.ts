import { beforeEach, describe, expect, test } from 'vitest';
import type { HealthCheck } from '../../src/engine/health-checks.ts';
import type { HttpAnswer, ServerOptions } from '../../src/health/http-server.ts';
import { createServiceHealth, type ServiceHealth } from '../../src/health/service-health.ts';
import type { NodePortAddresses } from '../../src/phases/3-model/model.ts';

const everywhere: NodePortAddresses = { kind: 'all' };

/** What is open, `0.0.0.0:31000`, with what answers. */
let open: Map<string, () => HttpAnswer>;
/** Ports that other programs have. */
let taken: Set<number>;
let events: string[];
let isHealthy: boolean;

beforeEach(() => {
  open = new Map();
  taken = new Set();
  events = [];
  isHealthy = true;
});

function create(family: 'ip' | 'ip6' = 'ip'): ServiceHealth {
  return createServiceHealth({
    family,
    loopback: [],
    open: async ({ address, port, respond }: ServerOptions) => {
      const place = `${address}:${port}`;
      if (taken.has(port) || open.has(place)) {
        throw new Error(`${place}: another socket uses it`);
      }
      open.set(place, () => respond({ path: '/any', query: new URLSearchParams() }) as HttpAnswer);
      return { close: () => open.delete(place) };
    },
    isHealthy: () => isHealthy,
    onFailure: ({ namespace, name, family: of, port, reason, attempts }) =>
      events.push(`${attempts}: ${namespace}/${name} ${of} ${port}: ${reason}`),
    onRecovery: ({ namespace, name, attempts }) => events.push(`${attempts}: ${namespace}/${name} is open`),
  });
}

function check(name: string, port: number, localEndpoints: HealthCheck['localEndpoints'] = { ip: 1 }): HealthCheck {
  return { namespace: 'shop', name, port, localEndpoints };
}

/** Lets servers open. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) {
    await Promise.resolve();
  }
}

const ports = (): string[] => [...open.keys()].sort();

describe('the answer', () => {
  const body = (count: number, healthy: boolean): string =>
    [
      ...['{', '\t"service": {', '\t\t"namespace": "shop",', '\t\t"name": "web"', '\t},'],
      ...[`\t"localEndpoints": ${count},`, `\t"serviceProxyHealthy": ${healthy}`, '}'],
    ].join('\n');

  test.each([
    [200, 2, true],
    [503, 0, true],
    [503, 2, false],
    [503, 0, false],
  ])(
    'is %i with %i endpoints of a proxy whose health is %s, byte for byte that of kube-proxy',
    async (status, count, healthy) => {
      const health = create();
      health.sync([check('web', 31_000, { ip: count })], everywhere);
      isHealthy = healthy;
      await settle();
      expect(open.get('0.0.0.0:31000')?.()).toEqual({
        status,
        headers: {
          'Content-Type': 'application/json',
          'X-Content-Type-Options': 'nosniff',
          'X-Load-Balancing-Endpoint-Weight': `${count}`,
        },
        body: body(count, healthy),
      });
    },
  );

  test('follows endpoints and health, at the same server', async () => {
    const health = create();
    health.sync([check('web', 31_000, { ip: 0 })], everywhere);
    await settle();
    const respond = open.get('0.0.0.0:31000');
    expect(respond?.().status).toBe(503);
    health.sync([check('web', 31_000, { ip: 3 })], everywhere);
    expect(respond?.().headers['X-Load-Balancing-Endpoint-Weight']).toBe('3');
    isHealthy = false;
    expect(respond?.().status).toBe(503);
    expect(open.get('0.0.0.0:31000')).toBe(respond);
  });

  test('has the endpoints of its family', async () => {
    const both = check('web', 31_000, { ip: 2, ip6: 5 });
    create('ip').sync([both], everywhere);
    create('ip6').sync([both], everywhere);
    await settle();
    const weights = ports().map((place) => [place, open.get(place)?.().headers['X-Load-Balancing-Endpoint-Weight']]);
    expect(weights).toEqual([
      ['0.0.0.0:31000', '2'],
      [':::31000', '5'],
    ]);
  });
});

describe('ports', () => {
  test('are opened and closed with their Services', async () => {
    const health = create();
    health.sync([check('web', 31_000), check('six', 31_001, { ip6: 1 })], everywhere);
    await settle();
    expect(ports()).toEqual(['0.0.0.0:31000']);
    health.sync([check('web', 31_009), check('mail', 31_002)], everywhere);
    await settle();
    expect(ports()).toEqual(['0.0.0.0:31002', '0.0.0.0:31009']);
    health.sync([check('web', 0, {})], everywhere);
    await settle();
    expect(ports()).toEqual(['0.0.0.0:31002']);
    health.close();
    expect([ports(), events]).toEqual([[], []]);
  });

  test('are open where node ports are, and move with them', async () => {
    const health = create();
    health.sync([check('web', 31_000)], { kind: 'listed', addresses: ['192.0.2.1', '192.0.2.2'] });
    await settle();
    expect(ports()).toEqual(['192.0.2.1:31000', '192.0.2.2:31000']);
    health.sync([], { kind: 'listed', addresses: ['192.0.2.2', '192.0.2.3'] });
    await settle();
    expect(ports()).toEqual(['192.0.2.2:31000', '192.0.2.3:31000']);
    health.sync([], everywhere);
    await settle();
    expect(ports()).toEqual(['0.0.0.0:31000']);
  });

  test('go from one Service to another at once', async () => {
    const health = create();
    health.sync([check('web', 31_000)], everywhere);
    await settle();
    health.sync([check('mail', 31_000), check('web', 31_001)], everywhere);
    await settle();
    expect([ports(), events]).toEqual([['0.0.0.0:31000', '0.0.0.0:31001'], []]);
    expect(JSON.parse(open.get('0.0.0.0:31000')?.().body ?? '')).toMatchObject({ service: { name: 'mail' } });
  });

  test('that are closed while they open stay closed', async () => {
    const health = create();
    health.sync([check('web', 31_000)], everywhere);
    health.sync([check('web', 0, {})], everywhere);
    await settle();
    expect(ports()).toEqual([]);
    health.sync([check('web', 31_000)], everywhere);
    health.close();
    await settle();
    expect(ports()).toEqual([]);
  });

  test('stay closed after the end, whatever is told then', async () => {
    const health = create();
    health.sync([check('web', 31_000)], everywhere);
    await settle();
    health.close();
    health.sync([check('mail', 31_001)], everywhere);
    health.retry();
    await settle();
    expect(ports()).toEqual([]);
  });

  test('that others have are reported each time, and open once these are gone', async () => {
    const health = create();
    taken.add(31_000);
    health.sync([check('web', 31_000), check('mail', 31_001)], everywhere);
    await settle();
    health.retry();
    await settle();
    expect(ports()).toEqual(['0.0.0.0:31001']);
    taken.clear();
    health.retry();
    await settle();
    expect(ports()).toEqual(['0.0.0.0:31000', '0.0.0.0:31001']);
    const reason = '0.0.0.0:31000: another socket uses it';
    expect(events).toEqual([
      `1: shop/web ip 31000: ${reason}`,
      `2: shop/web ip 31000: ${reason}`,
      '3: shop/web is open',
    ]);
    health.retry();
    await settle();
    expect(events).toHaveLength(3);
  });

  test('are open at all addresses or at none', async () => {
    const health = create();
    open.set('192.0.2.2:31000', () => ({ status: 418, headers: {}, body: '' }));
    health.sync([check('web', 31_000)], { kind: 'listed', addresses: ['192.0.2.1', '192.0.2.2'] });
    await settle();
    expect(ports()).toEqual(['192.0.2.2:31000']);
    open.clear();
    health.retry();
    await settle();
    expect(ports()).toEqual(['192.0.2.1:31000', '192.0.2.2:31000']);
  });

  test('that two Services have are the first one’s, until it is gone', async () => {
    const health = create();
    health.sync([check('web', 31_000), check('mail', 31_000)], everywhere);
    await settle();
    const nameAt = (): unknown => JSON.parse(open.get('0.0.0.0:31000')?.().body ?? '').service.name;
    expect(nameAt()).toBe('web');
    expect(events).toEqual(['1: shop/mail ip 31000: the health checks of Service shop/web use it']);
    health.sync([check('web', 0, {})], everywhere);
    await settle();
    expect(nameAt()).toBe('mail');
    expect(events.slice(1)).toEqual(['2: shop/mail is open']);
  });
});
