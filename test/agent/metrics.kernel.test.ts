import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { service, slice, workerNode } from '../apply/kernel/manifests.ts';
import { openNode, type TestNode } from '../apply/kernel/open-node.ts';
import type { ApiObject } from '../support/api-server.js';
import { kernelTestsRun } from '../support/kernel-tests.ts';
import { askInNamespace, type NamespaceAnswer } from './ask-in-namespace.ts';
import {
  type AgentProcess,
  awaitMonitor,
  type RemoteApiServer,
  startAgentProcess,
  startRemoteApiServer,
} from './start-agent-process.ts';

/** How long to wait for something that has to happen. */
const patience = { timeout: 30_000, interval: 100 };

function web(addresses: readonly string[]): ApiObject[] {
  const ports = [{ name: 'http', port: 80 }];
  const objects = [service('web', { clusterIP: '10.96.0.10', ports }), slice('web', addresses)];
  return objects as unknown as ApiObject[];
}

/** An endpoint slice whose endpoints changed just now. */
function changedNow(addresses: readonly string[]): ApiObject {
  const object = web(addresses)[1] as ApiObject;
  const annotations = { 'endpoints.kubernetes.io/last-change-trigger-time': new Date().toISOString() };
  return { ...object, metadata: { ...object.metadata, annotations } } as ApiObject;
}

