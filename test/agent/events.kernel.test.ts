import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { service, slice, workerNode } from '../apply/kernel/manifests.ts';
import { openNode, type TestNode } from '../apply/kernel/open-node.ts';
import type { ApiObject } from '../support/api-server.js';
import { kernelTestsRun } from '../support/kernel-tests.ts';
import { occupyPort } from './ask-in-namespace.ts';
import {
  type AgentProcess,
  type RemoteApiServer,
  startAgentProcess,
  startRemoteApiServer,
} from './start-agent-process.ts';

/** How long to wait for something that has to happen. */
const patience = { timeout: 30_000, interval: 50 };

const http = [{ name: 'http', port: 80 }];
const objects = [
  workerNode,
  service('web', {
    type: 'LoadBalancer',
    clusterIP: '10.96.0.10',
    externalTrafficPolicy: 'Local',
    healthCheckNodePort: 31_000,
    ports: http,
  }),
  slice('web', ['10.244.1.1']),
  service('broken', { clusterIP: '10.96.0.11', ports: [{ name: 'http', port: 70_000 }] }),
] as unknown as ApiObject[];

describe.skipIf(!kernelTestsRun)('Events of an agent', () => {
  let node: TestNode;
  let server: RemoteApiServer;
  let agent: AgentProcess;

  beforeAll(async () => {
    node = await openNode();
    await execa('nsenter', [`--net=${node.namespace}`, 'ip', 'address', 'add', '192.0.2.11/32', 'dev', 'lo']);
  });

  afterAll(() => node.close());

  beforeEach(async () => {
    server = await startRemoteApiServer(node, { objects });
  });

  afterEach(async () => {
    agent.kill('SIGKILL');
    await agent.ended;
    await server.end();
    await node.nft('flush ruleset');
  });

  async function events(): Promise<[string, string, string][]> {
    const found = (await server.call('events')) as {
      readonly reason: string;
      readonly note: string;
      readonly regarding: { readonly kind: string; readonly name: string };
    }[];
    return found.map(({ reason, note, regarding }) => [reason, `${regarding.kind} ${regarding.name}`, note]);
  }

  test('name Services that are left out, ports that cannot be opened, and repairs, each once', async () => {
    const other = await occupyPort(node, '192.0.2.11', 31_000);
    agent = startAgentProcess(node, server.url, ['--family', 'ip']);
    const expected = [
      [
        'InvalidService',
        'Service broken',
        expect.stringContaining('node worker-1 left it out: spec.ports[0].port is 70000'),
      ],
      [
        'FailedToStartServiceHealthcheck',
        'Service web',
        'node worker-1 failed to start healthcheck "shop/web" on port 31000: 192.0.2.11:31000: another socket uses it',
      ],
    ];
    await vi.waitFor(async () => expect(await events()).toEqual(expected), patience);
    await vi.waitFor(
      async () => expect(await node.print('list', 'table', 'ip', 'svc2nft').catch(() => '')).toContain('10.96.0.10'),
      patience,
    );
    const isWatched = ({ msg }: { readonly msg: string }) =>
      msg === 'another program changed our rules; repairing them';
    await vi.waitFor(async () => {
      await node.nft('flush chain ip svc2nft services');
      expect(agent.log.some(isWatched)).toBe(true);
    }, patience);
    await vi.waitFor(async () => {
      expect(await events()).toEqual([
        ...expected,
        ['RulesRepaired', 'Node worker-1', 'another program had changed table ip svc2nft, the IPv4 rules of Services'],
      ]);
    }, patience);
    await other.end();
  });

  test('are not needed: without the right to create them, one line says so', async () => {
    await server.call('forbid', { events: '' });
    agent = startAgentProcess(node, server.url, ['--family', 'ip']);
    const refusals = () => agent.log.filter(({ msg }) => msg === 'an Event could not be created');
    await vi.waitFor(() => {
      expect(refusals()).toEqual([
        expect.objectContaining({
          about: 'InvalidService',
          reason: expect.stringContaining('cannot create resource "events"'),
        }),
      ]);
    }, patience);
    const broken = { clusterIP: '10.96.0.12', ports: [{ name: 'http', port: 70_000 }] };
    await server.call('apply', service('also-broken', broken) as unknown as ApiObject);
    await server.call('apply', service('mail', { clusterIP: '10.96.0.13', ports: http }) as unknown as ApiObject);
    await vi.waitFor(
      async () => expect(await node.print('list', 'table', 'ip', 'svc2nft').catch(() => '')).toContain('10.96.0.13'),
      patience,
    );
    expect(refusals()).toHaveLength(1);
  });
});
