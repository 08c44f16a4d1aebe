import { describe, expect, test } from 'vitest';
import { type ClusterChange, changeCluster } from '../../src/control-plane/change-cluster.ts';
import { resolveObjects } from '../../src/control-plane/resolve-objects.ts';
import { hasError } from '../../src/diagnostics/diagnostic.ts';
import type { Mapping } from '../../src/lib/unknown-values.ts';
import { parseCidr } from '../../src/net/address.ts';
import { documentsOf } from '../../src/phases/1-read/read-documents.ts';

const containers = [{ name: 'main', ports: [{ name: 'http', containerPort: 8080 }] }];

function workload(kind: string, name: string, spec: Mapping, podSpec: Mapping = {}): Mapping {
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name, namespace: 'shop' },
    spec: {
      ...spec,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers, ...podSpec } },
    },
  };
}

function service(name: string, spec: Mapping = {}): Mapping {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'shop' },
    spec: { selector: { app: name }, ports: [{ port: 80, targetPort: 'http' }], ...spec },
  };
}

const cidrs = (text: string) => [parseCidr(text)].flatMap((cidr) => cidr ?? []);

/** A cluster with five nodes: node-1 and node-4 in zone-a, node-2 and node-5 in zone-b, node-3 in zone-c. */
function resolve(...manifests: Mapping[]): readonly Mapping[] {
  const { objects, diagnostics } = resolveObjects(documentsOf(manifests), {
    serviceCIDRs: cidrs('10.96.0.0/12'),
    podCIDRs: cidrs('10.244.0.0/16'),
    loadBalancerCIDRs: cidrs('198.51.100.0/24'),
    nodes: 5,
  });
  expect(hasError(diagnostics)).toBe(false);
  return objects;
}

function change(objects: readonly Mapping[], ...changes: ClusterChange[]): readonly Mapping[] {
  return changes.reduce((before, one) => {
    const changed = changeCluster(before, one);
    expect(changed).not.toHaveProperty('problem');
    return 'objects' in changed ? changed.objects : [];
  }, objects);
}

function problemOf(objects: readonly Mapping[], one: ClusterChange): string {
  const changed = changeCluster(objects, one);
  return 'problem' in changed ? changed.problem : 'none';
}

interface SomePod extends Mapping {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly nodeName: string };
  readonly status: { readonly podIP: string };
}

interface SomeSlice extends Mapping {
  readonly metadata: { readonly name: string; readonly labels: Mapping };
  readonly endpoints: readonly { readonly addresses: readonly string[]; readonly nodeName?: string }[];
}

const ofKind = <T extends Mapping>(objects: readonly Mapping[], kind: string): T[] =>
  objects.filter((object): object is T => object['kind'] === kind);
const podsIn = (objects: readonly Mapping[]): SomePod[] => ofKind<SomePod>(objects, 'Pod');
const podNames = (objects: readonly Mapping[]): string[] => podsIn(objects).map(({ metadata }) => metadata.name);
const endpointNodes = (objects: readonly Mapping[]): string[] =>
  ofKind<SomeSlice>(objects, 'EndpointSlice')
    .flatMap(({ endpoints }) => endpoints.map(({ nodeName = '?' }) => nodeName))
    .sort();

/** What the Pods say is what the slices say. */
function expectAgreement(objects: readonly Mapping[]): void {
  const addresses = ofKind<SomeSlice>(objects, 'EndpointSlice').flatMap(({ endpoints }) =>
    endpoints.flatMap((endpoint) => endpoint.addresses),
  );
  expect(addresses.sort()).toEqual(
    podsIn(objects)
      .map(({ status }) => status.podIP)
      .sort(),
  );
}

const scaleTo = (replicas: number, kind = 'Deployment', name = 'web'): ClusterChange => ({
  kind: 'scale',
  workload: { kind, name },
  replicas,
});

