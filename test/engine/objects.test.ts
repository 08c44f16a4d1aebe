import { describe, expect, test } from 'vitest';
import { createEngine } from '../../src/engine/create-engine.ts';
import { service, service6 } from '../inspect/changes/shop.ts';
import { commandsOf, engineWith, node, saidBy, serviceNamed, workerOptions } from './worker.ts';

const [cart, cartSlice] = service('cart', ['2.5']);

const cartComes = [
  'add map tcp-endpoints { typeof ip daddr . tcp dport . numgen random mod 2 : ip daddr . tcp dport; comment "IP, port and index to endpoint"; }',
  'add chain tcp-cluster-1',
  'add rule tcp-cluster-1 dnat ip to ip daddr . tcp dport . numgen random mod 1 map @tcp-endpoints',
  'add element cluster-ips { 10.96.0.10 comment "shop/cart" }',
  'add element service-ips { 10.96.0.10 . tcp . 80 comment "shop/cart:http" : goto tcp-cluster-1 }',
  'add element tcp-endpoints { 10.96.0.10 . 80 . 0 : 10.244.2.5 . 8080 }',
];
const cartGoes = [
  'delete element cluster-ips { 10.96.0.10 }',
  'delete element service-ips { 10.96.0.10 . tcp . 80 }',
  'delete element tcp-endpoints { 10.96.0.10 . 80 . 0 }',
];
const cartComesBack = cartComes.slice(3);

test('invalid options throw', () => {
  expect(() => createEngine({ table: '1', masqueradeBit: 32 })).toThrow(RangeError);
});

describe('objects come in any order', () => {
  test('a slice before its Service does nothing until then', () => {
    const engine = engineWith([]);
    expect(engine.update({ apply: [cartSlice] })).toEqual({ families: [], text: '', diagnostics: [], triggers: [] });
    expect(commandsOf(engine.update({ apply: [cart] }))).toEqual(cartComes);
  });

  test('a Service before its slice is refused meanwhile', () => {
    const engine = engineWith([]);
    expect(commandsOf(engine.update({ apply: [cart] }))).toEqual([
      'add element cluster-ips { 10.96.0.10 comment "shop/cart" }',
      'add element no-endpoint-services { 10.96.0.10 . tcp . 80 comment "shop/cart:http" : goto reject-chain }',
    ]);
    expect(commandsOf(engine.update({ apply: [cartSlice] }))).toEqual([
      'delete element no-endpoint-services { 10.96.0.10 . tcp . 80 }',
      ...cartComes.slice(0, 3),
      ...cartComes.slice(4),
    ]);
  });

  test('a List is its items', () => {
    const list = { apiVersion: 'v1', kind: 'List', items: [cart, cartSlice] };
    expect(commandsOf(engineWith([]).update({ apply: [list] }))).toEqual(cartComes);
  });

  test('who is gone and then there again in one call has not changed', () => {
    const engine = engineWith([cart, cartSlice]);
    expect(engine.update({ remove: [serviceNamed('cart')], apply: [cart] }).families).toEqual([]);
  });
});

describe('an update without a difference is empty', () => {
  const engine = engineWith([cart, cartSlice]);
  const nothing = { families: [], text: '', diagnostics: [], triggers: [] };

  test.each([
    ['no change', {}],
    ['the same objects', { apply: [cart, cartSlice] }],
    ['the same objects again', { apply: [cart, cartSlice] }],
    ['a heartbeat of the node', { apply: [node({ conditions: [{ type: 'Ready', status: 'True' }] })] }],
    ['labels and annotations', { apply: [{ ...cart, metadata: { ...metadata(cart), labels: { a: 'b' } } }] }],
    ['another kind', { apply: [{ apiVersion: 'v1', kind: 'Pod', metadata: metadata(cart) }] }],
    ['a Service of Knative', { apply: [{ ...cart, apiVersion: 'serving.knative.dev/v1', spec: {} }] }],
    [
      'a slice without a Service',
      { apply: [{ ...cartSlice, metadata: { ...metadata(cartSlice), name: 'x', labels: {} } }] },
    ],
    ['who was never there goes', { remove: [serviceNamed('basket'), { kind: 'Pod', name: 'x' }, { kind: '' }] }],
  ])('%s', (_, changes) => {
    expect(engine.update(changes)).toEqual(nothing);
  });
});

