import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseTarget } from '../../../src/inspect/explain/parse-names.ts';
import { documentsOf, readDocuments } from '../../../src/phases/1-read/read-documents.ts';
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
  ['192.0.2.11:31234/udp', 'no-such-node-port', 'no Service has node port 31234/udp'],
  ['192.0.2.11:31234/sctp', 'no-such-node-port', 'no Service has node port 31234/sctp'],
  ['192.0.2.11:31233', 'no-such-node-port', 'no Service has node port 31233/tcp'],
  ['203.0.113.77:31234', 'no-service', '203.0.113.77 belongs to no Service'],
  [
    '192.0.2.12:30080',
    'other-node',
    '192.0.2.12 is node worker-2, whose own rules handle node port 30080 (shop/web:http): use --node worker-2',
  ],
  ['192.0.2.12:22', 'other-node', '192.0.2.12 is node worker-2, whose own rules apply there: use --node worker-2'],
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
  ['198.51.100.200:80', 'wrong-port', 'shop/api listens on 443/tcp (https), not on 80'],
  ['198.51.100.200:8443', 'wrong-port', 'shop/api listens on 443/tcp (https); 8443 is its target port'],
  ['198.51.100.199:443', 'no-service', '198.51.100.199 belongs to no Service'],
];

test.each(misses)('%s: %s', (to, code, text) => {
  const { verdict, reason, service } = ask('203.0.113.9', to);
  expect({ verdict, reason, service }).toEqual({ verdict: 'untouched', reason: { code, text }, service: null });
});

const silentCodes = ['unallocated', 'no-local-endpoints', 'source-ranges'];

/** Explanations of packets that a rule refuses. */
const refusals: readonly [from: string, to: string, code: string, text: string][] = [
  ['10.244.1.5', '10.96.0.10:8080', 'unknown-port', 'shop/web listens on 80/tcp (http); 8080 is its target port'],
  [
    '10.244.1.5',
    '10.96.0.10:30080',
    'unknown-port',
    'shop/web listens on 80/tcp (http); 30080 is its node port, which is open on node addresses',
  ],
  ['10.244.1.5', '10.96.0.10:80/udp', 'unknown-port', 'shop/web has port 80 over tcp only (http), not udp'],
  [
    '10.244.1.5',
    '10.96.0.11:80',
    'unallocated',
    `10.96.0.11 belongs to no Service, but is in Service CIDR 10.96.0.0/16; did you mean 10.96.0.10 (shop/web)?`,
  ],
  [
    '10.244.1.5',
    '10.96.0.20:80',
    'no-endpoints',
    'shop/orders:http has no endpoints: EndpointSlice shop/orders-b4mzs is empty: no pod matches its selector app=orders, or none has an address yet',
  ],
  [
    '203.0.113.9',
    '198.51.100.200:443',
    'no-local-endpoints',
    'externalTrafficPolicy is Local and shop/api:https has no endpoint on worker-1; its 2 endpoints are on worker-2',
  ],
  [
    '203.0.113.9',
    '198.51.100.201:8443',
    'source-ranges',
    '203.0.113.9 is not in spec.loadBalancerSourceRanges of shop/admin (198.51.100.0/24)',
  ],
];

