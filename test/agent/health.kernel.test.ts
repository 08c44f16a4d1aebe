import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Manifest, service, slice, workerNode } from '../apply/kernel/manifests.ts';
import { openNode, type TestNode } from '../apply/kernel/open-node.ts';
import type { ApiObject } from '../support/api-server.js';
import { kernelTestsRun } from '../support/kernel-tests.ts';
import { askInNamespace, occupyPort } from './ask-in-namespace.ts';
import {
  type AgentProcess,
  type RemoteApiServer,
  startAgentProcess,
  startRemoteApiServer,
} from './start-agent-process.ts';

/** How long to wait for something that has to happen. */
const patience = { timeout: 30_000, interval: 100 };

/** A load balancer with policy Local, in both families. */
function balancer(name: string, last: number, port: number, spec: Manifest = {}): ApiObject {
  const object = service(name, {
    type: 'LoadBalancer',
    clusterIP: `10.96.0.${last}`,
    clusterIPs: [`10.96.0.${last}`, `fd00:10:96::${last}`],
    ipFamilies: ['IPv4', 'IPv6'],
    externalTrafficPolicy: 'Local',
    healthCheckNodePort: port,
    ports: [{ name: 'http', port: 80 }],
    ...spec,
  });
  return object as unknown as ApiObject;
}

function endpoints(name: string, addresses: readonly string[]): ApiObject {
  return slice(name, addresses) as unknown as ApiObject;
}

const worker = workerNode as unknown as ApiObject;

