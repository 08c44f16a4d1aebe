import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AgentProcess, startAgentBeside } from '../agent/start-agent-process.ts';
import { openNode, type TestNode } from '../apply/kernel/open-node.ts';
import { type ControlPlane, openControlPlane } from './control-plane.ts';

/*
 * An agent follows a real control plane, and keeps the rules of a node of its own. After each step the table has to be what a
 * fresh compilation of what kubectl shows makes. Settings come from the environment, see CONTRIBUTING.md.
 */
const {
  KUBECONFIG: kubeconfig,
  RESTART_API_SERVER: restartCommand,
  MANIFESTS: manifests = 'test/real-cluster/shop.yaml',
  NODE_NAME: nodeName,
  CLUSTER_CIDR: clusterCIDR,
} = process.env;

/** In milliseconds: the table is wrong when it has not become right by then. */
const longest = 10_000;

/** What Services are turned into, one after the other. Fields that not all types may have are removed first. */
const types: readonly object[] = [
  { type: 'NodePort', externalTrafficPolicy: 'Local' },
  { type: 'NodePort', internalTrafficPolicy: 'Local' },
  { type: 'LoadBalancer', internalTrafficPolicy: 'Cluster', loadBalancerSourceRanges: ['203.0.113.0/24'] },
  { type: 'LoadBalancer', externalTrafficPolicy: 'Local' },
  { type: 'ClusterIP', externalIPs: ['198.51.100.90'], sessionAffinity: 'ClientIP' },
  {
    type: 'ExternalName',
    externalName: 'shop.example.com',
    sessionAffinity: 'None',
    clusterIP: null,
    clusterIPs: null,
  },
  { type: 'ClusterIP', publishNotReadyAddresses: true },
].map((spec) => ({
  externalTrafficPolicy: null,
  loadBalancerSourceRanges: null,
  externalIPs: null,
  externalName: null,
  ...spec,
}));

function dropNull(_key: string, value: unknown): unknown {
  return value ?? undefined;
}

describe('an agent on a real control plane', { timeout: 600_000 }, () => {
  let plane: ControlPlane;
  let node: TestNode;
  let agent: AgentProcess;
  let nodeFlags: readonly string[];
  const times: string[] = [];

  beforeAll(async () => {
    if (kubeconfig === undefined) {
      throw new Error('KUBECONFIG has to name a control plane');
    }
    plane = await openControlPlane({ kubeconfig, restartCommand });
    node = await openNode();
    const [first = ''] = (await plane.names('nodes')).map((name) => name.replace('node/', ''));
    nodeFlags = ['--node', nodeName ?? first, ...(clusterCIDR === undefined ? [] : ['--cluster-cidr', clusterCIDR])];
    agent = startAgentBeside(node, ['--kubeconfig', kubeconfig, ...nodeFlags]);
  });

  afterAll(async () => {
    process.stdout.write(`${times.join('\n')}\n`);
    agent.kill('SIGTERM');
    await agent.ended;
    await node.close();
    await plane.close();
  });

  /** The table is a fresh compilation of what kubectl shows; says how long it took to become so. */
  async function expectInSync(step: string): Promise<void> {
    await plane.settle();
    const start = performance.now();
    for (;;) {
      const snapshot: unknown = JSON.parse(await plane.snapshot());
      const looked = performance.now() - start;
      const difference = await node.svc2nft(['diff', ...nodeFlags], [snapshot]);
      if (difference.exitCode === 0) {
        times.push(`${step}: right ${Math.round(looked)} ms after it was settled`);
        return;
      }
      if (looked > longest) {
        expect(difference, `${step}: still different`).toMatchObject({ exitCode: 0 });
      }
      await setTimeout(50);
    }
  }

  async function scale(replicas: number): Promise<void> {
    for (const deployment of await plane.names('deployments')) {
      await plane.kubectl('scale', deployment, `--replicas=${replicas}`);
    }
  }

  test('serves what is deployed', async () => {
    await plane.kubectl('apply', '--filename', manifests);
    await expectInSync('deployed');
    const table = await node.print('list', 'map', 'ip', 'svc2nft', 'service-ips');
    expect(table).toContain(': goto ');
  });

  test('follows the addresses of load balancers', async () => {
    for (const name of await plane.names('services')) {
      const type = await plane.kubectl('get', name, '--output', 'jsonpath={.spec.type}');
      if (type === 'LoadBalancer') {
        const status = { status: { loadBalancer: { ingress: [{ ip: '203.0.113.200' }] } } };
        await plane.kubectl('patch', name, '--subresource=status', '--type=merge', '--patch', JSON.stringify(status));
      }
    }
    await expectInSync('given addresses');
  });

  test('follows scaling, while the API server is restarted', async () => {
    await scale(20);
    await plane.restart();
    await expectInSync('scaled to 20');
    await scale(3);
    await expectInSync('scaled to 3');
  });

  test('follows a rollout, while the API server is restarted', async () => {
    for (const deployment of await plane.names('deployments')) {
      await plane.kubectl('rollout', 'restart', deployment);
    }
    await plane.restart();
    await expectInSync('rolled');
  });

  test('follows Services through all types, while the API server is restarted', async () => {
    const services = (await plane.names('services')).filter((name) => !/elsewhere|headless|database/.test(name));
    for (const [index, spec] of types.entries()) {
      for (const name of services) {
        await plane.kubectl('patch', name, '--type=merge', '--patch', JSON.stringify({ spec }));
      }
      if (index === 2) {
        await plane.restart();
      }
      await expectInSync(`turned into ${JSON.stringify(spec, dropNull)}`);
    }
  });

  test('follows the drain of a node', async () => {
    const [, name = ''] = nodeFlags;
    const kind = (await plane.names('deployments'))[0] ?? '';
    const selector = await plane.kubectl('get', kind, '--output', 'jsonpath={.spec.selector.matchLabels.app}');
    await plane.kubectl(
      ...['drain', name, `--pod-selector=app=${selector}`, '--ignore-daemonsets', '--delete-emptydir-data', '--force'],
    );
    await expectInSync('drained');
    await plane.kubectl('uncordon', name);
    await expectInSync('uncordoned');
  });

  test('forgets what is deleted', async () => {
    await plane.kubectl('delete', '--filename', manifests, '--wait=true');
    await expectInSync('deleted');
  });

  test('has logged no failed sync and no bug', () => {
    expect(agent.log.filter(({ level }) => level >= 50)).toEqual([]);
  });
});
