import { describe, expect, it } from 'vitest';
import { expectUdp, type UdpExpectations, type UdpFrontend } from '../../src/conntrack/expect-udp.ts';
import { findStaleFlows } from '../../src/conntrack/stale-flows.ts';
import { conditions, flow, service, slice, viewOf } from './support.ts';

const state = service(
  'state',
  {
    type: 'LoadBalancer',
    clusterIP: '10.96.60.1',
    externalIPs: ['198.19.5.1'],
    internalTrafficPolicy: 'Local',
    externalTrafficPolicy: 'Local',
    ports: [
      { name: 'u', protocol: 'UDP', port: 4000, nodePort: 30400 },
      { name: 't', protocol: 'TCP', port: 4005, nodePort: 30405 },
    ],
  },
  { status: { loadBalancer: { ingress: [{ ip: '198.18.5.1' }, { ip: '198.18.5.2', ipMode: 'Proxy' }] } } },
);
const stateSlice = slice(
  'state',
  {
    '10.244.1.10': { ...conditions.ready, nodeName: 'worker-1' },
    '10.244.2.20': { ...conditions.draining, nodeName: 'worker-2' },
    '10.244.2.21': { ...conditions.dying, nodeName: 'worker-2' },
    '10.244.3.30': { ...conditions.servingUnready, nodeName: 'worker-3' },
    '10.244.3.31': { ...conditions.unready, nodeName: 'worker-3' },
  },
  [
    { name: 'u', protocol: 'UDP', port: 4001 },
    { name: 't', protocol: 'TCP', port: 4002 },
  ],
);
const expectations = expectUdp(viewOf([state, stateSlice]), [], []);

function isStale(destination: string, answering: string, expected: UdpExpectations = expectations): boolean {
  return findStaleFlows([flow(destination, answering)], expected).length > 0;
}

describe('a flow stays', () => {
  it.each([
    ['to a ready endpoint', '10.96.60.1 4000', '10.244.1.10 4001'],
    ['to one that is terminating but serving', '10.96.60.1 4000', '10.244.2.20 4001'],
    ['to one that is serving but not ready', '10.96.60.1 4000', '10.244.3.30 4001'],
    ['to a serving endpoint, by the load balancer IP', '198.18.5.1 4000', '10.244.2.20 4001'],
    ['to a serving endpoint, by the external IP', '198.19.5.1 4000', '10.244.3.30 4001'],
    ['to a serving endpoint, by the node port', '192.0.2.11 30400', '10.244.2.20 4001'],
    ['to a load balancer IP that is not ours to translate', '198.18.5.2 4000', '10.244.9.99 4001'],
    ['to a port that the Service does not have', '10.96.60.1 4999', '10.244.9.99 4999'],
    ['to the port of another protocol', '10.96.60.1 4005', '10.244.9.99 4002'],
    ['to the node port of another protocol', '192.0.2.11 30405', '10.244.9.99 4002'],
    ['to the cluster IP with the number of the node port', '10.96.60.1 30400', '10.244.9.99 4001'],
    ['to an unrelated destination', '203.0.113.9 4000', '10.244.9.99 4001'],
    ['to an endpoint directly', '10.244.2.21 4001', '10.244.2.21 4001'],
    ['through the node to another host, with the number of the node port', '203.0.113.9 30400', '203.0.113.9 30400'],
    ['through the node to another host that another program translates', '203.0.113.9 30400', '10.1.1.1 30400'],
    ['to an address of the node that accepts no node ports', '192.0.2.12 30400', '192.0.2.12 30400'],
    ['to a loopback address with the number of the node port', '127.0.0.1 30400', '127.0.0.1 30400'],
    ['to the node, on a port that is not a node port', '192.0.2.11 4000', '192.0.2.11 4000'],
  ])('%s', (_, destination, answering) => {
    expect(isStale(destination, answering)).toBe(false);
  });
});

describe('a flow is stale', () => {
  it.each([
    ['to an endpoint that is terminating and no longer serving', '10.96.60.1 4000', '10.244.2.21 4001'],
    ['to one that is not serving', '10.96.60.1 4000', '10.244.3.31 4001'],
    ['to an unknown one', '10.96.60.1 4000', '10.244.9.99 4001'],
    ['to a serving one, at another port', '10.96.60.1 4000', '10.244.1.10 4999'],
    ['to the port that the endpoint has for another protocol', '10.96.60.1 4000', '10.244.1.10 4002'],
    ['by the load balancer IP', '198.18.5.1 4000', '10.244.9.99 4001'],
    ['by the external IP', '198.19.5.1 4000', '10.244.9.99 4001'],
    ['by the node port', '192.0.2.11 30400', '10.244.9.99 4001'],
    ['that no rule translated, at the cluster IP', '10.96.60.1 4000', '10.96.60.1 4000'],
    ['that no rule translated, at the external IP', '198.19.5.1 4000', '198.19.5.1 4000'],
    ['that no rule translated, at the node port', '192.0.2.11 30400', '192.0.2.11 30400'],
  ])('%s', (_, destination, answering) => {
    expect(isStale(destination, answering)).toBe(true);
  });

  it('to whatever a Service without serving endpoints had', () => {
    const without = expectUdp(viewOf([state]), [], []);
    expect(isStale('10.96.60.1 4000', '10.244.1.10 4001', without)).toBe(true);
    expect(isStale('192.0.2.11 30400', '10.244.1.10 4001', without)).toBe(true);
    expect(isStale('203.0.113.9 30400', '203.0.113.9 30400', without)).toBe(false);
  });
});