describe('scaling', () => {
  const before = resolve(workload('Deployment', 'web', { replicas: 3 }), service('web'));

  test('up makes the Pods that a manifest with so many replicas has', () => {
    const after = change(before, scaleTo(7));
    const asWritten = resolve(workload('Deployment', 'web', { replicas: 7 }), service('web'));
    expect(podsIn(after)).toEqual(podsIn(asWritten));
    expect(ofKind(after, 'EndpointSlice')).toEqual(ofKind(asWritten, 'EndpointSlice'));
    expect(ofKind(after, 'Deployment')).toEqual(ofKind(asWritten, 'Deployment'));
  });

  test('down takes the newest, and back makes them again', () => {
    const after = change(before, scaleTo(1));
    expect(podNames(after)).toEqual(['web-0']);
    expectAgreement(after);
    expect(podsIn(change(after, scaleTo(3)))).toEqual(podsIn(before));
    expect(podNames(change(before, scaleTo(0)))).toEqual([]);
  });

  test('down takes Pods that are not ready first, then those that share a node', () => {
    const pod = (name: string, nodeName: string, ready: string, creationTimestamp: string): Mapping => ({
      kind: 'Pod',
      metadata: { name, namespace: 'shop', labels: { app: 'web' }, creationTimestamp },
      spec: { nodeName, containers },
      status: { podIP: `10.244.9.${name.length}`, conditions: [{ type: 'Ready', status: ready }] },
    });
    const pods = [
      pod('unready', 'node-1', 'False', '2026-01-01T00:00:00Z'),
      pod('newest', 'node-2', 'True', '2026-03-01T00:00:00Z'),
      pod('shared', 'node-3', 'True', '2026-02-01T00:00:00Z'),
      pod('sharing', 'node-3', 'True', '2026-02-02T00:00:00Z'),
    ];
    const objects = resolve(workload('Deployment', 'web', { replicas: 4 }), service('web'), ...pods);
    expect(podNames(change(objects, scaleTo(3)))).toEqual(['newest', 'shared', 'sharing']);
    expect(podNames(change(objects, scaleTo(2)))).toEqual(['newest', 'shared']);
    expect(podNames(change(objects, scaleTo(1)))).toEqual(['newest']);
  });

  test('a StatefulSet takes the highest numbers first', () => {
    const objects = resolve(workload('StatefulSet', 'web', { replicas: 12 }), service('web'));
    expect(podNames(change(objects, scaleTo(10, 'StatefulSet'))).slice(-2)).toEqual(['web-8', 'web-9']);
  });

  test.each<[string, ClusterChange, string]>([
    ['name', scaleTo(1, 'Deployment', 'wep'), 'there is no Deployment "wep"; the input has shop/web'],
    ['kind', scaleTo(1, 'StatefulSet'), 'there is no StatefulSet "web"; the input has no StatefulSet'],
    [
      'namespace',
      { kind: 'scale', workload: { kind: 'Deployment', namespace: 'prod', name: 'web' }, replicas: 1 },
      'there is no Deployment "web" in namespace "prod"; the input has shop/web',
    ],
    ['count', scaleTo(1e6), '1000000 replicas are more than 10,000'],
  ])('refuses a wrong %s', (_, one, message) => {
    expect(problemOf(before, one)).toBe(message);
  });

  test('knows the Pods of a Deployment that is not in the input by what they say of it', () => {
    const owned = podsIn(before).map((pod) => ({
      ...pod,
      metadata: {
        ...pod.metadata,
        namespace: 'shop',
        labels: { app: 'web', 'pod-template-hash': '7d9f' },
        ownerReferences: [{ kind: 'ReplicaSet', name: 'web-7d9f', controller: true }],
      },
    }));
    const others = before.filter(({ kind }) => kind !== 'Pod' && kind !== 'Deployment');
    expect(podNames(change([...others, ...owned], scaleTo(2)))).toEqual(['web-0', 'web-1']);
    expect(podNames(change([...others, ...owned], scaleTo(4)))).toEqual(['web-0', 'web-1', 'web-2', 'web-7d9f-3']);
    expect(problemOf([...others, ...owned], scaleTo(2, 'Deployment', 'we'))).toBe(
      'there is no Deployment "we"; the input has no Deployment',
    );
  });

  test('needs to know the Pods', () => {
    const objects = before.filter(({ kind }) => kind !== 'Pod');
    expect(problemOf(objects, scaleTo(1))).toBe(
      'the input has no Pods, so it is not known which ones come or go; include them',
    );
  });

  test('asks for a namespace where several have the name', () => {
    const other = { ...workload('Deployment', 'web', {}), metadata: { name: 'web', namespace: 'test' } };
    expect(problemOf([...before, other], scaleTo(1))).toBe(
      'there is a Deployment "web" in the namespaces shop and test; say which one: shop/web',
    );
  });
});