describe('an invalid object', () => {
  const broken = { ...cart, spec: { clusterIP: 'x', ports: [{ name: 'http', port: 80 }] } };

  test('is left out with a diagnostic; its next version is like any other', () => {
    const engine = engineWith([cart, cartSlice]);
    const update = engine.update({ apply: [broken] });
    expect(commandsOf(update)).toEqual(cartGoes);
    expect(saidBy(update)).toEqual(['invalid-address: spec.clusterIP is "x"; expected an IP address']);
    expect(commandsOf(engine.update({ apply: [cart] }))).toEqual(cartComesBack);
  });

  test('does not keep the others', () => {
    const [basket, basketSlice] = service('basket', ['2.6'], { spec: { clusterIP: '10.96.0.11' } });
    const update = engineWith([cart, cartSlice]).update({ apply: [broken, basket, basketSlice, 17, undefined] });
    expect(commandsOf(update)).toEqual([
      'delete element cluster-ips { 10.96.0.10 }',
      'delete element service-ips { 10.96.0.10 . tcp . 80 }',
      'delete element tcp-endpoints { 10.96.0.10 . 80 . 0 }',
      'add element cluster-ips { 10.96.0.11 comment "shop/basket" }',
      'add element service-ips { 10.96.0.11 . tcp . 80 comment "shop/basket:http" : goto tcp-cluster-1 }',
      'add element tcp-endpoints { 10.96.0.11 . 80 . 0 : 10.244.2.6 . 8080 }',
    ]);
    expect(update.diagnostics.map(({ code }) => code)).toEqual(['invalid-address', 'not-an-object', 'not-an-object']);
  });

  test('that is a slice takes its endpoints along', () => {
    const update = engineWith([cart, cartSlice]).update({ apply: [{ ...cartSlice, addressType: 'FQDN' }] });
    expect(commandsOf(update)).toEqual([
      'delete element service-ips { 10.96.0.10 . tcp . 80 }',
      'delete element tcp-endpoints { 10.96.0.10 . 80 . 0 }',
      'add element no-endpoint-services { 10.96.0.10 . tcp . 80 comment "shop/cart:http" : goto reject-chain }',
    ]);
    expect(update.diagnostics.map(({ code }) => code)).toEqual(['unsupported-address-type']);
  });
});

test('a change of one family does not touch the other', () => {
  const six = service6('six', ['2.5']);
  const engine = engineWith([cart, cartSlice, ...six], { families: ['ip', 'ip6'] });
  const { families, text } = engine.update({ apply: [service6('six', ['2.5', '2.6'])[1]] });
  expect(families.map(({ family, table }) => ({ family, table }))).toEqual([{ family: 'ip6', table: 'svc2nft' }]);
  expect(text).toBe(`\
delete element ip6 svc2nft service-ips { fd00:10:96::10 . tcp . 80 }
add chain ip6 svc2nft tcp-cluster-2
add rule ip6 svc2nft tcp-cluster-2 dnat ip6 to ip6 daddr . tcp dport . numgen random mod 2 map @tcp-endpoints
add element ip6 svc2nft service-ips { fd00:10:96::10 . tcp . 80 comment "shop/six:http" : goto tcp-cluster-2 }
add element ip6 svc2nft tcp-endpoints { fd00:10:96::10 . 80 . 1 : fd00:10:244:2::6 . 8080 }
`);
});

test('another table has its own name in all commands', () => {
  const engine = createEngine({ ...workerOptions, table: 'proxy' });
  engine.update({ apply: [node()], complete: true });
  expect(engine.update({ apply: [cart] }).text).toBe(`\
add element ip proxy cluster-ips { 10.96.0.10 comment "shop/cart" }
add element ip proxy no-endpoint-services { 10.96.0.10 . tcp . 80 comment "shop/cart:http" : goto reject-chain }
`);
});

function metadata(object: Readonly<Record<string, unknown>> | undefined): object {
  return object?.['metadata'] as object;
}
