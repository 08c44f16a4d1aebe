import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseTarget } from '../../../src/inspect/explain/resolve-target.ts';
import { readDocuments } from '../../../src/phases/1-read/read-documents.ts';
import { explainerFor } from '../../support/explainer.ts';

const content = readFileSync(new URL('../../../docs/shop.yaml', import.meta.url));
const { documents } = readDocuments([{ file: 'shop.yaml', content }]);
const { explain } = explainerFor(documents, { nodeName: 'worker-1', clusterCIDRs: ['10.244.0.0/16'] });

/** Explanations of packets that no rule translates. */
const misses: readonly [to: string, code: string, text: string][] = [
  [
    '198.51.100.11:30080',
    'node-port-closed',
    'node port 30080 of shop/web:http is not open on 198.51.100.11: nodePortAddresses is primary (192.0.2.11)',
  ],
  [
    '127.0.0.1:30080',
    'node-port-closed',
    'node port 30080 of shop/web:http is not open on 127.0.0.1: node ports are never open on loopback addresses',
  ],
  ['192.0.2.11:30081', 'no-such-node-port', 'no Service has node port 30081/tcp'],
  ['192.0.2.11:30080/udp', 'no-such-node-port', 'no Service has node port 30080/udp; shop/web:http has it over tcp'],
  [
    '192.0.2.11:80',
    'no-such-node-port',
    'no Service has node port 80/tcp; 80 is the Service port of shop/web:http, whose node port is 30080',
  ],
  [
    '192.0.2.11:31234',
    'health-check-port',
    '31234 is the healthCheckNodePort of shop/api: a process answers there, not a rule',
  ],
  [
    '192.0.2.12:30080',
    'other-node',
    '192.0.2.12 is node worker-2, whose own rules handle node port 30080 (shop/web:http)',
  ],
  ['192.0.2.12:22', 'other-node', '192.0.2.12 is node worker-2, whose own rules apply there'],
  [
    '10.244.2.6:8080',
    'endpoint-itself',
    '10.244.2.6:8080 is an endpoint of shop/web:http (pod shop/web-2) itself: no rule applies to packets sent to it directly',
  ],
  [
    '10.244.2.71:22',
    'endpoint-itself',
    '10.244.2.71:22 is pod shop/db-0 itself: no rule applies to packets sent to it directly',
  ],
  ['198.51.100.200:80', 'wrong-port', '198.51.100.200 is a load balancer IP of shop/api, which serves 443/tcp (https)'],
  [
    '198.51.100.200:8443',
    'wrong-port',
    '198.51.100.200 is a load balancer IP of shop/api, which serves 443/tcp (https); 8443 is the targetPort of shop/api:https, whose Service port is 443',
  ],
  ['198.51.100.199:443', 'no-service', '198.51.100.199 belongs to no Service'],
];

test.each(misses)('%s: %s', (to, code, text) => {
  const { verdict, reason, service } = ask('203.0.113.9', to);
  expect({ verdict, reason, service }).toEqual({ verdict: 'untouched', reason: { code, text }, service: null });
});

const refused = 'rejected with a TCP reset, so the client sees "connection refused"';
const refusedByIcmp = 'rejected with an ICMP error, so the client sees "connection refused"';
const silent = 'dropped, so the client gets no answer and times out';

/** Explanations of packets that a rule refuses. */
const refusals: readonly [from: string, to: string, code: string, text: string][] = [
  [
    '10.244.1.5',
    '10.96.0.10:8080',
    'unknown-port',
    `10.96.0.10 is the cluster IP of shop/web, which serves 80/tcp (http); 8080 is the targetPort of shop/web:http, whose Service port is 80: ${refused}`,
  ],
  [
    '10.244.1.5',
    '10.96.0.10:30080',
    'unknown-port',
    `10.96.0.10 is the cluster IP of shop/web, which serves 80/tcp (http); 30080 is the node port of shop/web:http, whose Service port is 80: ${refused}`,
  ],
  [
    '10.244.1.5',
    '10.96.0.10:80/udp',
    'unknown-port',
    `10.96.0.10 is the cluster IP of shop/web, which serves 80/tcp (http); shop/web:http has port 80 over tcp, not udp: ${refusedByIcmp}`,
  ],
  [
    '10.244.1.5',
    '10.96.0.11:80',
    'unallocated',
    `10.96.0.11 belongs to no Service, but is in Service CIDR 10.96.0.0/16; shop/web has cluster IP 10.96.0.10: ${silent}`,
  ],
  ['10.244.1.5', '10.96.0.20:80', 'no-endpoints', `no EndpointSlice has an endpoint for shop/orders:http: ${refused}`],
  [
    '203.0.113.9',
    '198.51.100.200:443',
    'no-local-endpoints',
    `externalTrafficPolicy is Local, and no endpoint on worker-1 can receive it: ${silent}`,
  ],
  ['203.0.113.9', '198.51.100.201:8443', 'source-ranges', `the client is not allowed: ${silent}`],
];