test.each(refusals)('%s to %s: %s', (from, to, code, text) => {
  const { verdict, reason, endpoints, headline } = ask(from, to);
  expect(reason).toEqual({ code, text });
  expect(verdict).toBe(silentCodes.includes(code) ? 'dropped' : 'rejected');
  expect(headline).toMatch(
    silentCodes.includes(code)
      ? /^DROPPED \(the client times out\): /
      : /^REFUSED \(the client gets (a TCP reset at once|an ICMP error)\): /,
  );
  expect(headline).toContain(text);
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
    ['203.0.113.9', '198.51.100.201:8443', ['10.244.1.41:8443 refused: the packet is dropped earlier']],
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
  const { address: destination, port = 0, protocol = 'tcp' } = target;
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

describe('external IPs with their feature gate off', () => {
  const folder = 'external-ips/external-ips-are-not-served-with-their-feature-gate-off';
  const file = new URL(`../../../fixtures/${folder}/snapshot.yaml`, import.meta.url);
  const { explain: explainGate } = explainerFor(
    readDocuments([{ file: 'snapshot.yaml', content: readFileSync(file) }]).documents,
    { nodeName: 'worker-1', clusterCIDRs: ['10.244.0.0/16'], allowServiceExternalIPs: false },
  );
  const gate = 'which no rule serves: the feature gate AllowServiceExternalIPs is off';

  test.each([
    ['198.51.100.10', 80, 'not-served', `198.51.100.10 is an external IP of shop/web, ${gate}`],
    ['198.51.100.10', 81, 'not-served', `198.51.100.10 is an external IP of shop/web, ${gate}`],
    ['192.0.2.11', 8082, 'not-served', `192.0.2.11 is an external IP of shop/dead, ${gate}`],
    ['2001:db8:e::10', 80, 'not-served', `2001:db8:e::10 is an external IP of shop/web, ${gate}`],
    ['192.0.2.11', 22, 'no-such-node-port', 'no Service has node port 22/tcp'],
    ['198.51.100.99', 80, 'no-service', '198.51.100.99 belongs to no Service'],
  ])('%s:%i is %s', (destination, port, code, text) => {
    const source = destination.includes(':') ? '2001:db8:c::9' : '203.0.113.9';
    expect(explainGate({ source, destination, port, protocol: 'tcp' }).reason).toEqual({ code, text });
  });

  test('a load balancer IP that is an external IP too has its own reason', () => {
    const packet = { source: '203.0.113.9', destination: '198.51.100.20', port: 81, protocol: 'tcp' } as const;
    expect(explainGate(packet).reason.code).toBe('wrong-port');
  });
});

describe('node ports at loopback addresses', () => {
  const gate = { nodeName: 'worker-1', clusterCIDRs: ['10.244.0.0/16'], localhostNodePorts: true };
  const served = explainerFor(documents, { ...gate, nodePortAddresses: ['primary', 'localhost'] }).explain;
  const refused = explainerFor(documents, { ...gate, nodePortAddresses: ['all'] }).explain;
  const toPort = { source: '127.0.0.1', port: 30080, protocol: 'tcp' } as const;

  test('are those of the agent', () => {
    const { headline, reason } = served({ ...toPort, destination: '127.0.0.1' });
    expect(reason.code).toBe('localhost-node-port');
    expect(headline).toBe(
      'DIRECT (no rule is involved): node port 30080 of shop/web:http is served on 127.0.0.1 by svc2nft agent while it runs, not by a rule',
    );
  });

  test('are those of the agent at one address', () => {
    expect(served({ ...toPort, destination: '127.0.0.2' }).reason).toEqual({
      code: 'node-port-closed',
      text: 'node port 30080 of shop/web:http is not open on 127.0.0.2: of the loopback addresses, svc2nft agent serves 127.0.0.1 only',
    });
  });

  test('are refused where nothing serves them', () => {
    const { headline, service } = refused({ ...toPort, destination: '127.0.0.1' });
    expect(service?.name).toBe('shop/web:http');
    expect(headline).toBe(
      'REFUSED (the client gets a TCP reset at once): node port 30080 of shop/web:http is not open on 127.0.0.1: loopback addresses refuse node ports over TCP (KubeProxyNFTablesLocalhostNodePorts)',
    );
  });
});

describe('node ports of Services that nodes do not serve', () => {
  const notServed = (name: string, port: number, spec: object, labels: object = {}) => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'shop', labels },
    spec: { type: 'NodePort', ports: [{ port: 80, nodePort: port }], ...spec },
  });
  const { explain: explainUnserved } = explainerFor(
    documentsOf([
      ...documents.map(({ value }) => value),
      notServed('other', 30099, { clusterIP: '10.96.0.99' }, { 'service.kubernetes.io/service-proxy-name': 'mine' }),
      notServed('none', 30098, { clusterIP: 'None' }),
    ]),
    { nodeName: 'worker-1', clusterCIDRs: ['10.244.0.0/16'], families: ['ip'] },
    ['192.0.2.11', '198.51.100.11'],
  );

  test.each([
    ['192.0.2.11', 30099, 'not-served', /^30099 is a node port of shop\/other, which no rule serves: /],
    ['198.51.100.11', 30099, 'not-served', /^30099 is a node port of shop\/other, which no rule serves: /],
    ['192.0.2.11', 30098, 'not-served', /^30098 is a node port of shop\/none, which no rule serves: /],
    ['10.96.0.99', 30099, 'not-served', /^10\.96\.0\.99 is an address of shop\/other, which no rule serves: /],
    ['203.0.113.77', 30099, 'no-service', /^203\.0\.113\.77 belongs to no Service$/],
    ['203.0.113.77', 30098, 'no-service', /^203\.0\.113\.77 belongs to no Service$/],
    ['192.0.2.12', 30099, 'other-node', /^192\.0\.2\.12 is node worker-2, /],
    ['10.244.2.6', 30099, 'endpoint-itself', /^10\.244\.2\.6:30099 is pod shop\/web-2 itself: /],
    ['198.51.100.200', 30099, 'wrong-port', /^shop\/api listens on /],
  ])('%s:%i is %s', (destination, port, code, text) => {
    const { reason } = explainUnserved({ source: '203.0.113.9', destination, port, protocol: 'tcp' });
    expect(reason).toEqual({ code, text: expect.stringMatching(text) });
  });
});