describe('frontends that have gone', () => {
  const gone: UdpFrontend[] = [{ address: '198.19.5.9', port: 4000 }, { nodePort: 30409 }];
  const after = expectUdp(viewOf([state, stateSlice]), gone, []);

  it('leave stale flows, those to serving endpoints included', () => {
    expect(isStale('198.19.5.9 4000', '10.244.1.10 4001', after)).toBe(true);
    expect(isStale('192.0.2.11 30409', '10.244.1.10 4001', after)).toBe(true);
  });

  it('leave other flows alone', () => {
    expect(isStale('198.19.5.9 4001', '10.244.1.10 4001', after)).toBe(false);
    expect(isStale('203.0.113.9 30409', '203.0.113.9 30409', after)).toBe(false);
    expect(isStale('10.96.60.1 4000', '10.244.1.10 4001', after)).toBe(false);
  });
});

describe('node ports that are open on all addresses', () => {
  const view = viewOf([state, stateSlice], 'ip', { nodePortAddresses: ['all'] });

  it('count at the addresses of the node', () => {
    const all = expectUdp(view, [], ['192.0.2.11', '192.0.2.12']);
    expect(isStale('192.0.2.12 30400', '10.244.9.99 4001', all)).toBe(true);
    expect(isStale('192.0.2.12 30400', '10.244.1.10 4001', all)).toBe(false);
    expect(isStale('203.0.113.9 30400', '10.244.9.99 4001', all)).toBe(false);
  });

  it('count nowhere when the addresses are not known', () => {
    const unknown = expectUdp(view, [], []);
    expect(isStale('192.0.2.11 30400', '10.244.9.99 4001', unknown)).toBe(false);
    expect(isStale('10.96.60.1 4000', '10.244.9.99 4001', unknown)).toBe(true);
  });
});

describe("an external IP that is the node's own, with the number of another Service's node port", () => {
  const owner = service('owner', {
    clusterIP: '10.96.60.2',
    externalIPs: ['192.0.2.11'],
    ports: [{ protocol: 'UDP', port: 30400 }],
  });

  it('decides alone while it has endpoints', () => {
    const view = viewOf([state, stateSlice, owner, slice('owner', { '10.244.1.50': conditions.ready })]);
    const both = expectUdp(view, [], []);
    expect(isStale('192.0.2.11 30400', '10.244.1.50 4001', both)).toBe(false);
    expect(isStale('192.0.2.11 30400', '10.244.1.10 4001', both)).toBe(true);
  });

  it('leaves the place to the node port when it has none', () => {
    const both = expectUdp(viewOf([state, stateSlice, owner]), [], []);
    expect(isStale('192.0.2.11 30400', '10.244.1.10 4001', both)).toBe(false);
    expect(isStale('192.0.2.11 30400', '10.244.1.50 4001', both)).toBe(true);
  });
});

describe('IPv6', () => {
  const chat = service('chat', {
    type: 'NodePort',
    clusterIP: 'fd00:10:96::6003',
    clusterIPs: ['fd00:10:96::6003'],
    ipFamilies: ['IPv6'],
    ports: [{ protocol: 'UDP', port: 6000, nodePort: 30600 }],
  });
  const chatSlice = slice('chat', { 'fd00:10:244:2::20': conditions.ready });
  const six = expectUdp(viewOf([chat, chatSlice], 'ip6'), [], []);

  it.each([
    ['fd00:10:96::6003 6000', 'fd00:10:244:2::20 4001', false],
    ['fd00:10:96::6003 6000', 'fd00:10:244:2::99 4001', true],
    ['fd00:10:96::6003 6000', 'fd00:10:96::6003 6000', true],
    ['fd00::11 30600', 'fd00:10:244:2::20 4001', false],
    ['fd00::11 30600', 'fd00:10:244:2::99 4001', true],
    ['2001:db8::9 30600', '2001:db8::9 30600', false],
  ])('%s, answered by %s', (destination, answering, stale) => {
    expect(isStale(destination, answering, six)).toBe(stale);
  });
});

describe('findStaleFlows', () => {
  it('gives the stale flows in their order, those of one client or many alike', () => {
    const flows = [
      flow('10.96.60.1 4000', '10.244.9.99 4001'),
      flow('10.96.60.1 4000', '10.244.1.10 4001'),
      flow('192.0.2.11 30400', '10.244.9.98 4001'),
      flow('10.96.60.1 4000', '10.244.9.99 4001'),
    ];
    expect(findStaleFlows(flows, expectations)).toEqual([flows[0], flows[2], flows[3]]);
  });
});
