import { describe, expect, test } from 'vitest';
import { deletePins, findInvalidatedPins, type Pins, restorePins, splitPins } from '../../src/diff/pins.ts';
import { indexTable } from '../../src/diff/table-state.ts';
import type { DynamicElement } from '../../src/nft/listed-table.ts';
import { rulesetOf, type ServiceFields, type Side, service, service6 } from '../inspect/changes/shop.ts';

const affinity = { sessionAffinity: 'ClientIP' };
const nodePort: ServiceFields = { port: { nodePort: 30080 }, spec: { type: 'NodePort', ...affinity } };
const withoutPins: ServiceFields = { port: { nodePort: 30080 }, spec: { type: 'NodePort' } };

function installed(side: Side, family: 'ip' | 'ip6' = 'ip') {
  return indexTable(rulesetOf(side, family));
}

/** Pins of TCP, both as the map has them and as the set does: `client . address . port : endpoint . port`. */
function pinsOf(...texts: readonly string[]): Pins {
  const parts = texts.map((text) => text.split(' : '));
  const inMap = parts.map(([key = '', endpoint = '']): DynamicElement => {
    const [address = '', port] = endpoint.split(' . ');
    return { key, value: { address, port: Number(port) }, timeoutSeconds: 10_800, expiresSeconds: 60 };
  });
  const inSet = parts.map((part): DynamicElement => ({ key: part.join(' . '), expiresSeconds: 60 }));
  return new Map([
    ['tcp-pins', inMap],
    ['tcp-pinned', inSet],
  ]);
}

const toCart = '192.0.2.99 . 10.96.0.10 . 80 : 10.244.1.5 . 8080';
const toOther = '192.0.2.98 . 10.96.0.10 . 80 : 10.244.2.5 . 8080';
const toNodePort = '192.0.2.99 . 192.0.2.11 . 30080 : 10.244.1.5 . 8080';

describe('a pin', () => {
  const cart = installed({ services: [service('cart', ['1.5'], nodePort)] });

  test('to an endpoint that the frontend has stays, in the map and in the set', () => {
    const pins = pinsOf(toCart, toNodePort);
    expect(splitPins(pins, cart, new Set())).toEqual({ kept: pins, lost: new Map() });
  });

  test.each([
    ['to an endpoint that is gone', toOther],
    ['to another port of an endpoint', '192.0.2.99 . 10.96.0.10 . 80 : 10.244.1.5 . 9090'],
    ['at a port that is none', '192.0.2.99 . 10.96.0.10 . 81 : 10.244.1.5 . 8080'],
    ['at an address that is none', '192.0.2.99 . 10.96.0.11 . 80 : 10.244.1.5 . 8080'],
    ['at a node port that is none', '192.0.2.99 . 192.0.2.11 . 30081 : 10.244.1.5 . 8080'],
  ])('%s is lost', (_, pin) => {
    const pins = pinsOf(pin);
    expect(splitPins(pins, cart, new Set())).toEqual({ kept: new Map(), lost: pins });
  });

  test('that never expires is lost', () => {
    const forever = new Map(
      [...pinsOf(toCart)].map(([set, pins]) => [set, pins.map(({ key, value }) => ({ key, ...(value && { value }) }))]),
    );
    expect(splitPins(forever, cart, new Set())).toEqual({ kept: new Map(), lost: forever });
  });

  test('of a Service without affinity is lost', () => {
    const after = installed({ services: [service('cart', ['1.5'], withoutPins)] });
    expect(splitPins(pinsOf(toCart), after, new Set())).toEqual({ kept: new Map(), lost: pinsOf(toCart) });
  });

  test('of another protocol is not taken for one', () => {
    const pins = new Map([['udp-pins', pinsOf(toCart).get('tcp-pins') ?? []]]);
    expect(splitPins(pins, cart, new Set())).toEqual({ kept: new Map(), lost: pins });
  });

  test('is none when it stands in another set', () => {
    const pins = new Map([['theirs', pinsOf(toCart).get('tcp-pins') ?? []]]);
    expect(splitPins(pins, cart, new Set())).toEqual({ kept: new Map(), lost: new Map() });
  });

  test.each([
    ['the frontend', 'tcp 10.96.0.10 . 80', toCart],
    ['the endpoint at this frontend', 'tcp 10.96.0.10 . 80 . 10.244.1.5 . 8080', toCart],
    ['the node port', 'tcp 30080', toNodePort],
    ['the endpoint at this node port', 'tcp 30080 . 10.244.1.5 . 8080', toNodePort],
  ])('is lost, and others stay, when %s is invalidated', (_, key, pin) => {
    const kept = pin === toCart ? toNodePort : toCart;
    expect(splitPins(pinsOf(toCart, toNodePort), cart, new Set([key]))).toEqual({
      kept: pinsOf(kept),
      lost: pinsOf(pin),
    });
  });

  test.each(['udp 10.96.0.10 . 80', 'tcp 10.96.0.10 . 81', 'tcp 10.96.0.10 . 80 . 10.244.1.6 . 8080', 'tcp 3008'])(
    'stays when other pins are invalidated: %s',
    (key) => {
      expect(splitPins(pinsOf(toCart, toNodePort), cart, new Set([key])).lost).toEqual(new Map());
    },
  );

  test('of IPv6 is like any other', () => {
    const side: Side = {
      services: [service6('cart', ['1.5'], { ports: [{ name: 'http', port: 80, nodePort: 30080 }], ...nodePort.spec })],
      options: { targetNft: '1.1.3' },
    };
    const stays = 'fd00:9::9 . fd00:10:96::10 . 80 : fd00:10:244:1::5 . 8080';
    const staysToo = 'fd00:9::9 . 2001:db8:a::11 . 30080 : fd00:10:244:1::5 . 8080';
    const goes = 'fd00:9::9 . fd00:10:96::10 . 80 : fd00:10:244:1::6 . 8080';
    expect(splitPins(pinsOf(stays, staysToo, goes), installed(side, 'ip6'), new Set())).toEqual({
      kept: pinsOf(stays, staysToo),
      lost: pinsOf(goes),
    });
  });
});

