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
        { clients: 'internal', endpoints: 3, refusal: null },
        { clients: 'external at other frontends', endpoints: 1, refusal: null },
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
    expect(routes).toEqual([{ clients: '', endpoints: 1, refusal: null }]);
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
      ['10.244.1.1:8080 internal 1/2 · external at other frontends 1/1', '10.244.2.2:8080 internal 1/2'],
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
      { clients: 'internal', endpoints: 1, refusal: null },
      { clients: 'external at other frontends', endpoints: 0, refusal: 'dropped' },
    ]);
  });

  test('internal policy Local alone leaves other nodes out', () => {
    const objects = [service('web', { clusterIP: '10.96.0.1', internalTrafficPolicy: 'Local' }), slice('web', local)];
    expect(sharesIn(objects)).toEqual(['10.244.1.1:8080 1/1', '10.244.2.2:8080 not on this node']);
  });
});

test('only what is wanted', () => {
  const graph = graphOf(shopObjects, {}, ({ namespace }) => namespace === 'edge');
  expect(graph.servicePorts.map(({ namespace, name }) => `${namespace}/${name}`)).toEqual(['edge/web']);
});

test('the order of objects does not matter', () => {
  expect(graphOf(shopObjects.toReversed())).toEqual(shop);
});
