import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AcceptedFate } from '../../../src/inspect/verify/behaviors.ts';
import { expectFate } from '../../../src/inspect/verify/expect-fate.ts';
import type { Expectations } from '../../../src/inspect/verify/expectations.ts';
import {
  loopbackNodePorts,
  type ModeledProxy,
  modelProxy,
  type ProxyKind,
  proxyKinds,
} from '../../../src/inspect/verify/proxy-model.ts';
import type { CompileOptions } from '../../../src/options.ts';
import { documentsOf } from '../../../src/phases/1-read/read-documents.ts';
import type { Packet } from '../../../src/walk/fate.ts';
import { arbitraryOddestCluster, type Manifest, nodeName } from '../../support/arbitrary-cluster.ts';
import { service, slice } from '../../support/small-cluster.ts';
import { sidesOf } from './verify-objects.ts';

const options: Partial<CompileOptions> = {
  nodeName: 'worker-1',
  nodeAddresses: ['192.0.2.11', '198.51.100.11'],
  clusterCIDRs: ['10.244.0.0/16'],
  nodePortAddresses: ['192.0.2.0/24', '127.0.0.0/8'],
  families: ['ip'],
};
const local = { type: 'LoadBalancer', externalTrafficPolicy: 'Local' };
const objects: readonly Manifest[] = [
  {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'ServiceCIDR',
    metadata: { name: 'kubernetes' },
    spec: { cidrs: ['10.96.0.0/16'] },
  },
  service('web', { clusterIP: '10.96.0.10', type: 'NodePort', ports: [{ port: 80, nodePort: 30080 }] }),
  slice('web', ['10.244.1.10', '10.244.2.20']),
  service(
    'dead',
    {
      clusterIP: '10.96.0.20',
      type: 'LoadBalancer',
      externalIPs: ['203.0.113.20'],
      loadBalancerSourceRanges: ['203.0.113.128/25'],
      ports: [{ port: 80, nodePort: 30081 }],
    },
    { loadBalancer: { ingress: [{ ip: '203.0.113.21' }] } },
  ),
  // Its load balancer IP is an address of the node, and its port the node port of shop/web.
  service(
    'far',
    { clusterIP: '10.96.0.30', ...local, healthCheckNodePort: 32000, ports: [{ port: 30080, nodePort: 30082 }] },
    {
      loadBalancer: { ingress: [{ ip: '192.0.2.11' }] },
    },
  ),
  slice('far', ['10.244.2.30']),
  service('odd', { clusterIP: '10.96.0.40', sessionAffinity: 'ClientIP' }),
  slice('odd', ['10.96.0.10']),
];

function expectationsOf(cluster: readonly Manifest[], given: Partial<CompileOptions> = options): Expectations[] {
  return sidesOf(documentsOf(cluster), given).map(({ expectations }) => expectations);
}

const [expectations] = expectationsOf(objects) as [Expectations];
const loopback = loopbackNodePorts('ip', { nodePortAddresses: ['127.0.0.0/8'], isOn: true });

/** `reach`, `keep` or the verdict, and the codes. */
function lineOf({ expected, codes }: AcceptedFate): string {
  const { verdict, endpoints, isMasqueraded, refusals } = expected;
  const ways = endpoints.map(
    (one) => refusals.get(one.text) ?? `${one.text}${isMasqueraded(one) ? ' masqueraded' : ''}`,
  );
  return [verdict === 'translated' ? ways.join(', ') : verdict, ...codes].join(' | ');
}

function fateLine(kind: ProxyKind, source: string, destination: string, port: number): string {
  const packet = { source, inputInterface: 'in0', destination, protocol: 'tcp', port } as const;
  return modelProxy({ kind, loopbackNodePorts: loopback }, expectations).fatesOf(packet).map(lineOf).join(' or ');
}

const [pod, node, outside] = ['10.244.1.99', '192.0.2.11', '203.0.113.9'];
const bothMasqueraded = '10.244.1.10:8080 masqueraded, 10.244.2.20:8080 masqueraded';

