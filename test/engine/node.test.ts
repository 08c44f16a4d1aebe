import { describe, expect, test } from 'vitest';
import { createEngine } from '../../src/engine/create-engine.ts';
import { service } from '../inspect/changes/shop.ts';
import { commandsOf, engineWith, node, saidBy, serviceCidr, workerOptions } from './worker.ts';

const [cart, cartSlice] = service('cart', ['2.5']);
/** One endpoint for zone-a, and two for zone-b. */
const zonedSlice = {
  ...cartSlice,
  endpoints: [
    { addresses: ['10.244.2.5'], nodeName: 'worker-2', hints: { forZones: [{ name: 'zone-a' }] } },
    { addresses: ['10.244.3.5'], nodeName: 'worker-3', hints: { forZones: [{ name: 'zone-b' }] } },
    { addresses: ['10.244.3.6'], nodeName: 'worker-3', hints: { forZones: [{ name: 'zone-b' }] } },
  ],
};

describe('the node', () => {
  test('moves to another zone: every Service takes the endpoints of that one', () => {
    const engine = engineWith([cart, zonedSlice]);
    expect(commandsOf(engine.update({ apply: [node({ zone: 'zone-b' })] }))).toEqual([
      'delete element service-ips { 10.96.0.10 . tcp . 80 }',
      'delete element tcp-endpoints { 10.96.0.10 . 80 . 0 }',
      'add chain tcp-cluster-2',
      'add rule tcp-cluster-2 dnat ip to ip daddr . tcp dport . numgen random mod 2 map @tcp-endpoints',
      'add element service-ips { 10.96.0.10 . tcp . 80 comment "shop/cart:http" : goto tcp-cluster-2 }',
      'add element tcp-endpoints { 10.96.0.10 . 80 . 0 : 10.244.3.5 . 8080, 10.96.0.10 . 80 . 1 : 10.244.3.6 . 8080 }',
    ]);
  });

  test('gets another address: node ports open there', () => {
    expect(commandsOf(engineWith([cart, cartSlice]).update({ apply: [node({ address: '192.0.2.12' })] }))).toEqual([
      'delete element nodeport-ips { 192.0.2.11 }',
      'add element nodeport-ips { 192.0.2.12 }',
    ]);
  });

  test('has endpoints of its own: they are local from then on', () => {
    const engine = createEngine({ ...workerOptions, nodeName: 'worker-9' });
    const [local, localSlice] = service('cart', ['9.5'], { spec: { internalTrafficPolicy: 'Local' } });
    engine.update({ apply: [{ ...node(), metadata: { name: 'worker-9' } }, local], complete: true });
    expect(commandsOf(engine.update({ apply: [localSlice] })).slice(-4)).toEqual([
      'add rule tcp-local-1 dnat ip to ip daddr . tcp dport . numgen random mod 1 map @tcp-local-endpoints',
      'add element hairpin-connections { 10.244.9.5 . 10.244.9.5 . tcp . 8080 }',
      'add element service-ips { 10.96.0.10 . tcp . 80 comment "shop/cart:http" : goto tcp-local-1 }',
      'add element tcp-local-endpoints { 10.96.0.10 . 80 . 0 : 10.244.9.5 . 8080 }',
    ]);
  });
});