describe.skipIf(!kernelTestsRun)('the health of an agent', () => {
  let node: TestNode;
  let server: RemoteApiServer;
  let agent: AgentProcess;

  beforeAll(async () => {
    node = await openNode();
    for (const address of ['192.0.2.11/32', '2001:db8:a::11/128']) {
      await execa('nsenter', [`--net=${node.namespace}`, 'ip', 'address', 'add', address, 'dev', 'lo']);
    }
  });

  afterAll(() => node.close());

  beforeEach(async () => {
    const web = [balancer('web', 10, 31_000), endpoints('web', ['10.244.1.1', '10.244.2.1', '10.244.1.2'])];
    server = await startRemoteApiServer(node, { objects: [worker, ...web] });
  });

  afterEach(async () => {
    agent.kill('SIGKILL');
    await agent.ended;
    await server.end();
    await node.nft('flush ruleset');
  });

  function start(flags: readonly string[] = []): void {
    agent = startAgentProcess(node, server.url, flags);
  }

  async function statusAt(place: string, path = '/'): Promise<number | undefined> {
    return (await askInNamespace(node, place, path))?.status;
  }

  async function expectStatus(place: string, status: number | undefined, path = '/'): Promise<void> {
    await vi.waitFor(
      async () => expect([place, path, await statusAt(place, path)]).toEqual([place, path, status]),
      patience,
    );
  }

  function logged(message: string): readonly Readonly<Record<string, unknown>>[] {
    return agent.log.filter(({ msg }) => msg === message);
  }

  async function expectLogged(message: string): Promise<void> {
    await vi.waitFor(() => expect(logged(message)).not.toEqual([]), patience);
  }

  test('of a Service is told at its port, and follows its endpoints', async () => {
    start();
    await expectStatus('192.0.2.11:31000', 200);
    const answer = await askInNamespace(node, '192.0.2.11:31000', '/any/path', 'POST');
    expect(answer).toMatchObject({
      status: 200,
      headers: {
        'content-type': 'application/json',
        'x-content-type-options': 'nosniff',
        'x-load-balancing-endpoint-weight': '2',
      },
      body: '{\n\t"service": {\n\t\t"namespace": "shop",\n\t\t"name": "web"\n\t},\n\t"localEndpoints": 2,\n\t"serviceProxyHealthy": true\n}',
    });
    expect(await statusAt('[2001:db8:a::11]:31000')).toBe(503);
    // Only where node ports are open.
    expect(await statusAt('127.0.0.1:31000')).toBeUndefined();
    await server.call('apply', endpoints('web', ['fd00:10:244:1::1']));
    await expectStatus('[2001:db8:a::11]:31000', 200);
    await server.call('apply', endpoints('web', ['!10.244.1.1', '10.244.2.1']));
    await expectStatus('192.0.2.11:31000', 503);
    await server.call('apply', endpoints('web', ['10.244.1.1', '10.244.2.1']));
    await expectStatus('192.0.2.11:31000', 200);
    await server.call('remove', 'EndpointSlice', 'shop', 'web-ipv4');
    await expectStatus('192.0.2.11:31000', 503);
  });

  test('of a Service has a port only as long as it has that policy and that port', async () => {
    start();
    await expectStatus('192.0.2.11:31000', 200);
    await server.call('apply', balancer('web', 10, 31_005));
    await expectStatus('192.0.2.11:31005', 200);
    await expectStatus('192.0.2.11:31000', undefined);
    await server.call('apply', balancer('web', 10, 0, { externalTrafficPolicy: 'Cluster' }));
    await expectStatus('192.0.2.11:31005', undefined);
    await server.call('apply', balancer('web', 10, 31_006));
    await expectStatus('192.0.2.11:31006', 200);
    await server.call('remove', 'Service', 'shop', 'web');
    await expectStatus('192.0.2.11:31006', undefined);
  });

  test('of a Service is told on all addresses where node ports are', async () => {
    start(['--nodeport-addresses', '0.0.0.0/0,::/0']);
    await expectStatus('192.0.2.11:31000', 200);
    expect(await statusAt('127.0.0.1:31000')).toBe(200);
    expect(await statusAt('[::1]:31000')).toBe(503);
  });

  test('of a Service waits for its port, and says so', async () => {
    const other = await occupyPort(node, '192.0.2.11', 31_000);
    start();
    await vi.waitFor(() => {
      expect(logged('the port for health checks of a Service cannot be opened; trying again')).toEqual([
        expect.objectContaining({
          ...{ service: 'shop/web', family: 'IPv4', port: 31_000 },
          reason: '192.0.2.11:31000: another socket uses it',
        }),
      ]);
    }, patience);
    expect(await statusAt('[2001:db8:a::11]:31000')).toBe(503);
    expect(await statusAt('127.0.0.1:10256', '/healthz')).toBe(200);
    await other.end();
    await expectLogged('the port for health checks of a Service is open');
    await expectStatus('192.0.2.11:31000', 200);
    expect(logged('the port for health checks of a Service is open')).toHaveLength(1);
  });

  test('of two Services with one port is told for one, and for the other when that is gone', async () => {
    await server.call('apply', balancer('xml', 11, 31_000), endpoints('xml', ['10.244.1.9']));
    start();
    const nameAt = async (): Promise<unknown> =>
      JSON.parse((await askInNamespace(node, '192.0.2.11:31000'))?.body ?? '{}').service?.name;
    await vi.waitFor(async () => expect(await nameAt()).toBe('web'), patience);
    await vi.waitFor(() => {
      expect(logged('the port for health checks of a Service cannot be opened; trying again')).toContainEqual(
        expect.objectContaining({ service: 'shop/xml', reason: 'the health checks of Service shop/web use it' }),
      );
    }, patience);
    await server.call('remove', 'Service', 'shop', 'web');
    await vi.waitFor(async () => expect(await nameAt()).toBe('xml'), patience);
  });

  test('is told at /healthz and /livez, of both families, and depends on the Node', async () => {
    start();
    await expectStatus('127.0.0.1:10256', 200, '/healthz');
    expect(JSON.parse((await askInNamespace(node, '[::1]:10256', '/healthz'))?.body ?? '')).toEqual({
      lastUpdated: expect.any(String),
      currentTime: expect.any(String),
      nodeEligible: true,
      healthy: true,
      status: {
        IPv4: { lastUpdated: expect.any(String), healthy: true },
        IPv6: { lastUpdated: expect.any(String), healthy: true },
      },
    });
    const taint = { key: 'ToBeDeletedByClusterAutoscaler', value: '1', effect: 'NoSchedule' };
    await server.call('apply', { ...worker, spec: { taints: [taint] } });
    await expectStatus('127.0.0.1:10256', 503, '/healthz');
    expect(await statusAt('127.0.0.1:10256', '/livez')).toBe(200);
    await server.call('apply', worker);
    await expectStatus('127.0.0.1:10256', 200, '/healthz');
    const metadata = { ...worker.metadata, deletionTimestamp: '2030-01-01T00:00:00Z' };
    await server.call('apply', { ...worker, metadata });
    await expectStatus('127.0.0.1:10256', 503, '/healthz');
    await server.call('apply', worker);
    await expectStatus('127.0.0.1:10256', 200, '/healthz');
    await server.call('remove', 'Node', '', 'worker-1');
    await expectStatus('127.0.0.1:10256', 503, '/healthz');
    expect(await statusAt('127.0.0.1:10256', '/livez')).toBe(200);
  });

  test('is told before the API server can be followed: alive, but not to be sent traffic', async () => {
    await server.call('refuse', { status: 503 });
    start();
    await expectStatus('127.0.0.1:10256', 200, '/livez');
    expect(await statusAt('127.0.0.1:10256', '/healthz')).toBe(503);
  });

  test('waits for its port, without keeping the rules waiting', async () => {
    const other = await occupyPort(node, '0.0.0.0', 10256);
    start();
    await expectLogged('synced');
    expect(logged('the port of a server cannot be opened; trying again')).toEqual([
      expect.objectContaining({ port: 10_256, reason: '*:10256: another socket uses it' }),
    ]);
    await other.end();
    await expectLogged('the port of a server is open');
    await expectStatus('127.0.0.1:10256', 200, '/healthz');
  });

  test('needs its port with --bind-address-hard-fail, and else the agent ends', async () => {
    const other = await occupyPort(node, '0.0.0.0', 10256);
    start(['--bind-address-hard-fail']);
    expect(await agent.ended).toBe(3);
    expect(logged('the port of a server cannot be opened')).toEqual([
      expect.objectContaining({ port: 10_256, reason: '*:10256: another socket uses it' }),
    ]);
    await other.end();
    start(['--bind-address-hard-fail']);
    await expectStatus('127.0.0.1:10256', 200, '/healthz');
    agent.kill('SIGTERM');
    expect(await agent.ended).toBe(0);
  });

  test('is told where --healthz-bind-address says', async () => {
    start(['--healthz-bind-address', '192.0.2.11']);
    await expectStatus('192.0.2.11:10256', 200, '/healthz');
    expect(await statusAt('127.0.0.1:10256', '/healthz')).toBeUndefined();
  });

  test('is told nowhere if that is empty, but for Services', async () => {
    start(['--healthz-bind-address', '']);
    await expectStatus('192.0.2.11:31000', 200);
    expect(await statusAt('127.0.0.1:10256', '/healthz')).toBeUndefined();
  });
});
