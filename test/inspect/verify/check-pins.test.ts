import { describe, expect, test } from 'vitest';
import type { DynamicElement } from '../../../src/nft/listed-table.ts';
import { documentsOf } from '../../../src/phases/1-read/read-documents.ts';
import { service, slice } from '../../support/small-cluster.ts';
import { linesOf, type Side, sidesOf } from './verify-objects.ts';

const cart = ['10.244.1.10', '10.244.2.20'];
const objects = [
  service('cart', {
    type: 'LoadBalancer',
    clusterIP: '10.96.0.10',
    sessionAffinity: 'ClientIP',
    externalTrafficPolicy: 'Local',
    ports: [{ port: 80, nodePort: 30_080 }],
  }),
  slice('cart', cart),
  service('plain', { clusterIP: '10.96.0.20' }),
  slice('plain', ['10.244.1.30', '10.244.2.30']),
];

const [side] = sidesOf(documentsOf(objects), {
  nodeName: 'worker-1',
  nodeAddresses: ['192.0.2.11'],
  clusterCIDRs: ['10.244.0.0/16'],
  families: ['ip'],
  targetNft: '1.1.3',
}) as [Side];

interface Place {
  readonly client?: string;
  readonly at?: string;
  readonly timeoutSeconds?: number | undefined;
}

/** The pin of a client to an endpoint, as the element of a map and as that of the set beside it. */
function pinTo(
  endpoint: string,
  { client = '10.244.5.5', at = '10.96.0.10 . 80', ...rest }: Place = {},
): { map: DynamicElement; set: DynamicElement } {
  const [address = '', port = ''] = endpoint.split(':');
  const seconds = 'timeoutSeconds' in rest ? rest.timeoutSeconds : 10_800;
  const times = seconds === undefined ? {} : { timeoutSeconds: seconds, expiresSeconds: seconds - 1 };
  const key = `${client} . ${at}`;
  return {
    map: { key, value: { address, port: Number(port) }, ...times },
    set: { key: `${key} . ${address} . ${port}`, ...times },
  };
}

function faultsOf(map: readonly DynamicElement[], set: readonly DynamicElement[]): string[] {
  const pins = new Map([
    ['tcp-pins', map],
    ['tcp-pinned', set],
  ]);
  return linesOf(side, { isActual: true, pins });
}

const place = 'wrong-affinity shop/cart 10.96.0.10:80/tcp: connections from';

describe('pins that are right', () => {
  test.each([
    ['of a pod, to an endpoint elsewhere', pinTo('10.244.2.20:8080')],
    [
      'of a client, to an endpoint on this node',
      pinTo('10.244.1.10:8080', { client: '203.0.113.9', at: '192.0.2.11 . 30080' }),
    ],
    ['of the node', pinTo('10.244.2.20:8080', { client: '192.0.2.11' })],
    ['with the timeout of before', pinTo('10.244.2.20:8080', { timeoutSeconds: 60 })],
    ['to an endpoint that is gone: the first packet deletes it', pinTo('10.244.2.99:8080')],
    ['that no chain reads', pinTo('9.9.9.9:80', { at: '10.96.0.20 . 80', timeoutSeconds: undefined })],
    ['at an address that no Service has', pinTo('9.9.9.9:80', { at: '10.96.7.7 . 80' })],
  ])('%s', (_, { map, set }) => {
    expect(faultsOf([map], [set])).toEqual([]);
  });

  test('to an endpoint, without the element in the set, which the next packet adds', () => {
    expect(faultsOf([pinTo('10.244.2.20:8080').map], [])).toEqual([]);
  });

  test.each([
    ['of a Service with affinity', pinTo('10.244.2.20:8080')],
    ['of an endpoint that is gone', pinTo('10.244.2.99:8080')],
    ['of a Service without affinity: one packet is lost', pinTo('10.244.2.30:8080', { at: '10.96.0.20 . 80' })],
  ])('in the set alone, %s', (_, { set }) => {
    expect(faultsOf([], [set])).toEqual([]);
  });
});

describe('pins that are wrong', () => {
  test('to what is no endpoint, without the element by which a packet would delete it', () => {
    expect(faultsOf([pinTo('9.9.9.9:80').map], [])).toEqual([
      `${place} 10.244.5.5 follow a pin to 9.9.9.9:80 and reach 9.9.9.9:80, but should not`,
    ]);
  });

  test('to the endpoint of another Service', () => {
    expect(faultsOf([pinTo('10.244.1.30:8080').map], [pinTo('10.244.2.20:8080').set])).toEqual([
      `${place} 10.244.5.5 follow a pin to 10.244.1.30:8080 and reach 10.244.1.30:8080, but should not`,
    ]);
  });

  test('to an endpoint that only other clients may reach', () => {
    const { map, set } = pinTo('10.244.2.20:8080', { client: '203.0.113.9', at: '192.0.2.11 . 30080' });
    expect(faultsOf([map], [set])).toEqual([
      'wrong-affinity shop/cart *:30080/tcp: connections from 203.0.113.9 follow a pin to 10.244.2.20:8080 and reach 10.244.2.20:8080, but should not',
    ]);
  });

  test('without a timeout', () => {
    const { map, set } = pinTo('10.244.2.20:8080', { timeoutSeconds: undefined });
    expect(faultsOf([map], [set])).toEqual([
      `${place} 10.244.5.5 keep 10.244.2.20:8080 forever, but should for 10,800 s`,
    ]);
  });

  test('among a thousand', () => {
    const clients = Array.from({ length: 1000 }, (_, index) => `10.244.${100 + (index >> 7)}.${index & 127}`);
    const right = clients.map((client) => pinTo('10.244.2.20:8080', { client }));
    const wrong = pinTo('9.9.9.9:80', { client: '10.244.101.7' });
    const maps = right.map(({ map }) => (map.key === wrong.map.key ? wrong.map : map));
    const sets = right.map(({ set }) => set);
    expect(faultsOf(maps, sets)).toEqual([
      `${place} 10.244.101.7 follow a pin to 9.9.9.9:80 and reach 9.9.9.9:80, but should not`,
    ]);
  });
});

test('a fault of the rules is reported without the pins that meet it, too', () => {
  const chains = side.ruleset.chains.map((chain) =>
    chain.name === 'nat-prerouting' ? { ...chain, rules: [[{ kind: 'drop' } as const]] } : chain,
  );
  const ruleset = { ...side.ruleset, chains };
  const pins = new Map([['tcp-pins', [pinTo('9.9.9.9:80').map]]]);
  expect(linesOf({ ...side, ruleset }, { isActual: true, pins })).toEqual(
    linesOf({ ...side, ruleset }, { isActual: true }),
  );
});