describe('a node that is not known', () => {
  const other = { ...node(), metadata: { name: 'worker-2' } };
  const invalid = node({ address: 'nowhere' });

  test.each([
    ['another one is there in its place', [other], ['node-not-found']],
    ['its addresses are invalid', [invalid], ['ignored-address', 'no-node-address']],
  ])('%s: nothing is done until it is known', (_, objects, codes) => {
    const engine = createEngine(workerOptions);
    const update = engine.update({ apply: [...objects, cart, cartSlice], complete: true });
    expect(update).toMatchObject({ families: [], text: '' });
    expect(update.diagnostics.map(({ code }) => code)).toEqual(codes);
    expect([engine.isReady(), engine.views(), engine.rulesets().map(({ chains }) => chains.length)]).toEqual([
      false,
      [],
      [0],
    ]);

    const commands = commandsOf(engine.update({ apply: [node()] }));
    expect(engine.isReady()).toBe(true);
    expect(commands.slice(0, 2)).toEqual([
      'add table { comment "Kubernetes Services, by svc2nft"; }',
      'add set cluster-ips { type ipv4_addr; comment "cluster IPs in use"; }',
    ]);
    expect(commands.slice(-4)).toEqual([
      'add element nodeport-ips { 192.0.2.11 }',
      'add element cluster-ips { 10.96.0.10 comment "shop/cart" }',
      'add element service-ips { 10.96.0.10 . tcp . 80 comment "shop/cart:http" : goto tcp-cluster-1 }',
      'add element tcp-endpoints { 10.96.0.10 . 80 . 0 : 10.244.2.5 . 8080 }',
    ]);
  });

  test('that was known before keeps its table, and catches up when it is known again', () => {
    const engine = engineWith([cart, cartSlice]);
    const chains = engine.rulesets()[0]?.chains;
    expect(saidBy(engine.update({ apply: [invalid] }))).toEqual([
      'ignored-address: status.addresses[0].address is "nowhere"; it is ignored because it is not an IP address',
      'no-node-address: no address of node worker-1 is known; give one (--node-ip, nodeAddresses), or include its Node object with status.addresses',
    ]);
    const moved = service('cart', ['2.6'])[1];
    expect(engine.update({ apply: [moved] })).toEqual({ families: [], text: '', diagnostics: [], waitsFor: 'node' });
    expect([engine.isReady(), engine.rulesets()[0]?.chains]).toEqual([false, chains]);

    expect(commandsOf(engine.update({ apply: [node()] }))).toEqual([
      'delete element tcp-endpoints { 10.96.0.10 . 80 . 0 }',
      'add element tcp-endpoints { 10.96.0.10 . 80 . 0 : 10.244.2.6 . 8080 }',
    ]);
  });

  test('is known when one of its addresses is valid', () => {
    const addresses = ['worker-1.internal', '192.0.2.11'].map((address) => ({ type: 'InternalIP', address }));
    const engine = createEngine(workerOptions);
    const update = engine.update({ apply: [{ ...node(), status: { addresses } }], complete: true });
    expect(update.diagnostics.map(({ code }) => code)).toEqual(['ignored-address']);
    expect(commandsOf(update)).toContain('add element nodeport-ips { 192.0.2.11 }');
  });

  test('is known when its addresses are given', () => {
    const engine = createEngine({ ...workerOptions, nodeAddresses: ['192.0.2.50'] });
    expect(commandsOf(engine.update({ apply: [invalid], complete: true }))).toContain(
      'add element nodeport-ips { 192.0.2.50 }',
    );
  });
});

test('ranges of cluster IPs come and go, each by its object', () => {
  const engine = engineWith([]);
  const changes = [
    { apply: [serviceCidr('kubernetes', '10.96.0.0/16', 'fd00:10:96::/108')] },
    { apply: [serviceCidr('more', '10.112.0.0/16')] },
    { apply: [serviceCidr('kubernetes', '10.96.0.0/11')] },
    { apply: [serviceCidr('kubernetes', '10.96.0.0/11')] },
    { remove: [{ kind: 'ServiceCIDR', name: 'kubernetes' }] },
    { remove: [{ kind: 'ServiceCIDR', name: 'more' }] },
  ];
  expect(changes.map((change) => commandsOf(engine.update(change)))).toEqual([
    ['add element service-cidrs { 10.96.0.0/16 }'],
    ['add element service-cidrs { 10.112.0.0/16 }'],
    // One range holds the other, so the set is filled again: nft would report an overlap.
    ['flush set service-cidrs', 'add element service-cidrs { 10.96.0.0/11 }'],
    [],
    ['flush set service-cidrs', 'add element service-cidrs { 10.112.0.0/16 }'],
    ['flush set service-cidrs'],
  ]);
});
