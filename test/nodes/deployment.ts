import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import type { RemoteApiServer } from '../agent/start-agent-process.ts';
import type { ApiObject } from '../support/api-server.js';
import { python3 } from '../support/python3.ts';
import type { ClusterNode } from './open-nodes.ts';

/** Pods behind Services, changed in the order in which the controllers and kubelets of Kubernetes do it. */
export interface Deployment {
  /** The names of the Pods that are there to stay. */
  pods(): string[];
  /** Starts Pods on these nodes, in turn, or ends the oldest. */
  scale(count: number): Promise<void>;
  /** Replaces each Pod by a new one, which is ready before the old one ends (maxSurge 1, maxUnavailable 0). */
  roll(): Promise<void>;
  /** Replaces the Pods of a node by others elsewhere; it gets none until the next call. */
  drain(node: ClusterNode | undefined): Promise<void>;
  /** Waits for Pods that are ending. */
  settle(): Promise<void>;
  close(): Promise<void>;
}

/** What a Deployment consists of. */
export interface DeploymentOptions {
  readonly name: string;
  /** The Services whose EndpointSlices it writes; its Pods serve their port `http`. */
  readonly services: readonly string[];
  readonly nodes: readonly ClusterNode[];
  readonly server: RemoteApiServer;
  /** In seconds: for how long a Pod goes on to serve when it has to end. */
  readonly grace: number;
}

const podPort = 8080;

interface Pod {
  readonly name: string;
  readonly node: ClusterNode;
  readonly number: number;
  isTerminating: boolean;
  /** Lets it end, and waits for that. */
  end(): Promise<void>;
}

/** Without Pods. */
export function createDeployment({ name, services, nodes, server, grace }: DeploymentOptions): Deployment {
  let pods: Pod[] = [];
  const ending = new Set<Promise<void>>();
  let started = 0;
  let drained: ClusterNode | undefined;

  const publish = async (): Promise<void> => {
    await server.call('apply', ...services.flatMap((service) => slicesOf(service, pods)));
  };
  const add = async (): Promise<void> => {
    const usable = nodes.filter((node) => node !== drained);
    const node = usable[started % usable.length] as ClusterNode;
    started += 1;
    const pod = await startPod(`${name}-${started}`, node, freeNumber(node, pods), grace);
    pods = [...pods, pod];
    await publish();
  };
  const remove = async (pod: Pod): Promise<void> => {
    pod.isTerminating = true;
    // Controllers learn of the end of a Pod when its kubelet does, not before.
    const ended = pod.end().then(async () => {
      pods = pods.filter((other) => other !== pod);
      await publish();
    });
    ending.add(ended);
    void ended.finally(() => ending.delete(ended));
    await publish();
  };
  const staying = (): Pod[] => pods.filter((pod) => !pod.isTerminating);
  const replace = async (old: readonly Pod[]): Promise<void> => {
    for (const pod of old) {
      await add();
      await remove(pod);
    }
  };
  const settle = async (): Promise<void> => {
    await Promise.all(ending);
  };
  return {
    pods: () => staying().map(({ name }) => name),
    scale: async (count) => {
      while (staying().length < count) {
        await add();
      }
      for (const pod of staying().slice(0, staying().length - count)) {
        await remove(pod);
      }
    },
    roll: () => replace(staying()),
    drain: async (node) => {
      drained = node;
      await replace(staying().filter((pod) => pod.node === node));
    },
    settle,
    close: async () => {
      for (const pod of staying()) {
        await remove(pod);
      }
      await settle();
    },
  };
}

/** The first number that no Pod of the node has; Pods that have ended give theirs back. */
function freeNumber(node: ClusterNode, pods: readonly Pod[]): number {
  const used = new Set(pods.filter((pod) => pod.node === node).map(({ number }) => number));
  let number = 1;
  while (used.has(number)) {
    number += 1;
  }
  return number;
}

async function startPod(name: string, node: ClusterNode, number: number, grace: number): Promise<Pod> {
  const script = fileURLToPath(new URL('pod.py', import.meta.url));
  const child = execa('unshare', ['--net', python3, '-sEB', script, name, `${podPort}`, `${grace}`], {
    stdin: 'ignore',
    reject: false,
    buffer: false,
  });
  const lines = child.iterable();
  const { done } = await lines.next();
  if (done || child.pid === undefined) {
    throw new Error(`pod ${name} does not start`);
  }
  await node.connectPod(child.pid, number);
  return {
    ...{ name, node, number },
    isTerminating: false,
    end: async () => {
      child.kill('SIGTERM');
      // Its output has to be read to the end, or it does not count as ended.
      while (!(await lines.next()).done) {}
      await child;
      await node.disconnectPod(number);
    },
  };
}

function slicesOf(service: string, pods: readonly Pod[]): ApiObject[] {
  return ([0, 1] as const).map((family) => ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      namespace: 'shop',
      name: `${service}-${['ipv4', 'ipv6'][family]}`,
      labels: { 'kubernetes.io/service-name': service },
    },
    addressType: (['IPv4', 'IPv6'] as const)[family],
    ports: [{ name: 'http', port: podPort }],
    endpoints: pods.map(({ node, number, isTerminating }) => ({
      addresses: [node.podAddresses(number)[family]],
      nodeName: node.name,
      conditions: { ready: !isTerminating, serving: true, terminating: isTerminating },
    })),
  }));
}
