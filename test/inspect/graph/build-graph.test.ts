import { describe, expect, test } from 'vitest';
import { shareText } from '../../../src/inspect/graph/drawing.ts';
import type { GraphServicePort } from '../../../src/inspect/graph/graph.ts';
import { service, slice } from '../../support/small-cluster.ts';
import { graphOf } from './graph-of.ts';
import { shopObjects } from './shop.ts';

const shop = graphOf(shopObjects);

function portOf(name: string): GraphServicePort {
  const found = shop.servicePorts.find((port) => `${port.namespace}/${port.name}` === name);
  if (!found) {
    throw new Error(`${name} is not in the graph`);
  }
  return found;
}

/** What each endpoint of the only service port gets, or why nothing. */
function sharesIn(objects: readonly object[], options = {}): string[] {
  const [port, ...others] = graphOf(objects, options).servicePorts;
  expect(others).toEqual([]);
  return port ? port.endpoints.map((each) => `${each.endpointAddress} ${shareText(each, port) || each.leftOut}`) : [];
}

describe('a shop', () => {
  test('its node, and its service ports in order', () => {
    expect([shop.nodeName, shop.zone]).toEqual(['worker-1', 'a']);
    expect(shop.servicePorts.map(({ namespace, name, portName, port }) => [namespace, name, portName, port])).toEqual([
      ['edge', 'web', '', 80],
      ['shop', 'cart', 'http', 80],
      ['shop', 'mail', '', 25],
      ['shop', 'web', 'http', 80],
    ]);
  });

  test('external policy Local: pods may go everywhere, external clients stay on the node', () => {
    expect(portOf('shop/web')).toEqual({
      family: 'ip',
      namespace: 'shop',
      name: 'web',
      portName: 'http',
      protocol: 'tcp',
      port: 80,
      affinitySeconds: 0,
      frontends: [
        { kind: 'ClusterIP', address: '10.96.0.10:80', heldBy: '', sourceRanges: null, routes: [0] },
        {
          kind: 'LoadBalancer',
          address: '198.18.0.10:80',
          heldBy: '',
          sourceRanges: ['198.51.100.0/24', '203.0.113.0/24'],
          routes: [0, 1],
        },
        { kind: 'NodePort', address: '*:30080', heldBy: '', sourceRanges: null, routes: [0, 1] },
      ],
      routes: [
        { clients: 'internal', endpoints: 3, refusal: null, reason: '' },
        { clients: 'external', endpoints: 1, refusal: null, reason: '' },
      ],
      endpoints: [
        {
          endpointAddress: '10.244.1.10:8080',
          pod: 'shop/web-1',
          nodeName: 'worker-1',
          zone: 'a',
          local: true,
          state: 'ready',
          routes: [0, 1],
          leftOut: '',
        },
        expect.objectContaining({
          endpointAddress: '10.244.2.20:8080',
          nodeName: 'worker-2',
          zone: 'a',
          routes: [0],
          local: false,
        }),
        expect.objectContaining({ endpointAddress: '10.244.3.30:8080', nodeName: 'worker-3', zone: 'b', routes: [0] }),
        expect.objectContaining({
          endpointAddress: '10.244.3.31:8080',
          state: 'not ready',
          routes: [],
          leftOut: 'not ready',
        }),
      ],
    });
  });

  test('hints keep it in the zone', () => {
    const { affinitySeconds, routes, endpoints } = portOf('shop/cart');
    expect(affinitySeconds).toBe(10_800);
    expect(routes).toEqual([{ clients: '', endpoints: 1, refusal: null, reason: '' }]);
    expect(endpoints.map(({ routes: own, leftOut }) => [own, leftOut])).toEqual([
      [[0], ''],
      [[], 'hinted for other zones'],
    ]);
  });

  test('no endpoint at all is a rejection', () => {
    expect(portOf('shop/mail')).toMatchObject({
      frontends: [{ address: '10.96.0.30:25', routes: [0] }],
      routes: [{ clients: '', endpoints: 0, refusal: 'rejected' }],
      endpoints: [],
    });
  });

  test('an address that another Service has', () => {
    expect(portOf('edge/web').frontends).toEqual([
      { kind: 'ClusterIP', address: '10.96.0.40:80', heldBy: '', sourceRanges: null, routes: [0] },
      { kind: 'ExternalIP', address: '10.96.0.20:80', heldBy: 'shop/cart:http', sourceRanges: null, routes: [] },
    ]);
  });
});