test('pins are deleted whether they are there or not, and restored with the time that is left', () => {
  const pins = pinsOf(toCart);
  expect(deletePins(pins)).toEqual([
    {
      kind: 'add-pins',
      set: 'tcp-pins',
      pins: [{ key: '192.0.2.99 . 10.96.0.10 . 80', value: { address: '10.244.1.5', port: 8080 } }],
    },
    { kind: 'delete-elements', set: 'tcp-pins', elements: pins.get('tcp-pins') },
    { kind: 'add-pins', set: 'tcp-pinned', pins: [{ key: '192.0.2.99 . 10.96.0.10 . 80 . 10.244.1.5 . 8080' }] },
    { kind: 'delete-elements', set: 'tcp-pinned', elements: pins.get('tcp-pinned') },
  ]);
  expect(restorePins(pins)).toEqual([
    { kind: 'add-pins', set: 'tcp-pins', pins: pins.get('tcp-pins') },
    { kind: 'add-pins', set: 'tcp-pinned', pins: pins.get('tcp-pinned') },
  ]);
});

describe('pins are invalidated', () => {
  /** `shop/cart` with an external IP and a node port, and both policies as given. */
  function cart(hosts: readonly string[], internalTrafficPolicy: string, externalTrafficPolicy: string): Side {
    const spec = { type: 'NodePort', externalIPs: ['198.19.0.5'], internalTrafficPolicy, externalTrafficPolicy };
    return { services: [service('cart', hosts, { port: { nodePort: 30080 }, spec })] };
  }
  const both = ['1.5', '2.5'];

  function invalidatedPins(before: Side, after: Side, family: 'ip' | 'ip6' = 'ip'): string[] {
    return [...findInvalidatedPins(installed(before, family).sets, installed(after, family).sets)].sort();
  }

  test.each<[string, Side, Side, string[]]>([
    [
      'internal policy Local',
      cart(both, 'Cluster', 'Cluster'),
      cart(both, 'Local', 'Cluster'),
      ['tcp 10.96.0.10 . 80'],
    ],
    [
      'internal policy Cluster',
      cart(both, 'Local', 'Cluster'),
      cart(both, 'Cluster', 'Cluster'),
      ['tcp 10.96.0.10 . 80'],
    ],
    [
      'external policy Local',
      cart(both, 'Cluster', 'Cluster'),
      cart(both, 'Cluster', 'Local'),
      ['tcp 198.19.0.5 . 80', 'tcp 30080'],
    ],
    [
      'external policy Cluster',
      cart(both, 'Cluster', 'Local'),
      cart(both, 'Cluster', 'Cluster'),
      ['tcp 198.19.0.5 . 80', 'tcp 30080'],
    ],
    [
      'an endpoint left this node',
      cart(['1.5', '1.6'], 'Cluster', 'Local'),
      cart(['1.6'], 'Cluster', 'Local'),
      ['tcp 198.19.0.5 . 80 . 10.244.1.5 . 8080', 'tcp 30080 . 10.244.1.5 . 8080'],
    ],
    [
      'no endpoint is left on this node',
      cart(both, 'Cluster', 'Local'),
      cart(['2.5'], 'Cluster', 'Local'),
      ['tcp 198.19.0.5 . 80', 'tcp 30080'],
    ],
    [
      'a Service is gone',
      cart(both, 'Cluster', 'Cluster'),
      { services: [] },
      ['tcp 10.96.0.10 . 80', 'tcp 198.19.0.5 . 80', 'tcp 30080'],
    ],
  ])('%s', (_, before, after, keys) => {
    expect(invalidatedPins(before, after)).toEqual(keys);
  });

  test.each<[string, Side, Side]>([
    ['nothing happens', cart(both, 'Cluster', 'Local'), cart(both, 'Cluster', 'Local')],
    ['an endpoint goes that any policy may use', cart(both, 'Cluster', 'Cluster'), cart(['1.5'], 'Cluster', 'Cluster')],
    ['an endpoint comes to this node', cart(['1.5'], 'Local', 'Local'), cart(['1.5', '1.6'], 'Local', 'Local')],
    ['a Service comes', { services: [] }, cart(both, 'Local', 'Local')],
  ])('not when %s', (_, before, after) => {
    expect(invalidatedPins(before, after)).toEqual([]);
  });

  test('over IPv6 as well', () => {
    const six = (policy: string): Side => ({
      services: [service6('six', both, { internalTrafficPolicy: policy })],
    });
    expect(invalidatedPins(six('Cluster'), six('Local'), 'ip6')).toEqual(['tcp fd00:10:96::10 . 80']);
  });
});
