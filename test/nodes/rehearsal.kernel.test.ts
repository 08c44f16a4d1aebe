import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { askInNamespace } from '../agent/ask-in-namespace.ts';
import {
  type AgentProcess,
  type RemoteApiServer,
  startAgentProcess,
  startRemoteApiServer,
} from '../agent/start-agent-process.ts';
import { service } from '../apply/kernel/manifests.ts';
import type { ApiObject } from '../support/api-server.js';
import { kernelTestsRun } from '../support/kernel-tests.ts';
import { type Agent, startAgent } from '../support/lab/start-agent.ts';
import { createDeployment, type Deployment } from './deployment.ts';
import { type ClusterNode, type Network, openNodes, outsideAddresses } from './open-nodes.ts';
import { type Client, type Load, type LoadReport, startLoad } from './start-load.ts';

/** How often all Pods are replaced, and for how many seconds a node is cut off; more with `npm run test:nodes`. */
const rollouts = Number(process.env['ROLLOUTS'] ?? 1);
const secondsCutOff = Number(process.env['CUT_OFF'] ?? 3);

const patience = { timeout: 30_000, interval: 50 };

/** In seconds: longer than an agent takes to start, and a load balancer to see that a node has no Pods left. */
const grace = 5;

/** Behind a load balancer that only knows the nodes: `edge` only where there are Pods, which see their clients' addresses. */
const [webPort, edgePort, healthPort] = [30_080, 30_081, 32_000];

function balancer(name: string, last: number, nodePort: number, spec: object = {}): ApiObject {
  const object = service(name, {
    type: 'LoadBalancer',
    clusterIP: `10.96.0.${last}`,
    clusterIPs: [`10.96.0.${last}`, `fd00:10:96::${last}`],
    ipFamilies: ['IPv4', 'IPv6'],
    ports: [{ name: 'http', port: 80, nodePort }],
    ...spec,
  });
  return object as unknown as ApiObject;
}

function nodeObject({ name, addresses }: ClusterNode): ApiObject {
  return {
    kind: 'Node',
    apiVersion: 'v1',
    metadata: { name, labels: {} },
    status: { addresses: addresses.map((address) => ({ type: 'InternalIP', address })) },
  };
}

/** How often each text is there. */
function countAlike(texts: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const text of texts) {
    counts[text] = (counts[text] ?? 0) + 1;
  }
  return counts;
}