describe('the first packet of a connection', () => {
  test.each<[what: string, source: string, destination: string, port: number, fates: Record<ProxyKind, string>]>([
    ['to a cluster IP', pod, '10.96.0.10', 80, same('10.244.1.10:8080, 10.244.2.20:8080')],
    [
      'to a node port',
      outside,
      node,
      30080,
      {
        ...same(bothMasqueraded),
        // The IP comes before the node port.
        svc2nft: 'dropped',
        'svc2nft-iptables': 'dropped',
        'kube-proxy-nftables': 'dropped',
        'kube-proxy-iptables': `${bothMasqueraded} | node-port-instead`,
      },
    ],
    [
      'to another port of a cluster IP',
      pod,
      '10.96.0.10',
      81,
      {
        svc2nft: 'rejected',
        'svc2nft-iptables': 'rejected',
        'kube-proxy-nftables': 'rejected | icmp-rejection',
        'kube-proxy-iptables': 'untouched | cluster-ip-ports-untouched',
      },
    ],
    [
      'to an unallocated cluster IP',
      pod,
      '10.96.9.9',
      80,
      {
        ...same('dropped'),
        'kube-proxy-iptables': 'untouched | unallocated-untouched',
      },
    ],
    [
      'to an external IP without endpoints',
      node,
      '203.0.113.20',
      80,
      {
        svc2nft: 'rejected',
        'svc2nft-iptables': 'rejected',
        'kube-proxy-nftables': 'rejected | icmp-rejection',
        'kube-proxy-iptables': 'untouched | node-untouched',
      },
    ],
    [
      'from no source range of a load balancer IP without endpoints',
      outside,
      '203.0.113.21',
      80,
      {
        svc2nft: 'dropped',
        'svc2nft-iptables': 'rejected | ranges-without-endpoints',
        'kube-proxy-nftables': 'dropped',
        'kube-proxy-iptables': 'rejected | icmp-rejection | ranges-without-endpoints',
      },
    ],
    [
      'to a node port without endpoints, at another address',
      outside,
      '198.51.100.11',
      30081,
      {
        ...same('untouched'),
        'kube-proxy-iptables': 'rejected | icmp-rejection | refused-at-all-addresses',
      },
    ],
    [
      'to a node port without local endpoints, at another address',
      outside,
      '198.51.100.11',
      30082,
      {
        ...same('untouched'),
        'kube-proxy-iptables': 'dropped | refused-at-all-addresses',
      },
    ],
    [
      'to a node port at a loopback address',
      '127.0.0.1',
      '127.0.0.1',
      30080,
      {
        ...same('untouched'),
        'kube-proxy-iptables': `${bothMasqueraded} | localhost-served`,
        'svc2nft-iptables': `${bothMasqueraded} | localhost-served`,
      },
    ],
    [
      'to a loopback address that has no node port',
      outside,
      '127.0.0.2',
      30080,
      {
        ...same('untouched'),
        'kube-proxy-iptables': 'dropped | loopback-guard',
        'svc2nft-iptables': 'dropped | loopback-guard',
      },
    ],
    [
      'of an endpoint elsewhere to itself',
      '10.244.2.20',
      '10.96.0.10',
      80,
      {
        ...same('10.244.1.10:8080, 10.244.2.20:8080'),
        'kube-proxy-iptables': '10.244.1.10:8080, 10.244.2.20:8080 masqueraded | any-hairpin',
      },
    ],
    [
      'to an endpoint that is a cluster IP',
      pod,
      '10.96.0.40',
      80,
      {
        svc2nft: 'rejected',
        'svc2nft-iptables': '10.96.0.10:8080 | refused-endpoints',
        'kube-proxy-nftables': 'rejected | icmp-rejection',
        'kube-proxy-iptables': '10.96.0.10:8080 | refused-endpoints',
      },
    ],
  ])('%s', (_what, source, destination, port, fates) => {
    for (const [kind, fate] of Object.entries(fates)) {
      expect(fateLine(kind as ProxyKind, source, destination, port), kind).toBe(fate);
    }
  });
});

function same(fate: string): Record<ProxyKind, string> {
  return Object.fromEntries(proxyKinds.map((kind) => [kind, fate])) as Record<ProxyKind, string>;
}