describe('whose share it is', () => {
  const local = ['10.244.1.1', '10.244.2.2'];
  const nodePort = { clusterIP: '10.96.0.1', type: 'NodePort', ports: [{ port: 80, nodePort: 30080 }] };

  test.each([
    ['all alike', {}, ['10.244.1.1:8080 1/2', '10.244.2.2:8080 1/2']],
    [
      'internal policy Local',
      { internalTrafficPolicy: 'Local' },
      ['10.244.1.1:8080 cluster IP 1/1 · other frontends 1/2', '10.244.2.2:8080 other frontends 1/2'],
    ],
    [
      'external policy Local',
      { externalTrafficPolicy: 'Local' },
      ['10.244.1.1:8080 internal 1/2 · external 1/1', '10.244.2.2:8080 internal 1/2'],
    ],
    [
      'both',
      { internalTrafficPolicy: 'Local', externalTrafficPolicy: 'Local' },
      [
        '10.244.1.1:8080 cluster IP, external at other frontends 1/1 · internal at other frontends 1/2',
        '10.244.2.2:8080 internal at other frontends 1/2',
      ],
    ],
  ])('%s', (_, policies, shares) => {
    expect(sharesIn([service('web', { ...nodePort, ...policies }), slice('web', local)])).toEqual(shares);
  });

  test('where pods are not recognized, only the node is an internal client', () => {
    const objects = [service('web', { ...nodePort, externalTrafficPolicy: 'Local' }), slice('web', local)];
    expect(sharesIn(objects, { clusterCIDRs: [] })).toEqual([
      '10.244.1.1:8080 cluster IP, node 1/2 · external at other frontends 1/1',
      '10.244.2.2:8080 cluster IP, node 1/2',
    ]);
  });

  test('external clients are dropped where no endpoint is on the node', () => {
    const objects = [service('web', { ...nodePort, externalTrafficPolicy: 'Local' }), slice('web', ['10.244.2.2'])];
    expect(graphOf(objects).servicePorts[0]?.routes).toEqual([
      { clients: 'internal', endpoints: 1, refusal: null, reason: '' },
      {
        clients: 'external',
        endpoints: 0,
        refusal: 'dropped',
        reason: 'externalTrafficPolicy is Local and no endpoint on worker-1 can receive connections',
      },
    ]);
  });

  test('internal policy Local alone leaves other nodes out', () => {
    const objects = [service('web', { clusterIP: '10.96.0.1', internalTrafficPolicy: 'Local' }), slice('web', local)];
    expect(sharesIn(objects)).toEqual(['10.244.1.1:8080 1/1', '10.244.2.2:8080 not on this node']);
  });
});

test('the state of each endpoint, with why it gets no connections', () => {
  const conditions = [
    { ready: true },
    { ready: false },
    { ready: false, serving: true, terminating: true },
    { ready: false, serving: false, terminating: true },
  ];
  const { endpoints, ...others } = slice('web', ['10.244.2.1', '10.244.2.2', '10.244.2.3', '10.244.2.4']);
  const states = (endpoints as object[]).map((endpoint, index) => ({ ...endpoint, conditions: conditions[index] }));
  const graph = graphOf([service('web', { clusterIP: '10.96.0.1' }), { ...others, endpoints: states }]);
  expect(graph.servicePorts[0]?.endpoints.map(({ state, leftOut }) => [state, leftOut])).toEqual([
    ['ready', ''],
    ['not ready', 'not ready'],
    ['terminating', 'terminating'],
    ['terminating', 'no longer serving'],
  ]);
});

test('only what is wanted', () => {
  const graph = graphOf(shopObjects, {}, ({ namespace }) => namespace === 'edge');
  expect(graph.servicePorts.map(({ namespace, name }) => `${namespace}/${name}`)).toEqual(['edge/web']);
});

test('the order of objects does not matter', () => {
  expect(graphOf(shopObjects.toReversed())).toEqual(shop);
});

