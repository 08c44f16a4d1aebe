import { describe, expect, test } from 'vitest';
import { expandWorkloads } from '../../src/control-plane/expand-workloads.ts';
import type { Mapping } from '../../src/lib/unknown-values.ts';

const nodes = [1, 2, 3].map((number) => ({
  kind: 'Node',
  metadata: { name: `node-${number}`, labels: { disk: number === 2 ? 'ssd' : 'hdd' } },
  spec: { podCIDRs: [`10.244.${number}.0/24`, `fd00:10:244:${number}::/64`] },
  status: { addresses: [{ type: 'InternalIP', address: `192.0.2.${number}` }] },
}));

function workload(
  kind: string,
  name: string,
  spec: Mapping = {},
  podSpec: Mapping = {},
  metadata: Mapping = {},
): Mapping {
  const containers = [{ name: 'main', ports: [{ name: 'http', containerPort: 8080 }] }];
  return {
    kind,
    metadata: { name, namespace: 'shop', ...metadata },
    spec: { template: { metadata: { labels: { app: name } }, spec: { containers, ...podSpec } }, ...spec },
  };
}

interface ExpandedPod {
  readonly metadata: { readonly name: string; readonly namespace: string; readonly labels: Mapping };
  readonly spec: Mapping & { readonly nodeName: string };
  readonly status: { readonly podIPs?: readonly { readonly ip: string }[] };
}

function expand(workloads: readonly Mapping[], pods: readonly Mapping[] = []): ExpandedPod[] {
  return expandWorkloads({ workloads, pods, nodes }) as unknown as ExpandedPod[];
}

const namesOf = (pods: readonly ExpandedPod[]): string[] => pods.map(({ metadata }) => metadata.name);
const nodesOf = (pods: readonly ExpandedPod[]): string[] => pods.map(({ spec }) => spec.nodeName);
const addressesOf = (pods: readonly ExpandedPod[]): string[] =>
  pods.flatMap(({ status }) => status.podIPs?.map(({ ip }) => ip) ?? []);

describe('a workload without Pods', () => {
  test('gets its replicas, one after the other on each node, with an address of each family', () => {
    const pods = expand([workload('Deployment', 'cart', { replicas: 4 })]);
    expect(namesOf(pods)).toEqual(['cart-0', 'cart-1', 'cart-2', 'cart-3']);
    expect(new Set(nodesOf(pods.slice(0, 3)))).toEqual(new Set(['node-1', 'node-2', 'node-3']));
    expect(pods[3]?.spec.nodeName).toBe(pods[0]?.spec.nodeName);
    for (const { spec, status } of pods) {
      const number = spec.nodeName.slice(-1);
      const [first = '', second = ''] = status.podIPs?.map(({ ip }) => ip) ?? [];
      expect([first.startsWith(`10.244.${number}.`), second.startsWith(`fd00:10:244:${number}:`)]).toEqual([
        true,
        true,
      ]);
    }
    expect(new Set(addressesOf(pods)).size).toBe(8);
    expect(pods[0]).toMatchObject({
      metadata: { namespace: 'shop', labels: { app: 'cart' } },
      spec: { containers: [{ name: 'main', ports: [{ name: 'http', containerPort: 8080 }] }] },
      status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
    });
  });

  test.each([
    ['Deployment', {}, 1],
    ['ReplicaSet', { replicas: 0 }, 0],
    ['ReplicationController', { replicas: 2, selector: { app: 'cart' } }, 2],
    ['StatefulSet', { replicas: 2 }, 2],
    ['Rollout', { replicas: 2 }, 2],
    ['Job', {}, 1],
    ['Job', { parallelism: 3 }, 3],
    ['DaemonSet', {}, 3],
    ['Deployment', { replicas: -1 }, 0],
    ['Deployment', { replicas: 1e9 }, 10_000],
    ['Deployment', { replicas: '3' }, 1],
  ])('of kind %s with %j has %i', (kind, spec, count) => {
    expect(expand([workload(kind, 'cart', spec)])).toHaveLength(count);
  });

  test('keeps to the nodes that its nodeSelector asks for', () => {
    expect(
      nodesOf(expand([workload('Deployment', 'cart', { replicas: 2 }, { nodeSelector: { disk: 'ssd' } })])),
    ).toEqual(['node-2', 'node-2']);
    expect(nodesOf(expand([workload('DaemonSet', 'cart', {}, { nodeSelector: { disk: 'hdd' } })]))).toEqual([
      'node-1',
      'node-3',
    ]);
    expect(expand([workload('Deployment', 'cart', {}, { nodeSelector: { disk: 'tape' } })])).toEqual([]);
  });

  test('has the addresses of its nodes in the host network', () => {
    const pods = expand([workload('DaemonSet', 'cart', {}, { hostNetwork: true })]);
    expect(addressesOf(pods)).toEqual(['192.0.2.1', '192.0.2.2', '192.0.2.3']);
  });

  test('names its Pods for DNS, if it is a StatefulSet', () => {
    const [pod] = expand([workload('StatefulSet', 'db', { serviceName: 'database' })]);
    expect(pod?.spec).toMatchObject({ hostname: 'db-0', subdomain: 'database' });
    const [other] = expand([workload('Deployment', 'web', {}, { hostname: 'www', subdomain: 'sites' })]);
    expect(other?.spec).toMatchObject({ hostname: 'www', subdomain: 'sites' });
  });
});