describe('draining a node', () => {
  const before = resolve(
    workload('Deployment', 'web', { replicas: 5 }),
    service('web'),
    workload('DaemonSet', 'agent', {}),
    service('agent'),
  );

  test('moves its Pods to other nodes, but for those of DaemonSets', () => {
    const after = change(before, { kind: 'drain', node: 'node-2' });
    const there = podsIn(after).filter(({ spec }) => spec.nodeName === 'node-2');
    expect(there.map(({ metadata }) => metadata.name.replace(/-\d$/, ''))).toEqual(['agent']);
    expect(podsIn(after)).toHaveLength(10);
    expectAgreement(after);
    const [node] = ofKind(after, 'Node').filter((one) => JSON.stringify(one).includes('"node-2"'));
    expect(node).toMatchObject({ spec: { unschedulable: true } });
  });

  test('gives new Pods new names and addresses', () => {
    const after = change(before, { kind: 'drain', node: 'node-2' });
    const [gone] = podsIn(before).filter(
      ({ spec, metadata: { name } }) => spec.nodeName === 'node-2' && name.startsWith('web'),
    );
    expect(podNames(after)).not.toContain(gone?.metadata.name);
    expect(podNames(after)).toContain('web-5');
    expect(podsIn(after).map(({ status }) => status.podIP)).not.toContain(gone?.status.podIP);
  });

  test('fills one node after the other, until none is left', () => {
    const nodes = [1, 2, 3, 4, 5].map((number): ClusterChange => ({ kind: 'drain', node: `node-${number}` }));
    const after = change(before, ...nodes.slice(0, 4));
    expect(
      podsIn(after)
        .filter(({ metadata: { name } }) => name.startsWith('web'))
        .map(({ spec }) => spec.nodeName),
    ).toEqual(Array.from({ length: 5 }, () => 'node-5'));
    expect(new Set(podsIn(after).map(({ status }) => status.podIP)).size).toBe(10);
    expect(podNames(change(before, ...nodes)).every((name) => name.startsWith('agent'))).toBe(true);
  });

  test('keeps the names of a StatefulSet', () => {
    const objects = resolve(
      workload('StatefulSet', 'db', { replicas: 5, serviceName: 'db' }),
      service('db', { clusterIP: 'None' }),
    );
    const after = change(objects, { kind: 'drain', node: 'node-3' });
    expect(podNames(after).sort()).toEqual(podNames(objects).sort());
    expect(podsIn(after).map(({ spec }) => spec.nodeName)).not.toContain('node-3');
  });

  test('removes bare Pods, keeps those of the kubelet, and makes those again that something owns', () => {
    const pod = (name: string, metadata: Mapping = {}): Mapping => ({
      kind: 'Pod',
      metadata: { name, namespace: 'shop', labels: { app: 'web' }, ...metadata },
      spec: { nodeName: 'node-1', containers },
      status: { podIP: `10.244.0.${name.length}`, conditions: [{ type: 'Ready', status: 'True' }] },
    });
    const owner = (kind: string, name: string): Mapping => ({ ownerReferences: [{ kind, name, controller: true }] });
    const objects = resolve(
      service('web'),
      pod('bare'),
      pod('static', owner('Node', 'node-1')),
      pod('of-set', owner('DaemonSet', 'agent')),
      pod('web-7d9f-abcde', owner('ReplicaSet', 'web-7d9f')),
    );
    const after = change(objects, { kind: 'drain', node: 'node-1' });
    expect(podNames(after)).toEqual(['static', 'of-set', 'web-7d9f-0']);
    expectAgreement(after);
  });

  test('removes endpoints on it where the input has no Pods', () => {
    const objects = before.filter(({ kind }) => kind !== 'Pod');
    const after = change(objects, { kind: 'drain', node: 'node-2' });
    expect(endpointNodes(after)).toEqual(endpointNodes(objects).filter((name) => name !== 'node-2'));
  });

  test('gives Pods addresses that no other has where nodes have no ranges', () => {
    const bare = before.map((object) => (object['kind'] === 'Node' ? { ...object, spec: {} } : object));
    const after = change(bare, { kind: 'drain', node: 'node-2' }, { kind: 'drain', node: 'node-3' });
    expect(podsIn(after).filter(({ status }) => status.podIP.startsWith('198.19.'))).toHaveLength(2);
    expectAgreement(after);
  });

  test('refuses a wrong name', () => {
    expect(problemOf(before, { kind: 'drain', node: 'node-9' })).toBe(
      'there is no Node "node-9"; the input has node-1, node-2, node-3, node-4 and node-5',
    );
  });
});

