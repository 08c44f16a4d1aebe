import { describe, expect, test } from 'vitest';
import { readEndpointSources } from '../../src/kubernetes/endpoint-sources.ts';
import { readLocations } from '../../src/kubernetes/locations.ts';
import { readPodFacts } from '../../src/kubernetes/pods.ts';
import { documentsOf } from '../../src/phases/1-read/read-documents.ts';

const node = {
  kind: 'Node',
  metadata: { name: 'worker-1', labels: { 'topology.kubernetes.io/zone': 'zone-a' } },
  status: {
    addresses: [
      { type: 'InternalIP', address: '192.0.2.11' },
      { type: 'Hostname', address: 'worker-1' },
    ],
  },
};

function slice(...endpoints: unknown[]): object {
  return { kind: 'EndpointSlice', metadata: { name: 'a', namespace: 'shop' }, endpoints };
}

function read(...objects: object[]): ReturnType<typeof readLocations> {
  return readLocations(documentsOf(objects));
}

describe('endpoints of slices', () => {
  test('give Pod, node and zone; a missing zone is that of the node', () => {
    const { byAddress, pods } = read(
      slice(
        { addresses: ['10.244.1.5'], nodeName: 'worker-1', targetRef: { kind: 'Pod', name: 'web-1' } },
        { addresses: ['fd00::0005'], zone: 'zone-b', targetRef: { kind: 'Pod', namespace: 'other', name: 'web-2' } },
        { addresses: ['10.244.1.6'], nodeName: 'worker-2', targetRef: { kind: 'VM', name: 'web-3' } },
      ),
      node,
    );
    expect([...byAddress]).toEqual([
      ['10.244.1.5', { pod: 'shop/web-1', nodeName: 'worker-1', zone: 'zone-a' }],
      ['fd00::5', { pod: 'other/web-2', nodeName: '', zone: 'zone-b' }],
      ['10.244.1.6', { pod: '', nodeName: 'worker-2', zone: '' }],
    ]);
    expect([...pods]).toEqual([
      ['shop/web-1', { addresses: ['10.244.1.5'], nodeName: 'worker-1' }],
      ['other/web-2', { addresses: ['fd00::5'], nodeName: '' }],
    ]);
  });

  test('one without a node or zone does not remove what another gave', () => {
    const { byAddress } = read(
      slice({ addresses: ['10.244.1.5'], nodeName: 'worker-1', targetRef: { kind: 'Pod', name: 'web-1' } }),
      slice({ addresses: ['10.244.1.5'], zone: 'zone-c' }),
    );
    expect(byAddress.get('10.244.1.5')).toEqual({ pod: 'shop/web-1', nodeName: 'worker-1', zone: 'zone-c' });
  });
});

describe('Pods', () => {
  const pod = (name: string, status: object): object => ({
    kind: 'Pod',
    metadata: { name },
    spec: { nodeName: 'worker-1' },
    status,
  });

  test('give all their addresses, or the only one of old objects', () => {
    const { pods } = read(
      node,
      pod('two', { podIPs: [{ ip: '10.244.1.5' }, { ip: 'fd00::5' }] }),
      pod('one', { podIP: '10.244.1.6' }),
    );
    expect([...pods]).toEqual([
      ['default/two', { addresses: ['10.244.1.5', 'fd00::5'], nodeName: 'worker-1' }],
      ['default/one', { addresses: ['10.244.1.6'], nodeName: 'worker-1' }],
    ]);
  });

  test('in the host network share the address of the node, which stays that of the node', () => {
    const { byAddress, pods, nodes } = read(pod('proxy', { podIP: '192.0.2.11' }), node);
    expect(byAddress.has('192.0.2.11')).toBe(false);
    expect(pods.get('default/proxy')).toEqual({ addresses: ['192.0.2.11'], nodeName: 'worker-1' });
    expect(nodes.get('192.0.2.11')).toBe('worker-1');
  });

  test('that have finished give no address', () => {
    const { byAddress } = read(
      pod('done', { phase: 'Succeeded', podIP: '10.244.1.5' }),
      pod('failed', { phase: 'Failed', podIP: '10.244.1.6' }),
      pod('runs', { phase: 'Running', podIP: '10.244.1.7' }),
    );
    expect([...byAddress.keys()]).toEqual(['10.244.1.7']);
  });

  test('are known before they have an address, when they have finished, and in the host network', () => {
    const { pods } = read(
      { kind: 'Pod', metadata: { name: 'pending' }, status: { phase: 'Pending' } },
      pod('done', { phase: 'Succeeded', podIP: '10.244.1.5' }),
      { kind: 'Pod', metadata: { name: 'host' }, spec: { hostNetwork: true }, status: { podIP: '192.0.2.11' } },
    );
    expect([...pods]).toEqual([
      ['default/pending', { addresses: [], nodeName: '' }],
      ['default/done', { addresses: [], nodeName: 'worker-1', isFinished: true }],
      ['default/host', { addresses: ['192.0.2.11'], nodeName: '', isHostNetwork: true }],
    ]);
  });
});

