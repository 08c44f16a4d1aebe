import { expect, test, vi } from 'vitest';
import { createSyncer } from '../../src/agent/create-syncer.ts';
import { serveHealth } from '../../src/agent/serve-health.ts';
import type { ServiceProxy } from '../../src/apply/create-service-proxy.ts';
import type { HttpAnswer, ServerOptions } from '../../src/health/http-server.ts';
import { service, slice, workerNode } from '../apply/kernel/manifests.ts';
import { startProxy } from '../apply/start-proxy.ts';
import { type Answer, says } from '../support/fake-nft.ts';

const web = service('web', {
  type: 'LoadBalancer',
  clusterIP: '10.96.0.1',
  externalTrafficPolicy: 'Local',
  healthCheckNodePort: 31_000,
  ports: [{ name: 'http', port: 80 }],
});

/** A syncer with its servers, none of them real. Time stands still unless it is moved. */
function startServers(proxy: ServiceProxy, nodePortAddresses: readonly string[] = []) {
  let time = 0;
  const open = new Map<number, () => HttpAnswer>();
  const places: string[] = [];
  const end = new AbortController();
  const tools = {
    log: () => undefined,
    signal: end.signal,
    wait: () => new Promise<void>(() => undefined),
    random: () => 0.5,
    now: () => time,
  };
  const health = serveHealth({
    ...tools,
    families: ['ip', 'ip6'],
    compile: { nodePortAddresses },
    loopback: ['127.0.0.1', '127.0.0.2', '::1'],
    proxy,
    healthz: { address: undefined, port: 10_256 },
    syncPeriod: 30_000,
    wallClock: () => new Date(time),
    open: async ({ address = '*', port, respond }: ServerOptions) => {
      places.push(`${address} ${port}`);
      open.set(port, () => respond({ path: '/healthz', query: new URLSearchParams() }) as HttpAnswer);
      return { close: () => open.delete(port) };
    },
  });
  return {
    syncer: createSyncer(proxy, 30_000, { ...tools, observe: health.observe }),
    health,
    places,
    statuses: () => [...open].map(([port, respond]) => [port, respond().status]),
    pass: (milliseconds: number) => {
      time += milliseconds;
    },
  };
}

test('a failing nft makes the proxy and its Services unhealthy after a minute, and no sooner', async () => {
  let isBroken = false;
  const failing: Answer = ({ command }) => (isBroken && command === 'nft -f -' ? says.notPermitted : undefined);
  const options = { nodeName: 'worker-1', clusterCIDRs: ['10.244.0.0/16'] };
  const { proxy } = await startProxy(options, failing);
  const { syncer, statuses, pass, health } = startServers(proxy);
  const update = async (...apply: readonly unknown[]): Promise<void> => {
    syncer.update({ apply, complete: true });
    await proxy.idle();
    await Promise.resolve();
  };
  await update(workerNode, web, slice('web', ['10.244.1.1']));
  expect(statuses()).toEqual([
    [10_256, 200],
    [31_000, 200],
  ]);
  isBroken = true;
  await update(slice('web', ['10.244.1.2']));
  pass(59_999);
  await update(slice('web', ['10.244.1.3']));
  expect(statuses().map(([, status]) => status)).toEqual([200, 200]);
  pass(1);
  expect(statuses().map(([, status]) => status)).toEqual([503, 503]);
  isBroken = false;
  await update();
  expect(statuses().map(([, status]) => status)).toEqual([200, 200]);
  health.close();
  expect(statuses()).toEqual([]);
});

test.each([
  [['primary'], ['192.0.2.11']],
  [
    ['primary', 'localhost'],
    ['192.0.2.11', '127.0.0.1', '127.0.0.2'],
  ],
  [['127.0.0.1/32'], ['127.0.0.1']],
  [['all', 'localhost'], ['0.0.0.0']],
])(
  'with nodePortAddresses %s, the health of Services is served at %s, as by kube-proxy',
  async (entries, addresses) => {
    const { proxy } = await startProxy({ nodeName: 'worker-1', nodePortAddresses: entries });
    const { syncer, places } = startServers(proxy, entries);
    syncer.update({ apply: [workerNode, web, slice('web', ['10.244.1.1'])], complete: true });
    await proxy.idle();
    await vi.waitFor(() => expect(places.slice(1)).toEqual(addresses.map((address) => `${address} 31000`)));
  },
);