describe('losing a zone', () => {
  const before = resolve(workload('Deployment', 'web', { replicas: 5 }), service('web'));

  test('removes its nodes and what runs there, and moves nothing', () => {
    const after = change(before, { kind: 'lose-zone', zone: 'zone-a' });
    const rest = ['node-2', 'node-3', 'node-5'];
    expect(ofKind<SomePod>(after, 'Node').map(({ metadata }) => metadata.name)).toEqual(rest);
    expect(
      podsIn(after)
        .map(({ spec }) => spec.nodeName)
        .sort(),
    ).toEqual(rest);
    expectAgreement(after);
  });

  test('removes endpoints there where the input has no Pods', () => {
    const objects = before.filter(({ kind }) => kind !== 'Pod');
    expect(endpointNodes(change(objects, { kind: 'lose-zone', zone: 'zone-a' }))).toEqual([
      'node-2',
      'node-3',
      'node-5',
    ]);
  });

  test('refuses a wrong name', () => {
    expect(problemOf(before, { kind: 'lose-zone', zone: 'a' })).toBe(
      'there is no Node in zone "a"; the Nodes are in "zone-a", "zone-b", "zone-c"',
    );
    const bare = before.map((object) => (object['kind'] === 'Node' ? { ...object, metadata: { name: 'x' } } : object));
    expect(problemOf(bare, { kind: 'lose-zone', zone: '' })).toBe('there is no Node in zone ""; no Node has a zone');
  });
});

describe('slices', () => {
  const before = resolve(
    workload('Deployment', 'web', { replicas: 3 }),
    service('web'),
    service('other', { selector: undefined }),
  );
  const [gone] = podsIn(before).filter(({ metadata }) => metadata.name === 'web-2');
  const handWritten = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'other-1', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'other' } },
    addressType: 'IPv4',
    ports: [{ port: 80 }],
    endpoints: [{ addresses: [gone?.status.podIP] }, { addresses: ['192.0.2.1'] }],
  };

  test('that somebody wrote keep what is there', () => {
    const after = change([...before, handWritten], scaleTo(2));
    const [slice] = ofKind<SomeSlice>(after, 'EndpointSlice').filter(({ metadata }) => metadata.name === 'other-1');
    expect(slice).toEqual({ ...handWritten, endpoints: [{ addresses: ['192.0.2.1'] }] });
  });

  test('of a controller stay as they are where nothing changes for their Service', () => {
    const hinted = before.map((object) =>
      object['kind'] === 'EndpointSlice'
        ? { ...object, metadata: { ...(object['metadata'] as Mapping), name: 'web-x7z' } }
        : object,
    );
    expect(change(hinted, scaleTo(3)).map((object) => object['kind'] === 'EndpointSlice' && object)).toEqual(
      hinted.map((object) => object['kind'] === 'EndpointSlice' && object),
    );
  });
});

