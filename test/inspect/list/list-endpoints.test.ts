import { expect, test } from 'vitest';
import { documentsOf } from '../../../src/phases/1-read/read-documents.ts';
import { takeDocuments, takeFixture } from './take-fixture.ts';

/** `10.244.1.10:8080 worker-1 zone-a terminating: none (not local)`, of a frontend. */
function endpointsOf(fixture: string, frontend: string): string[] | undefined {
  const row = takeFixture(fixture).items.find((item) => item.frontend === frontend);
  return row?.endpoints.map(({ endpoint, pod, node, zone, local, state, usedBy, leftOut }) => {
    const place = [endpoint, pod, node, zone, local ? 'here' : ''].filter((text) => text !== '').join(' ');
    return `${place} ${state}: ${usedBy}${leftOut === null ? '' : ` (${leftOut})`}`;
  });
}

test('left out for their conditions', () => {
  expect(endpointsOf('unready-endpoints-get-no-traffic', '10.96.0.10:80/tcp')).toEqual([
    '10.244.1.10:8080 worker-1 here ready: all',
    '10.244.2.20:8080 worker-2 not-ready: none (not-ready)',
    '10.244.3.30:8080 worker-3 not-ready: none (not-ready)',
  ]);
  expect(endpointsOf('terminating-endpoints-rest-while-one-is-ready', '10.96.0.10:80/tcp')).toEqual([
    '10.244.1.10:8080 worker-1 here terminating: none (terminating)',
    '10.244.2.20:8080 worker-2 ready: all',
    '10.244.3.30:8080 worker-3 terminating: none (terminating)',
  ]);
});

test('left out for hints of zones and of nodes', () => {
  expect(endpointsOf('zone-hints-keep-traffic-in-the-zone', '*:30080/tcp')).toEqual([
    '10.244.1.10:8080 worker-1 zone-a here ready: none (other-zone)',
    '10.244.2.20:8080 worker-2 ready: all',
    '10.244.3.30:8080 worker-3 ready: all',
    '10.244.3.31:8080 worker-3 ready: none (other-zone)',
  ]);
  expect(endpointsOf('node-hints-keep-traffic-on-the-node', '10.96.0.10:80/tcp')).toEqual([
    '10.244.1.10:8080 worker-1 zone-a here ready: all',
    '10.244.2.20:8080 worker-2 ready: none (other-node)',
    '10.244.3.30:8080 worker-3 ready: none (other-node)',
  ]);
  // One endpoint has no hint for a node, so those for zones decide.
  expect(endpointsOf('node-hints-without-this-node-fall-back-to-zone-hints', '10.96.0.11:80/tcp')).toEqual([
    '10.244.1.10:8080 worker-1 zone-a here ready: none (other-zone)',
    '10.244.2.20:8080 worker-2 ready: all',
    '10.244.3.30:8080 worker-3 ready: none (other-zone)',
  ]);
});

test('refused themselves, as frontends of others', () => {
  const fixture = 'endpoint-at-a-refused-address-is-refused-as-well';
  for (const [port, endpoint] of [
    ['10.96.0.30', '10.96.0.10:80'],
    ['10.96.0.31', '10.96.0.20:80'],
    ['10.96.0.32', '10.96.0.99:80'],
    ['10.96.0.33', '198.19.0.5:80'],
  ]) {
    expect(endpointsOf(fixture, `${port}:80/tcp`)).toEqual([`${endpoint} ready: none (refused-endpoint)`]);
  }
  expect(endpointsOf(fixture, '10.96.0.34:80/tcp')).toEqual(['198.19.0.5:8080 ready: all']);
  const nodePort = 'endpoint-at-a-refused-node-port-is-refused-as-well';
  expect(endpointsOf(nodePort, '10.96.0.20:80/tcp')).toEqual([
    '192.0.2.11:30080 worker-1 here ready: none (refused-endpoint)',
  ]);
});

test.each<[string, object, readonly string[]]>([
  ['listed', {}, ['192.0.2.11']],
  ['all', { nodePortAddresses: ['all'] }, ['192.0.2.11']],
])('some refused themselves, node ports at %s addresses', (_, options, nodeAddresses) => {
  const service = (name: string, clusterIP: string, more: object = {}) => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'shop' },
    spec: { clusterIP, ports: [{ port: 80, ...more }], ...(more && { type: 'NodePort' }) },
  });
  const slice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'web-1', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    ports: [{ name: '', port: 30080 }],
    endpoints: ['10.96.0.10', '10.244.1.5', '192.0.2.11'].map((address) => ({ addresses: [address] })),
  };
  const objects = [service('idle', '10.96.0.10', { nodePort: 30080 }), service('web', '10.96.0.20'), slice];
  const { items } = takeDocuments(documentsOf(objects), { nodeAddresses, families: ['ip'], ...options });
  const row = items.find(({ frontend }) => frontend === '10.96.0.20:80/tcp');
  expect(row?.endpoints.map(({ endpoint, leftOut }) => [endpoint, leftOut])).toEqual([
    ['10.96.0.10:30080', 'refused-endpoint'],
    ['10.244.1.5:30080', null],
    ['192.0.2.11:30080', 'refused-endpoint'],
  ]);
  expect([row?.endpointsUsed, row?.remarks]).toEqual([1, ['2 refused as addresses of Services']]);
});

test('left out for the internal policy', () => {
  const fixture = 'internal-policy-local-leaves-external-traffic-to-all-endpoints';
  expect(endpointsOf(fixture, '10.96.0.10:80/tcp')).toEqual([
    '10.244.1.10:8080 worker-1 here ready: all',
    '10.244.2.20:8080 worker-2 ready: none (not-local)',
  ]);
  expect(endpointsOf(fixture, '*:30080/tcp')).toEqual([
    '10.244.1.10:8080 worker-1 here ready: all',
    '10.244.2.20:8080 worker-2 ready: all',
  ]);
});

test('only for external clients, and only for internal ones', () => {
  const fixture = 'external-policy-local-falls-back-to-local-terminating-endpoints';
  expect(endpointsOf(fixture, '198.18.0.10:80/tcp')).toEqual([
    '10.244.1.10:8080 worker-1 here terminating: external',
    '10.244.1.11:8080 worker-1 here not-serving: none (not-serving)',
    '10.244.2.20:8080 worker-2 ready: internal',
  ]);
});

test.each([
  ['node-ports-answer-at-the-primary-addresses', [['192.0.2.11'], ['2001:db8:a::11']]],
  ['node-ports-on-all-addresses-leave-out-loopback', [['0.0.0.0/0'], ['::/0']]],
  ['node-port-range-without-an-address-of-the-node-answers-nowhere', [[], ['::/0']]],
])('%s: where node ports are open', (name, addresses) => {
  expect(takeFixture(name).tables.map(({ nodePortAddresses }) => nodePortAddresses)).toEqual(addresses);
});