describe('why connections are refused', () => {
  /** Reason and clients of each refusal at the only service port, with the frontends that it concerns. */
  function refusalsIn(objects: readonly object[]): string[] {
    const [port] = graphOf(objects).servicePorts;
    const { routes = [], frontends = [] } = port ?? {};
    return routes.flatMap(({ refusal, reason }, index) => {
      const places = frontends.filter((frontend) => frontend.routes.includes(index)).map(({ address }) => address);
      return refusal === null ? [] : `${refusal}: ${reason} (${places.join(' ')})`;
    });
  }
  const sliceOf = (endpoints: readonly object[], ports: readonly object[] = [{ name: '', port: 8080 }]) => ({
    ...slice('web', []),
    ports,
    endpoints,
  });
  const far = { addresses: ['10.244.2.5'], nodeName: 'worker-2' };
  const web = (spec: object) =>
    service('web', { clusterIP: '10.96.0.10', ports: [{ port: 80, nodePort: 30080 }], type: 'NodePort', ...spec });

  test.each([
    ['no slice', [], /^rejected: no EndpointSlice belongs to it.* \(10\.\S+:80 \*:30080\)$/],
    [
      'one endpoint, not ready',
      [sliceOf([{ ...far, conditions: { ready: false } }])],
      /^rejected: the only endpoint is not ready \(10\.\S+:80 \*:30080\)$/,
    ],
    [
      'two endpoints, not ready',
      [
        sliceOf(
          ['10.244.2.5', '10.244.2.6'].map((address) => ({ addresses: [address], conditions: { ready: false } })),
        ),
      ],
      /^rejected: none of the 2 endpoints is ready \(10\.\S+:80 \*:30080\)$/,
    ],
    [
      'a port of another name',
      [sliceOf([far], [{ name: 'http', port: 8080 }])],
      /^rejected: EndpointSlice .* has 1 endpoint, but no port with name "" and protocol TCP/,
    ],
  ])('%s', (_, slices, expected) => {
    expect(refusalsIn([web({}), ...slices])).toEqual([expect.stringMatching(expected)]);
  });

  test('the external policy does not concern the cluster IP', () => {
    expect(refusalsIn([web({ externalTrafficPolicy: 'Local' }), sliceOf([far])])).toEqual([
      'dropped: externalTrafficPolicy is Local and no endpoint on worker-1 can receive connections (*:30080)',
    ]);
  });

  test('the internal policy concerns nothing else', () => {
    expect(refusalsIn([web({ internalTrafficPolicy: 'Local' }), sliceOf([far])])).toEqual([
      expect.stringMatching(
        /^dropped: internalTrafficPolicy is Local and no endpoint on worker-1 can receive connections \(10\.\S+:80\)$/,
      ),
    ]);
  });

  test('both policies are two refusals', () => {
    const spec = { internalTrafficPolicy: 'Local', externalTrafficPolicy: 'Local' };
    expect(refusalsIn([web(spec), sliceOf([far])]).map((text) => text.replace(/Policy is.*/, ''))).toEqual([
      'dropped: internalTraffic',
      'dropped: externalTraffic',
    ]);
  });
});

test('Services without rules, with the reason', () => {
  const alias = { apiVersion: 'v1', kind: 'Service', metadata: { namespace: 'shop', name: 'alias' } };
  const objects = [
    ...shopObjects,
    { ...alias, spec: { type: 'ExternalName', externalName: 'db.example.com' } },
    { ...alias, metadata: { namespace: 'edge', name: 'new' }, spec: { ports: [{ port: 80 }] } },
  ];
  const named = (graph: { unserved: readonly { namespace: string; name: string; reason: string }[] }) =>
    graph.unserved.map(({ namespace, name, reason }) => `${namespace}/${name}: ${reason}`);
  expect(named(graphOf(objects))).toEqual([
    'edge/new: it has no clusterIP (the API server assigns one)',
    'shop/alias: its type is ExternalName, which is only a DNS alias',
    'shop/db: it is headless (clusterIP None), so DNS returns the addresses of its pods',
  ]);
  expect(named(graphOf([...objects, ...objects], {}, ({ namespace }) => namespace === 'edge'))).toHaveLength(1);
});