test.each(refusals)('%s to %s: %s', (from, to, code, text) => {
  const { verdict, reason, endpoints } = ask(from, to);
  expect(reason).toEqual({ code, text });
  expect(verdict).toBe(text.endsWith(silent) ? 'dropped' : 'rejected');
  expect(endpoints).toEqual([]);
});

describe('endpoints that are left out', () => {
  test.each([
    ['203.0.113.9', '192.0.2.11:30080', ['10.244.1.7:8080 not-ready: not ready']],
    [
      '203.0.113.9',
      '198.51.100.200:443',
      [
        '10.244.2.31:8443 not-local: not on this node, but on worker-2',
        '10.244.2.32:8443 not-local: not on this node, but on worker-2',
      ],
    ],
    ['10.244.1.5', '198.51.100.200:443', []],
    [
      '10.244.1.5',
      '10.96.0.50:9000',
      [
        '10.244.2.52:9000 other-zone: hinted for other zones: zone-b',
        '10.244.2.53:9000 other-zone: hinted for other zones: zone-b',
      ],
    ],
    ['203.0.113.9', '198.51.100.201:8443', ['10.244.1.41:8443 refused: ready, but the packet is dropped earlier']],
  ])('%s to %s', (from, to, expected) => {
    const { leftOut } = ask(from, to);
    expect(leftOut.map(({ endpoint, code, reason }) => `${endpoint} ${code}: ${reason}`)).toEqual(expected);
  });
});

function ask(source: string, to: string): ReturnType<typeof explain> {
  const target = parseTarget(to);
  if (typeof target === 'string' || target.kind !== 'address') {
    throw new Error(`${to} is not an address and port`);
  }
  const { address: destination, port, protocol } = target;
  return explain({ source, destination, port, protocol });
}

describe('endpoints in the host network of this node', () => {
  const host = readDocuments([
    { file: 'shop.yaml', content: Buffer.from(content.toString().replace('[10.244.1.5]', '[192.0.2.11]')) },
  ]).documents;
  const { explain: explainHost } = explainerFor(host, { nodeName: 'worker-1', clusterCIDRs: ['10.244.0.0/16'] });
  const sourceOf = (to: string): string | undefined => {
    const [destination = '', port] = to.split(':');
    const packet = { source: '203.0.113.9', destination, port: Number(port), protocol: 'tcp' } as const;
    return explainHost(packet).steps.find(({ topic }) => topic === 'source')?.text;
  };

  test('packets that stay on the node keep their source', () => {
    expect(sourceOf('192.0.2.11:30080')).toMatch(
      /^masqueraded except for endpoints on the node itself, so the endpoint sees the node's address: externalTrafficPolicy is Cluster/,
    );
    expect(sourceOf('10.96.0.10:80')).toMatch(
      /^masqueraded except for endpoints on the node itself, so the endpoint sees the node's address: the client is not treated as a pod/,
    );
  });
});

test('without a node, its addresses are not known', () => {
  const { explain: explainWithoutNode } = explainerFor(
    documents.filter(({ value }) => (value as { kind?: string }).kind !== 'Node'),
    { clusterCIDRs: ['10.244.0.0/16'], nodePortAddresses: ['all'] },
  );
  const packet = { source: '203.0.113.9', destination: '192.0.2.11', port: 30080, protocol: 'tcp' } as const;
  expect(explainWithoutNode(packet).reason).toEqual({
    code: 'node-unknown',
    text: '30080 is a node port of shop/web:http, but it is not known whether 192.0.2.11 is an address of the node: use --node or --node-ip',
  });
  const local = explainWithoutNode({
    source: '203.0.113.9',
    destination: '198.51.100.200',
    port: 443,
    protocol: 'tcp',
  });
  expect(new Set(local.leftOut.map(({ reason }) => reason))).toEqual(
    new Set(['not on this node: no node is selected (--node)']),
  );
});
