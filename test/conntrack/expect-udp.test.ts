import { describe, expect, it } from 'vitest';
import { expectUdp } from '../../src/conntrack/expect-udp.ts';
import { conditions, service, slice, viewOf } from './support.ts';

const nodePortService = service('state', {
  type: 'NodePort',
  clusterIP: '10.96.60.1',
  ports: [{ protocol: 'UDP', port: 4000, nodePort: 30400 }],
});

const none = new Set<string>();

describe('what may answer for a UDP frontend', () => {
  it('is every serving endpoint, at each cluster, load balancer and external IP and at the node port', () => {
    const state = service(
      'state',
      {
        type: 'LoadBalancer',
        clusterIP: '10.96.60.1',
        externalIPs: ['198.19.5.1'],
        ports: [{ protocol: 'UDP', port: 4000, nodePort: 30400 }],
      },
      { status: { loadBalancer: { ingress: [{ ip: '198.18.5.1' }, { ip: '198.18.5.2', ipMode: 'Proxy' }] } } },
    );
    const endpoints = slice('state', { '10.244.1.10': conditions.ready, '10.244.2.20': conditions.unknown });
    const answering = new Set(['10.244.1.10:4001', '10.244.2.20:4001']);
    expect(expectUdp(viewOf([state, endpoints]), [], [])).toEqual({
      family: 'ip',
      endpointAddresses: new Map([
        ['10.96.60.1:4000', answering],
        ['198.18.5.1:4000', answering],
        ['198.19.5.1:4000', answering],
      ]),
      nodePorts: new Map([[30400, answering]]),
      nodePortAddresses: new Set(['192.0.2.11']),
    });
  });

  it('depends on serving alone: not on ready and terminating', () => {
    const endpoints = slice('state', {
      '10.244.1.10': conditions.ready,
      '10.244.1.11': conditions.draining,
      '10.244.1.12': conditions.dying,
      '10.244.1.13': conditions.servingUnready,
      '10.244.1.14': conditions.unready,
      '10.244.1.15': conditions.unknown,
    });
    const { endpointAddresses } = expectUdp(viewOf([nodePortService, endpoints]), [], []);
    expect(endpointAddresses.get('10.96.60.1:4000')).toEqual(
      new Set(['10.244.1.10:4001', '10.244.1.11:4001', '10.244.1.13:4001', '10.244.1.15:4001']),
    );
  });

  it('depends neither on policies nor on where an endpoint runs, nor on hints', () => {
    const state = {
      ...nodePortService,
      spec: {
        ...(nodePortService['spec'] as object),
        internalTrafficPolicy: 'Local',
        externalTrafficPolicy: 'Local',
      },
    };
    const endpoints = slice('state', {
      '10.244.1.10': { ...conditions.ready, nodeName: 'worker-1' },
      '10.244.2.20': { ...conditions.ready, nodeName: 'worker-2', hints: { forZones: [{ name: 'elsewhere' }] } },
    });
    const { endpointAddresses, nodePorts } = expectUdp(viewOf([state, endpoints]), [], []);
    const answering = new Set(['10.244.1.10:4001', '10.244.2.20:4001']);
    expect(endpointAddresses).toEqual(new Map([['10.96.60.1:4000', answering]]));
    expect(nodePorts).toEqual(new Map([[30400, answering]]));
  });

  it('is empty for a service port without serving endpoints, or without any', () => {
    const { endpointAddresses, nodePorts } = expectUdp(viewOf([nodePortService]), [], []);
    expect(endpointAddresses).toEqual(new Map([['10.96.60.1:4000', none]]));
    expect(nodePorts).toEqual(new Map([[30400, none]]));
    const dying = slice('state', { '10.244.1.12': conditions.dying });
    expect(expectUdp(viewOf([nodePortService, dying]), [], []).endpointAddresses).toEqual(endpointAddresses);
  });

  it('is not said of TCP and SCTP', () => {
    const other = service('state', {
      type: 'NodePort',
      clusterIP: '10.96.60.1',
      ports: [
        { name: 't', protocol: 'TCP', port: 4000, nodePort: 30400 },
        { name: 's', protocol: 'SCTP', port: 4000, nodePort: 30400 },
      ],
    });
    const { endpointAddresses, nodePorts } = expectUdp(viewOf([other]), [], []);
    expect([endpointAddresses.size, nodePorts.size]).toEqual([0, 0]);
  });

  it('is said for IPv6 with brackets', () => {
    const chat = service('chat', { clusterIP: 'fd00:10:96::a', ipFamilies: ['IPv6'], clusterIPs: ['fd00:10:96::a'] });
    const endpoints = slice('chat', { 'fd00:10:244:2::20': conditions.ready });
    expect(expectUdp(viewOf([chat, endpoints], 'ip6'), [], [])).toEqual({
      family: 'ip6',
      endpointAddresses: new Map([['[fd00:10:96::a]:4000', new Set(['[fd00:10:244:2::20]:4001'])]]),
      nodePorts: new Map(),
      nodePortAddresses: new Set(['fd00::11']),
    });
  });
});

describe('frontends that have gone', () => {
  it('are not answered', () => {
    const gone = [{ address: '10.96.60.9', port: 4000 }, { nodePort: 30409 }];
    const { endpointAddresses, nodePorts } = expectUdp(viewOf([]), gone, []);
    expect(endpointAddresses).toEqual(new Map([['10.96.60.9:4000', none]]));
    expect(nodePorts).toEqual(new Map([[30409, none]]));
  });

  it('are as alive as ever where a live service port has them', () => {
    const endpoints = slice('state', { '10.244.1.10': conditions.ready });
    const gone = [{ address: '10.96.60.1', port: 4000 }, { nodePort: 30400 }];
    const view = viewOf([nodePortService, endpoints]);
    expect(expectUdp(view, gone, [])).toEqual(expectUdp(view, [], []));
  });

  it('do not touch other ports of the same address', () => {
    const { endpointAddresses } = expectUdp(viewOf([nodePortService]), [{ address: '10.96.60.1', port: 4999 }], []);
    expect([...endpointAddresses.keys()].sort()).toEqual(['10.96.60.1:4000', '10.96.60.1:4999']);
  });
});

describe('the addresses at which node ports count', () => {
  const own = ['192.0.2.11', '198.51.100.11', '127.0.0.1'];

  function addressesWith(nodePortAddresses: readonly string[], nodeAddresses: readonly string[]): string[] {
    const view = viewOf([nodePortService], 'ip', { nodePortAddresses, nodeAddresses: ['192.0.2.11', '198.51.100.11'] });
    return [...expectUdp(view, [], nodeAddresses).nodePortAddresses];
  }

  it('is the primary one unless the options say otherwise', () => {
    expect(addressesWith([], own)).toEqual(['192.0.2.11']);
  });

  it('are those that the options allow, whatever else the node has', () => {
    expect(addressesWith(['198.51.100.0/24'], own)).toEqual(['198.51.100.11']);
  });

  it('are all given ones when node ports are open on all, but no loopback address', () => {
    expect(addressesWith(['all'], own)).toEqual(['192.0.2.11', '198.51.100.11']);
  });

  it('are none when node ports are open on all addresses, which are not known', () => {
    expect(addressesWith(['all'], [])).toEqual([]);
  });

  it('are canonical', () => {
    expect(addressesWith(['all'], ['192.0.02.011', 'no address'])).toEqual(['192.0.2.11']);
  });
});