test('addresses and nodes stay when other workloads come and go', () => {
  const cart = workload('Deployment', 'cart', { replicas: 3 });
  const others = Array.from({ length: 20 }, (_, index) => workload('Deployment', `other-${index}`));
  const alone = expand([cart]);
  expect(expand([cart, ...others]).slice(0, 3)).toEqual(alone);
  const among = expand([...others, cart]).slice(20);
  expect(nodesOf(among)).toEqual(nodesOf(alone));
  // A collision moves at most one of them on.
  expect(addressesOf(among).filter((address) => !addressesOf(alone).includes(address)).length).toBeLessThanOrEqual(2);
});

describe('nothing is made', () => {
  test('of a workload that has Pods', () => {
    const pod = { kind: 'Pod', metadata: { name: 'cart-x', namespace: 'shop', labels: { app: 'cart', extra: 'yes' } } };
    const cart = workload('Deployment', 'cart', { selector: { matchLabels: { app: 'cart' } } });
    expect(expand([cart], [pod])).toEqual([]);
    expect(expand([cart], [{ ...pod, metadata: { ...pod.metadata, namespace: 'other' } }])).toHaveLength(1);
  });

  test('of a workload that another one controls', () => {
    const owned = { ownerReferences: [{ kind: 'Deployment', name: 'cart', controller: true }] };
    expect(expand([workload('ReplicaSet', 'cart-5d', {}, {}, owned)])).toEqual([]);
  });

  test.each<[string, Mapping]>([
    ['no template', { kind: 'Deployment', metadata: { name: 'cart' }, spec: {} }],
    ['nothing', {}],
    [
      'lists for objects',
      { kind: 'Deployment', metadata: [], spec: { template: { metadata: 3, spec: { containers: [1] } } } },
    ],
  ])('of an object with %s', (_, object) => {
    expect(() => expand([object])).not.toThrow();
  });
});

test('Pods that are there keep their names and addresses', () => {
  const [first] = expand([workload('Deployment', 'cart')]);
  const taken = {
    kind: 'Pod',
    metadata: { name: 'cart-0', namespace: 'shop', labels: {} },
    spec: first?.spec,
    status: first?.status,
  };
  const [second] = expand([workload('Deployment', 'cart')], [taken as Mapping]);
  expect(second?.metadata.name).toBe('cart-1');
  expect(
    addressesOf(second ? [second] : []).some((address) => addressesOf(first ? [first] : []).includes(address)),
  ).toBe(false);
});

test('a node without free addresses gives none', () => {
  const [node] = nodes;
  const small = { ...node, spec: { podCIDRs: ['10.244.9.0/30'] } };
  const pods = expandWorkloads({
    workloads: [workload('Deployment', 'cart', { replicas: 3 })],
    pods: [],
    nodes: [small],
  });
  expect(addressesOf(pods as unknown as ExpandedPod[]).sort()).toEqual(['10.244.9.1', '10.244.9.2']);
});