test('what no first packet shows', () => {
  const standing = (kind: ProxyKind): string[] =>
    modelProxy({ kind }, expectations).standing.map(({ code, frontends }) => [code, ...frontends].join(' '));
  expect(standing('kube-proxy-iptables')).toEqual([
    'forward-accepted',
    'invalid-dropped',
    'health-checks-accepted shop/far *:32000/tcp',
    'affinity-limit shop/odd 10.96.0.40:80/tcp',
  ]);
  expect(standing('svc2nft-iptables')).toEqual(standing('kube-proxy-iptables'));
  expect(standing('kube-proxy-nftables')).toEqual([]);
});

test.each([
  [[], '127.0.0.0/8'],
  [['all'], '127.0.0.0/8'],
  [['2001:db8::/32'], '127.0.0.0/8'],
  [['localhost'], '127.0.0.1/32'],
  [['192.0.2.0/24', '127.0.0.0/8'], '127.0.0.1/32'],
  [['192.0.2.0/24'], undefined],
  [['primary'], undefined],
])('node ports at loopback addresses with %j', (nodePortAddresses, range) => {
  const found = loopbackNodePorts('ip', { nodePortAddresses, isOn: true });
  expect(found && `${found.address}/${found.prefix}`).toBe(range);
  expect(loopbackNodePorts('ip', { nodePortAddresses, isOn: false })).toBeUndefined();
  expect(loopbackNodePorts('ip6', { nodePortAddresses, isOn: true })).toBeUndefined();
});

const sources = ['10.244.1.50', '10.244.1.3', '203.0.113.9', '203.0.113.200', '192.0.2.11', '127.0.0.1'];
const destinations = [
  '10.96.0.1',
  '10.96.0.2',
  '10.96.0.200',
  '198.18.0.1',
  '198.19.0.1',
  '192.0.2.11',
  '127.0.0.1',
  '10.244.1.3',
];
const packets: readonly Packet[] = sources.flatMap((source) =>
  destinations.flatMap((destination) =>
    (['tcp', 'udp'] as const).flatMap((protocol) =>
      [80, 81, 30000, 30001, 30002].map((port) => ({ source, destination, protocol, port, inputInterface: 'in0' })),
    ),
  ),
);
const proxies: readonly ModeledProxy[] = [
  { kind: 'svc2nft-iptables' },
  { kind: 'svc2nft-iptables', loopbackNodePorts: loopback },
  { kind: 'kube-proxy-nftables' },
  { kind: 'kube-proxy-iptables' },
  { kind: 'kube-proxy-iptables', loopbackNodePorts: loopback },
];

const settings = {
  nodeName,
  nodeAddresses: ['192.0.2.11'],
  clusterCIDRs: ['10.244.0.0/16'],
  families: ['ip' as const],
};

test('random clusters: a fate has a code exactly where it is another than what the Service asks for', () => {
  const open = fc.constantFrom('all', 'primary');
  fc.assert(
    fc.property(arbitraryOddestCluster, fc.constantFrom(...proxies), open, (cluster, proxy, address) => {
      for (const each of expectationsOf(cluster, { ...settings, nodePortAddresses: [address] })) {
        const { fatesOf } = modelProxy(proxy, each);
        for (const packet of packets) {
          const asked = textOf(expectFate(packet, each));
          const [{ expected, codes }, ...others] = fatesOf(packet);
          expect(codes.length > 0, JSON.stringify(packet)).toBe(textOf(expected) !== asked);
          expect(others.filter((other) => !other.codes.includes('other-owner'))).toEqual([]);
        }
      }
    }),
    { numRuns: 60 },
  );
});

/** All of a fate but its reason. */
function textOf({
  verdict,
  rejection,
  frontend,
  endpoints,
  isMasqueraded,
  refusals,
}: AcceptedFate['expected']): string {
  const ways = endpoints.map((one) => [one.text, refusals.get(one.text) ?? isMasqueraded(one)]);
  const mayReject = verdict === 'rejected' || [...refusals.values()].includes('rejected');
  const place = verdict === 'translated' && [frontend?.service.label, frontend?.kind];
  return JSON.stringify([verdict, mayReject && rejection, place, ways]);
}