test.each([
  ['namespace', { name: 'a', namespace: '\u001b[31m' }],
  ['name', { name: 'a b' }],
  ['name of more than 253 characters', { name: 'a'.repeat(254) }],
])('a Pod without a valid %s is passed over by all readers', (_, metadata) => {
  const pod = { kind: 'Pod', metadata: { ...metadata, labels: { app: 'a' } }, status: { podIP: '10.244.1.5' } };
  const { byAddress, pods } = read(pod);
  expect([byAddress.size, pods.size]).toEqual([0, 0]);
  expect(readEndpointSources(documentsOf([pod])).pods.size).toBe(0);
});

test.each([1, 63, 64, 252, 253])('a Pod whose name has %i characters is read', (length) => {
  const name = 'a'.repeat(length);
  const pod = { kind: 'Pod', metadata: { name, labels: { app: 'a' } }, status: { podIP: '10.244.1.5' } };
  const { byAddress, pods } = read(pod);
  expect([byAddress.get('10.244.1.5')?.pod, pods.size]).toEqual([`default/${name}`, 1]);
  expect(readEndpointSources(documentsOf([pod])).pods.size).toBe(1);
});

test.each([
  [null, 'ready'],
  [undefined, 'ready'],
  ['2026-01-01T00:00:00Z', 'terminating'],
  [new Date(0), 'terminating'],
])('a Pod with deletionTimestamp %s is %s', (deletionTimestamp, word) => {
  const status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
  const pod = { kind: 'Pod', metadata: { name: 'a', deletionTimestamp }, status };
  expect(readPodFacts(pod)?.state.word).toBe(word);
});

test('malformed values count as absent, and names have letters, digits and -_. only', () => {
  const odd = '\u001b[31m<b>"\n';
  const { byAddress, pods, zones, nodes } = read(
    { kind: 'Node', metadata: { name: odd, labels: { 'topology.kubernetes.io/zone': odd } }, status: { addresses: 7 } },
    { kind: 'Node', metadata: null },
    { kind: 'Pod', metadata: [] },
    { kind: 'EndpointSlice', endpoints: { addresses: ['10.0.0.1'] } },
    slice(
      null,
      'text',
      { addresses: 'x' },
      { addresses: [null, 'nonsense'] },
      { addresses: ['10.244.1.9'], nodeName: odd, zone: odd, targetRef: { kind: 'Pod', name: odd, namespace: odd } },
    ),
    slice({ addresses: ['10.244.1.8'], targetRef: [] }),
  );
  expect([...byAddress]).toEqual([
    ['10.244.1.9', { pod: '', nodeName: '', zone: '' }],
    ['10.244.1.8', { pod: '', nodeName: '', zone: '' }],
  ]);
  expect([pods.size, zones.size, nodes.size]).toEqual([0, 0, 0]);
});