describe.skipIf(!kernelTestsRun)('a cluster of three nodes, whose Services are in use', () => {
  let network: Network;
  let nodes: readonly ClusterNode[];
  let server: RemoteApiServer;
  let agents: Map<ClusterNode, AgentProcess>;
  let deployment: Deployment;
  let clientPod: Agent;
  let loads: readonly Load[];

  beforeAll(async () => {
    network = await openNodes(3);
    nodes = network.nodes;
    const edge = { externalTrafficPolicy: 'Local', healthCheckNodePort: healthPort };
    server = await startRemoteApiServer(network.outside, {
      address: outsideAddresses[0],
      objects: [...nodes.map(nodeObject), balancer('web', 10, webPort), balancer('edge', 11, edgePort, edge)],
    });
    agents = new Map(nodes.map((node) => [node, startAgentOn(node)]));
    deployment = createDeployment({ name: 'shop', services: ['web', 'edge'], nodes, server, grace });
    await deployment.scale(6);
    clientPod = await startAgent();
    const [first] = nodes as [ClusterNode];
    await first.connectPod(clientPod.processId, 250);
    await Promise.all(nodes.map(untilInSync));
    loads = [
      await startLoad(`/proc/${clientPod.processId}/ns/net`, clientsInside()),
      await startLoad(first.namespace, clientsInside()),
      await startLoad(network.outside.namespace, clientsOutside()),
    ];
  });

  afterAll(async () => {
    await Promise.all((loads ?? []).map((load) => load.close()));
    await deployment?.close();
    for (const agent of agents?.values() ?? []) {
      agent.kill('SIGKILL');
      await agent.ended;
    }
    await server?.end();
    await clientPod?.close();
    await network?.close();
  });

  function flagsOf(node: ClusterNode): string[] {
    return ['--node', node.name];
  }

  function startAgentOn(node: ClusterNode): AgentProcess {
    return startAgentProcess(node, server.url, flagsOf(node));
  }

  function clientsInside(): Client[] {
    return ['10.96.0.10', 'fd00:10:96::10'].map((address) => ({ targets: [[address, 80, null]], source: null }));
  }

  function clientsOutside(): Client[] {
    return ([0, 1] as const).flatMap((family) => [
      { targets: nodes.map(({ addresses }) => [addresses[family], webPort, null] as const), source: null },
      { targets: nodes.map(({ addresses }) => [addresses[family], edgePort, healthPort] as const), source: null },
    ]);
  }

  async function untilInSync(node: ClusterNode): Promise<void> {
    const flags = [...flagsOf(node), '--cluster-cidr', '10.244.0.0/16,fd00:10:244::/48'];
    await vi.waitFor(
      async () => {
        const { exitCode, stdout, stderr } = await node.svc2nft(['diff', ...flags], await server.objects());
        expect({ node: node.name, exitCode, difference: `${stdout}${stderr}` }).toEqual({
          node: node.name,
          exitCode: 0,
          difference: expect.anything(),
        });
      },
      { ...patience, interval: 200 },
    );
  }

  async function healthOf(node: ClusterNode): Promise<number | undefined> {
    return (await askInNamespace(node, `${node.addresses[0]}:${healthPort}`))?.status;
  }

  /** What all clients saw since the last call, once each has sent a few more requests. */
  async function takeReports(): Promise<LoadReport[]> {
    await setTimeout(500);
    return (await Promise.all(loads.map((load) => load.report()))).flat();
  }

  /** Does a step while all clients go on. No request may fail. @returns who answered. */
  async function underLoad(name: string, step: () => Promise<void>): Promise<Set<string>> {
    await takeReports();
    const start = performance.now();
    await step();
    await deployment.settle();
    const seconds = (performance.now() - start) / 1_000;
    const reports = await takeReports();
    await Promise.all(nodes.map(untilInSync));
    const sum = (count: (report: LoadReport) => number) => reports.reduce((total, one) => total + count(one), 0);
    const [requests, resent] = [sum((one) => one.requests), sum((one) => one.resent)];
    const failures = countAlike(reports.flatMap((one) => one.failures));
    console.log(
      `${name}: ${seconds.toFixed(1)} s, ${requests} requests, ${sum((one) => one.failures.length)} failed, ${resent} with a packet sent twice`,
    );
    expect(failures).toEqual({});
    expect(reports.map((one) => one.requests > 0)).toEqual(reports.map(() => true));
    return new Set(reports.flatMap((one) => Object.keys(one.answers)));
  }

  test(
    `serves each request while its Pods are replaced`,
    async () => {
      const before = deployment.pods();
      const seen = await underLoad(`${rollouts} rollouts`, async () => {
        for (let rollout = 0; rollout < rollouts; rollout += 1) {
          await deployment.roll();
        }
      });
      expect([...seen]).toEqual(expect.arrayContaining([...before, ...deployment.pods()]));
      expect(seen.size).toBeGreaterThanOrEqual((rollouts + 1) * 6);
      const after = await underLoad('nothing', () => setTimeout(500));
      expect([...after].sort()).toEqual(deployment.pods().sort());
    },
    60_000 + 20_000 * rollouts,
  );

  test('serves each request while a node is drained, and leaves its health check to say so', async () => {
    const [, , third] = nodes as [ClusterNode, ClusterNode, ClusterNode];
    expect(await healthOf(third)).toBe(200);
    await underLoad('drain', () => deployment.drain(third));
    expect(await healthOf(third)).toBe(503);
    await underLoad('back', async () => {
      await deployment.drain(undefined);
      await deployment.roll();
    });
    await vi.waitFor(async () => expect(await healthOf(third)).toBe(200), patience);
  });

  test('serves each request while an agent takes the place of another', async () => {
    await underLoad('upgrade', async () => {
      for (const [node, old] of agents) {
        const next = startAgentOn(node);
        await vi.waitFor(
          () => expect(next.log.map(({ msg }) => msg)).toContainEqual(expect.stringMatching(/^waiting: /)),
          patience,
        );
        old.kill('SIGTERM');
        expect(await old.ended).toBe(0);
        agents.set(node, next);
        await deployment.roll();
        await vi.waitFor(async () => expect(await healthOf(node)).toBe(200), patience);
      }
    });
  });

  test(
    'serves each request while a node cannot reach the API server, and catches up afterwards',
    async () => {
      const [, second] = nodes as [ClusterNode, ClusterNode];
      const [address] = second.addresses;
      const { port } = new URL(server.url);
      await underLoad(`cut off for ${secondsCutOff} s`, async () => {
        await network.outside.nft(`table ip cut {
          chain input { type filter hook input priority 0; ip saddr ${address} tcp dport ${port} drop; }
          chain output { type filter hook output priority 0; ip daddr ${address} tcp sport ${port} drop; }
        }`);
        await setTimeout(secondsCutOff * 1_000);
        // The new Pods get requests over the other nodes at once.
        await deployment.scale(8);
        expect(await healthOf(second)).toBe(200);
        await network.outside.nft('delete table ip cut');
        const start = performance.now();
        await untilInSync(second);
        console.log(`in sync ${((performance.now() - start) / 1_000).toFixed(1)} s after it was back`);
        await deployment.scale(6);
      });
    },
    120_000 + secondsCutOff * 1_000,
  );
});
