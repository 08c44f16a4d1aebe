import { expect, test } from 'vitest';
import { serveMetrics } from '../../src/agent/serve-metrics.ts';
import type { BindAddress } from '../../src/config/bind-address.ts';
import type { HttpAnswer, ServerOptions } from '../../src/health/http-server.ts';
import type { Observation } from '../../src/health/observation.ts';
import { withDefaults } from '../../src/options.ts';
import { syncDone } from '../health/sync-done.ts';

/** A server of metrics without a port. */
function start(place: BindAddress | undefined, debuggingHandlers = false) {
  const logged: string[] = [];
  let asked: ((path: string) => Promise<HttpAnswer>) | undefined;
  const server = serveMetrics({
    log: (_, message) => logged.push(message),
    signal: new AbortController().signal,
    wait: () => new Promise(() => undefined),
    random: () => 0.5,
    now: () => 0,
    wallClock: () => new Date(0),
    run: () => Promise.reject(new Error('nothing is counted')),
    debuggingHandlers,
    proxy: {
      statistics: () => ({ families: [], leftOut: { invalid: ['shop/odd'], rejected: [] } }),
      rulesets: () => [],
      views: () => [],
      objects: () => [],
    },
    server: 'https://10.0.0.1:6443',
    compile: withDefaults({ nodeName: 'worker-1', clusterCIDRs: ['10.244.0.0/16'] }),
    minSyncPeriod: 1_000,
    syncPeriod: 30_000,
    resyncPeriod: 600_000,
    ownTable: false,
    settings: { conntrack: { maxPerCore: 0, udpTimeout: 90 }, oomScoreAdj: -999 },
    healthz: undefined,
    metrics: place,
    open: async ({ respond }: ServerOptions) => {
      asked = async (path) => respond({ path, query: new URLSearchParams() });
      return { close: () => undefined };
    },
  });
  const ask = async (path: string): Promise<HttpAnswer> => {
    const answer = await asked?.(path);
    if (!answer) {
      throw new Error('nothing listens');
    }
    return answer;
  };
  return { server, ask, logged };
}

const queued: Observation = { kind: 'sync-queued', request: 1, at: 0, services: 2, endpointSlices: 1 };
const place = { address: '127.0.0.1', port: 10_249 };

test('what happened before metrics were loaded counts as well', async () => {
  const { server, ask, logged } = start(place);
  server.observe(queued);
  server.observe(syncDone(1, 3));
  server.observe({ kind: 'probed', path: 'livez', status: 200 });
  const { status, headers, body } = await ask('/metrics');
  expect([status, headers]).toEqual([200, { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' }]);
  expect(body).toContain('kubeproxy_sync_proxy_rules_service_changes_total 4\n');
  expect(body).toContain('kubeproxy_proxy_livez_total{code="200"} 1\n');
  server.observe(queued);
  expect((await ask('/metrics')).body).toContain('kubeproxy_sync_proxy_rules_service_changes_total 8\n');
  expect(logged).toEqual([]);
});

test('of what happens before the first sync little is kept', async () => {
  const { server, ask } = start(place);
  for (let count = 0; count < 5_000; count += 1) {
    server.observe({ kind: 'api-answer', status: 200 });
  }
  expect((await ask('/metrics')).body).toContain('{code="200",method="GET",host="10.0.0.1:6443"} 5000\n');
});

test('the other answers are those of kube-proxy', async () => {
  const { ask } = start(place);
  const headers = { 'Content-Type': 'text/plain; charset=utf-8', 'X-Content-Type-Options': 'nosniff' };
  expect(await ask('/healthz')).toEqual({ status: 200, headers, body: 'ok' });
  expect(await ask('/proxyMode')).toEqual({ status: 200, headers, body: 'nftables' });
  expect(await ask('/debug/ruleset')).toEqual({ status: 404, headers, body: '404 page not found\n' });
  const config = await ask('/configz');
  expect(config.headers).toEqual({ 'Content-Type': 'application/json', 'X-Content-Type-Options': 'nosniff' });
  expect(JSON.parse(config.body)).toEqual({
    'kubeproxy.config.k8s.io': {
      kind: 'KubeProxyConfiguration',
      apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
      hostnameOverride: 'worker-1',
      bindAddress: '0.0.0.0',
      healthzBindAddress: '',
      metricsBindAddress: '127.0.0.1:10249',
      bindAddressHardFail: false,
      clientConnection: { kubeconfig: '' },
      conntrack: { maxPerCore: 0, udpTimeout: '1m30s' },
      oomScoreAdj: -999,
      mode: 'nftables',
      nftables: { masqueradeBit: 14, masqueradeAll: false, syncPeriod: '30s', minSyncPeriod: '1s' },
      detectLocalMode: 'ClusterCIDR',
      detectLocal: { bridgeInterface: '', interfaceNamePrefix: '' },
      clusterCIDR: '10.244.0.0/16',
      nodePortAddresses: ['primary'],
      featureGates: { AllowServiceExternalIPs: true, KubeProxyNFTablesLocalhostNodePorts: false },
    },
    svc2nft: {
      table: 'svc2nft',
      families: ['ip', 'ip6'],
      nodeAddresses: [],
      zone: null,
      targetNft: '1.0.6',
      ownTable: false,
      resyncPeriod: '10m0s',
    },
  });
});

test('pages for debugging are there only on request', async () => {
  const { ask } = start(place, true);
  expect((await ask('/debug/services')).body).toContain('shop/odd');
  expect((await ask('/debug/pprof')).status).toBe(404);
});

test('without a place nothing is served, and nothing counted', async () => {
  const { server, ask } = start(undefined);
  server.observe(syncDone(1, 0));
  await expect(ask('/metrics')).rejects.toThrow('nothing listens');
  server.close();
});