describe('setting a field of a Service', () => {
  const before = resolve(
    workload('Deployment', 'web', { replicas: 3 }),
    service('web', { type: 'LoadBalancer', externalTrafficPolicy: 'Local' }),
    service('plain'),
  );
  const set = (name: string, path: readonly (string | number)[], value: unknown): ClusterChange => ({
    kind: 'set',
    service: { name },
    path: ['spec', ...path],
    value,
  });
  const specOf = (objects: readonly Mapping[], name: string): Mapping =>
    (ofKind<SomePod>(objects, 'Service').find(({ metadata }) => metadata.name === name)?.['spec'] ?? {}) as Mapping;

  test('sets, allocates and clears what depends on it', () => {
    expect(specOf(before, 'web')).toHaveProperty('healthCheckNodePort');
    const cluster = specOf(change(before, set('web', ['externalTrafficPolicy'], 'Cluster')), 'web');
    expect(cluster).toMatchObject({ externalTrafficPolicy: 'Cluster', type: 'LoadBalancer' });
    expect(cluster).not.toHaveProperty('healthCheckNodePort');

    const internal = change(before, set('web', ['type'], 'ClusterIP'));
    expect(specOf(internal, 'web')).not.toHaveProperty('externalTrafficPolicy');
    expect(JSON.stringify(specOf(internal, 'web'))).not.toContain('nodePort');
    expect(JSON.stringify(internal)).not.toContain('198.51.100');

    const exposed = specOf(change(before, set('plain', ['type'], 'NodePort')), 'plain');
    expect(exposed).toMatchObject({ externalTrafficPolicy: 'Cluster', ports: [{ nodePort: expect.any(Number) }] });
    expect(exposed['clusterIP']).toBe(specOf(before, 'plain')['clusterIP']);
  });

  test('makes its slices again', () => {
    const after = change(before, set('plain', ['selector'], { app: 'web' }));
    expect(endpointNodes(after)).toHaveLength(6);
    const hinted = change(before, set('web', ['trafficDistribution'], 'PreferSameZone'));
    expect(JSON.stringify(hinted)).toContain('forZones');
  });

  test('takes what null takes away, in lists too', () => {
    const after = change(before, set('web', ['externalTrafficPolicy'], null));
    expect(specOf(after, 'web')).toMatchObject({ externalTrafficPolicy: 'Cluster' });
    const added = change(before, set('plain', ['externalIPs', 0], '192.0.2.7'));
    expect(specOf(added, 'plain')).toMatchObject({ externalIPs: ['192.0.2.7'] });
    expect(specOf(change(added, set('plain', ['externalIPs', 0], null)), 'plain')).not.toHaveProperty('externalIPs');
  });

  test.each<[readonly (string | number)[], unknown, string]>([
    [
      ['externalTraficPolicy'],
      'Local',
      'spec.externalTraficPolicy is not a field of a Service; did you mean externalTrafficPolicy?',
    ],
    [
      ['externalTrafficPolicy'],
      'Local',
      'spec.externalTrafficPolicy is for Services with node ports or external IPs, and this one has type ClusterIP',
    ],
    [['type'], 7, 'spec.type is 7; expected a string'],
    [['clusterIP'], 'None', expect.stringMatching(/^spec.clusterIP is "10\..*" and may not change$/)],
    [['ports', 1, 'port'], 81, 'spec.ports[0] has no name; each port of a Service with several ports needs one'],
    [['ports', 7, 'port'], 81, 'spec.ports[7].port cannot be set, because spec.ports has only 1 value'],
    [['type', 'x'], 81, 'spec.type.x cannot be set, because spec.type is "ClusterIP"'],
    [['externalIPs', 3], 'x', 'spec.externalIPs has no values'],
    [['__proto__', 'x'], 81, 'spec.__proto__ is not a field of a Service'],
  ])('refuses %j = %j', (path, value, message) => {
    expect(problemOf(before, set('plain', path, value)).replace('Service shop/plain: ', '')).toEqual(message);
  });

  test('takes no address that another Service has', () => {
    const { nodePort } = ((specOf(before, 'web')['ports'] as Mapping[])[0] ?? {}) as { nodePort: number };
    const exposed = change(before, set('plain', ['type'], 'NodePort'));
    expect(problemOf(exposed, set('plain', ['ports', 0, 'nodePort'], nodePort))).toBe(
      `Service shop/plain: spec.ports[0].nodePort is ${nodePort}, which Service shop/web has already`,
    );
  });

  test('needs no ServiceCIDR', () => {
    const objects = before.filter(({ kind }) => kind !== 'ServiceCIDR');
    const outside = change(objects, set('web', ['internalTrafficPolicy'], 'Local'));
    expect(specOf(outside, 'web')).toMatchObject({ internalTrafficPolicy: 'Local' });
  });
});

test('malformed objects do no harm', () => {
  const objects: Mapping[] = [
    {},
    { kind: 'Pod', metadata: [], spec: 'x', status: 3 },
    { kind: 'Node', metadata: { name: 'node-1' }, spec: [], status: { addresses: 'x' } },
    { kind: 'EndpointSlice', metadata: { labels: 7 }, endpoints: [null, 'x', {}] },
    { kind: 'Deployment', metadata: { name: 'web' }, spec: { template: [] } },
    { kind: 'Service', metadata: { name: 'web' }, spec: { selector: 'x', ports: [7] } },
  ];
  const changes: ClusterChange[] = [
    scaleTo(1),
    { kind: 'drain', node: 'node-1' },
    { kind: 'lose-zone', zone: 'x' },
    { kind: 'set', service: { name: 'web' }, path: ['spec', 'type'], value: 'NodePort' },
  ];
  for (const one of changes) {
    expect(() => changeCluster(objects, one)).not.toThrow();
  }
});