describe.skipIf(!kernelTestsRun)('the metrics of an agent', () => {
  let node: TestNode;
  let server: RemoteApiServer;
  let agent: AgentProcess;

  beforeAll(async () => {
    node = await openNode();
  });

  afterAll(() => node.close());

  beforeEach(async () => {
    const broken = service('broken', { clusterIP: 'nowhere' }) as unknown as ApiObject;
    const objects = [workerNode as unknown as ApiObject, broken, ...web(['10.244.1.1', '10.244.2.1'])];
    server = await startRemoteApiServer(node, { objects });
  });

  afterEach(async () => {
    agent.kill('SIGKILL');
    await agent.ended;
    await server.end();
    await node.nft('flush ruleset');
  });

  function ask(path: string, place = '127.0.0.1:10249'): Promise<NamespaceAnswer | undefined> {
    return askInNamespace(node, place, path);
  }

  /** The values of samples, by their names with labels. */
  async function samples(): Promise<Readonly<Record<string, number>>> {
    const { body = '' } = (await ask('/metrics')) ?? {};
    const lines = body.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return Object.fromEntries(
      lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
    );
  }

  async function expectSamples(expected: Readonly<Record<string, unknown>>): Promise<void> {
    await vi.waitFor(async () => expect(await samples()).toMatchObject(expected), patience);
  }

  test('tell what it did, under the names of kube-proxy and of its own', async () => {
    agent = startAgentProcess(node, server.url);
    await expectSamples({
      'kubeproxy_sync_full_proxy_rules_duration_seconds_count{ip_family="IPv4"}': 1,
      'kubeproxy_sync_proxy_rules_nftables_sync_failures_total{ip_family="IPv6"}': 0,
      'svc2nft_elements{ip_family="IPv4",set="tcp-endpoints"}': 2,
      'svc2nft_left_out_services{reason="invalid"}': 1,
      svc2nft_event_to_kernel_duration_seconds_count: 0,
    });
    await server.call('apply', changedNow(['10.244.1.1', '10.244.2.1', '10.244.2.2']));
    await expectSamples({
      'kubeproxy_network_programming_duration_seconds_count{ip_family="IPv4"}': 1,
      'kubeproxy_sync_partial_proxy_rules_duration_seconds_count{ip_family="IPv4"}': 1,
      'svc2nft_elements{ip_family="IPv4",set="tcp-endpoints"}': 3,
      svc2nft_event_to_kernel_duration_seconds_count: 1,
      'svc2nft_repairs_total{ip_family="IPv4"}': 0,
    });
    const { 'svc2nft_watch_age_seconds{kind="EndpointSlice"}': age } = await samples();
    expect(age).toBeGreaterThan(0);
    const answers = await Promise.all(['/healthz', '/proxyMode', '/configz', '/nothing'].map((path) => ask(path)));
    expect(answers.map((answer) => answer?.status)).toEqual([200, 200, 200, 404]);
    expect(JSON.parse(answers[2]?.body ?? '')).toMatchObject({
      'kubeproxy.config.k8s.io': { mode: 'nftables', clusterCIDR: '10.244.0.0/16,fd00:10:244::/48' },
    });
  });

  test('count probes, and what other programs change', async () => {
    agent = startAgentProcess(node, server.url);
    await expectSamples({ 'svc2nft_repairs_total{ip_family="IPv4"}': 0 });
    await ask('/livez', '127.0.0.1:10256');
    await awaitMonitor(agent);
    await node.nft('add element ip svc2nft cluster-ips { 10.96.9.9 }');
    await vi.waitFor(async () => {
      expect((await samples())['svc2nft_foreign_changes_total{ip_family="IPv4"}']).toBeGreaterThan(0);
    }, patience);
    await vi.waitFor(async () => {
      expect((await samples())['svc2nft_repairs_total{ip_family="IPv4"}']).toBeGreaterThan(0);
    }, patience);
    expect(await samples()).toMatchObject({
      'svc2nft_repairs_total{ip_family="IPv6"}': 0,
      'kubeproxy_proxy_livez_total{code="200"}': 1,
    });
  });

  test('are there before the API server can be followed', async () => {
    await server.call('refuse', { status: 503 });
    agent = startAgentProcess(node, server.url);
    await vi.waitFor(async () => {
      expect((await samples())['svc2nft_watch_restarts_total{kind="Service"}']).toBeGreaterThan(0);
    }, patience);
    expect(await samples()).toMatchObject({
      'kubeproxy_sync_proxy_rules_duration_seconds_count{ip_family="IPv4"}': 0,
      svc2nft_oldest_pending_change_seconds: 0,
    });
  });

  test('have the connections of Services where the agent counts them', async () => {
    agent = startAgentProcess(node, server.url, ['--counters']);
    const name = 'svc2nft_service_connections_total{namespace="shop",service="web",port_name="http",protocol="TCP"}';
    await expectSamples({ [name]: 0 });
    // Nobody answers, and the client does not wait.
    const connect = 'ip route add 10.96.0.0/16 dev lo; timeout 0.2 bash -c "exec 3<>/dev/tcp/10.96.0.10/80"; true';
    await execa('nsenter', [`--net=${node.namespace}`, 'bash', '-c', `ip link set lo up; ${connect}`]);
    await expectSamples({ [name]: 1 });
    await server.call('apply', web(['10.244.1.1', '10.244.2.1', '10.244.2.2'])[1] as ApiObject);
    await expectSamples({ 'svc2nft_elements{ip_family="IPv4",set="tcp-endpoints"}': 3, [name]: 1 });
    expect(await node.print('list', 'map', 'ip', 'svc2nft', 'service-ips')).toContain('\n\t\tcounter\n');
  });

  test('have pages for debugging beside them, on request', async () => {
    agent = startAgentProcess(node, server.url, ['--enable-debugging-handlers']);
    await expectSamples({ 'kubeproxy_sync_proxy_rules_duration_seconds_count{ip_family="IPv4"}': 1 });
    const explained = await ask('/debug/explain?from=10.244.1.9&to=10.96.0.10:80');
    expect(explained?.body).toMatch(/^SENT to one of 2 endpoints of shop\/web:http/);
    expect((await ask('/debug/explain?from=10.244.1.9'))?.status).toBe(400);
    const services = JSON.parse((await ask('/debug/services'))?.body ?? '{}');
    expect(services).toMatchObject({ node: 'worker-1', leftOut: { invalid: ['shop/broken'], rejected: [] } });
    const before = await Promise.all(['ip', 'ip6'].map((family) => node.print('list', 'table', family, 'svc2nft')));
    await node.nft((await ask('/debug/ruleset'))?.body ?? 'nothing');
    const after = await Promise.all(['ip', 'ip6'].map((family) => node.print('list', 'table', family, 'svc2nft')));
    expect(after).toEqual(before);
  });

  test('are where --metrics-bind-address says, or nowhere', async () => {
    agent = startAgentProcess(node, server.url, ['--metrics-bind-address', '127.0.0.1:9999']);
    await vi.waitFor(async () => expect((await ask('/metrics', '127.0.0.1:9999'))?.status).toBe(200), patience);
    expect(await ask('/metrics')).toBeUndefined();
    agent.kill('SIGTERM');
    await agent.ended;
    agent = startAgentProcess(node, server.url, ['--metrics-bind-address', '']);
    await vi.waitFor(async () => expect((await ask('/healthz', '127.0.0.1:10256'))?.status).toBe(200), patience);
    expect(await ask('/metrics')).toBeUndefined();
  });
});
