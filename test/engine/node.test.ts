import { describe, expect, test } from 'vitest';
import { severityOf } from '../../src/diagnostics/diagnostic.ts';
import { createEngine } from '../../src/engine/create-engine.ts';
import type { Changes } from '../../src/engine/engine.ts';
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
      'add element hairpin-connections { 10.244.9.5 . 10.244.9.5 }',
      'add element service-ips { 10.96.0.10 . tcp . 80 comment "shop/cart:http" : goto tcp-local-1 }',
      'add element tcp-local-endpoints { 10.96.0.10 . 80 . 0 : 10.244.9.5 . 8080 }',
    ]);
  });
});

describe('a node that is not known', () => {
  const workerTwo = { kind: 'Node', name: 'worker-2' };
  const other = { ...node(), metadata: { name: 'worker-2' } };
  const invalid = node({ address: 'nowhere' });
  const named = { ...node(), status: { addresses: [{ type: 'Hostname', address: 'worker-1' }] } };

  test.each([
    ['another one is there in its place', [other], ['node-not-found']],
    ['its addresses are invalid', [invalid], ['ignored-address', 'no-node-address']],
    ['there is none', [], ['no-node-address']],
    ['it has no status', [{ ...node(), status: undefined }], ['no-node-address']],
    ['it has no addresses', [{ ...node(), status: { addresses: [] } }], ['no-node-address']],
    ['it has names in place of addresses', [named], ['no-node-address']],
    ['it is invalid', [{ ...node(), apiVersion: 'v2' }], ['unsupported-version', 'no-node-address']],
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

  test.each([
    ['none', [], 'no-node'],
    ['several', [node(), other], 'several-nodes'],
  ])('because none is named: of %s', (_, nodes, code) => {
    const { nodeName: _name, ...options } = workerOptions;
    const engine = createEngine(options);
    const update = engine.update({ apply: [...nodes, cart, cartSlice], complete: true });
    expect(update).toMatchObject({ families: [], waitsFor: 'node', diagnostics: [{ code }] });
    const known = engine.update(nodes.length > 0 ? { remove: [workerTwo] } : { apply: [node()] });
    expect(commandsOf(known)).toContain('add element nodeport-ips { 192.0.2.11 }');
  });

  test('is known when one of its addresses is valid', () => {
    const addresses = ['worker-1.internal', '192.0.2.11'].map((address) => ({ type: 'InternalIP', address }));
    const engine = createEngine(workerOptions);
    const update = engine.update({ apply: [{ ...node(), status: { addresses } }], complete: true });
    expect(update.diagnostics.map(({ code }) => code)).toEqual(['ignored-address']);
    expect(commandsOf(update)).toContain('add element nodeport-ips { 192.0.2.11 }');
  });

  test.each([
    ['its own are invalid', [invalid]],
    ['there is none', []],
    ['there is another', [other]],
  ])('is known when its addresses are given, and %s', (_, objects) => {
    const engine = createEngine({ ...workerOptions, nodeAddresses: ['192.0.2.50'] });
    expect(commandsOf(engine.update({ apply: objects, complete: true }))).toContain(
      'add element nodeport-ips { 192.0.2.50 }',
    );
    expect(engine.update({ apply: [cart, cartSlice] }).diagnostics).toEqual([]);
  });
});

describe('a node that was known', () => {
  const isGone = 'node-not-found: Node worker-1 is missing or invalid; using its last known version';
  const lost = (what: string): string => `no-node-address: Node worker-1 lost ${what}; rules keep using it`;
  const invalid =
    'ignored-address: status.addresses[0].address is "nowhere"; it is ignored because it is not an IP address';
  const remove = [{ kind: 'Node', name: 'worker-1' }];
  const moved = service('cart', ['2.6'])[1];

  test.each<[string, Changes, readonly string[]]>([
    ['is removed', { remove }, [isGone]],
    ['is replaced by another', { remove, apply: [{ ...node(), metadata: { name: 'worker-2' } }] }, [isGone]],
    ['loses its status', { apply: [{ ...node(), status: null }] }, [lost('address 192.0.2.11')]],
    ['loses its addresses', { apply: [{ ...node(), status: { addresses: [] } }] }, [lost('address 192.0.2.11')]],
    ['gets an invalid address', { apply: [node({ address: 'nowhere' })] }, [invalid, lost('address 192.0.2.11')]],
    [
      'has addresses of another family only',
      { apply: [node({ address: '2001:db8::11' })] },
      [lost('address 192.0.2.11')],
    ],
  ])('and %s: Services are served on with what was known, and a warning', (_, change, said) => {
    const engine = engineWith([cart, cartSlice]);
    const update = engine.update(change);
    expect([saidBy(update), update.text, update.waitsFor]).toEqual([said, '', undefined]);
    expect(update.diagnostics.map(severityOf)).toEqual(said.map(() => 'warning'));

    const next = engine.update({ apply: [moved] });
    expect(commandsOf(next)).toEqual([
      'delete element tcp-endpoints { 10.96.0.10 . 80 . 0 }',
      'add element tcp-endpoints { 10.96.0.10 . 80 . 0 : 10.244.2.6 . 8080 }',
    ]);
    expect([next.diagnostics, engine.isReady()]).toEqual([[], true]);
    expect(commandsOf(engine.update({ apply: [node({ address: '192.0.2.12' })] }))).toEqual([
      'delete element nodeport-ips { 192.0.2.11 }',
      'add element nodeport-ips { 192.0.2.12 }',
    ]);
  });

  test('and is invalid keeps its zone', () => {
    const engine = engineWith([cart, zonedSlice]);
    const update = engine.update({ apply: [{ ...node(), spec: { podCIDRs: 'x' } }] });
    expect(saidBy(update).slice(1)).toEqual([isGone]);
    expect(update.text).toBe('');
  });

  test('and is one of several, without a name to choose it, stays the node', () => {
    const { nodeName: _, ...options } = workerOptions;
    const engine = createEngine(options);
    engine.update({ apply: [node(), cart, cartSlice], complete: true });
    const update = engine.update({ apply: [{ ...node({ address: '192.0.2.12' }), metadata: { name: 'worker-2' } }] });
    const said =
      'several-nodes: there are several Nodes and none is named; using the last known version of Node worker-1';
    expect([saidBy(update), update.text]).toEqual([[said], '']);
    expect(commandsOf(engine.update({ remove }))).toContain('add element nodeport-ips { 192.0.2.12 }');
  });

  test('names all addresses that it lost', () => {
    const engine = createEngine(workerOptions);
    const addresses = ['192.0.2.11', '192.0.2.12'].map((address) => ({ type: 'InternalIP', address }));
    engine.update({ apply: [{ ...node(), status: { addresses } }, cart, cartSlice], complete: true });
    expect(saidBy(engine.update({ apply: [{ ...node(), status: {} }] }))).toEqual([
      'no-node-address: Node worker-1 lost addresses 192.0.2.11 and 192.0.2.12; rules keep using them',
    ]);
  });

  describe('without a name to choose it', () => {
    const { nodeName: _, ...options } = workerOptions;
    const moved12 = node({ address: '192.0.2.12' });
    const named = (name: string): object => ({ ...moved12, metadata: { name } });
    const broken = (name: string): object => ({ ...named(name), spec: { podCIDRs: 'x' } });
    const opens12 = ['delete element nodeport-ips { 192.0.2.11 }', 'add element nodeport-ips { 192.0.2.12 }'];
    const start = (): ReturnType<typeof createEngine> => {
      const engine = createEngine(options);
      engine.update({ apply: [node(), cart, cartSlice], complete: true });
      return engine;
    };

    test.each<[string, readonly object[]]>([
      ['one other Node', [broken('worker-2')]],
      ['two other Nodes', [broken('worker-2'), broken('worker-3')]],
      ['another Node that was valid', [named('worker-2'), broken('worker-2')]],
    ])('goes on changing while %s is invalid', (_name, others) => {
      const engine = start();
      const updates = others.map((object) => engine.update({ apply: [object] }));
      expect(updates.at(-1)?.diagnostics.map(({ code }) => code)).toEqual(['wrong-type']);
      expect(updates.map(({ text }) => text).join('')).toBe('');
      const update = engine.update({ apply: [moved12] });
      expect([commandsOf(update), update.diagnostics]).toEqual([opens12, []]);
    });

    test.each<[string, Changes]>([
      ['it is invalid itself', { apply: [broken('worker-1'), named('worker-2')] }],
      ['it is gone, and one of the others invalid', { remove, apply: [named('worker-2'), broken('worker-3')] }],
    ])('is not replaced while %s', (_name, change) => {
      const engine = start();
      const update = engine.update(change);
      expect([saidBy(update).at(-1), update.text]).toEqual([isGone, '']);
    });
  });

  describe('keeps the ranges of its pods, where these recognize them', () => {
    const noRange = 'no-local-detector: Node worker-1 lost pod CIDR 10.244.1.0/24; rules keep using it';
    const badRange = 'ignored-address: spec.podCIDRs[0] is "nowhere"; it is ignored because it is not a CIDR';
    const spec = { podCIDRs: ['10.244.1.0/24'] };

    test.each<[string, object, readonly string[]]>([
      ['none', node(), [noRange]],
      ['an invalid one', { ...node(), spec: { podCIDRs: ['nowhere'] } }, [badRange, noRange]],
      ['none and no address', { ...node(), status: {} }, [lost('address 192.0.2.11'), noRange]],
      ['none and an invalid address', node({ address: 'nowhere' }), [invalid, lost('address 192.0.2.11'), noRange]],
    ])('and has %s', (_name, object, said) => {
      const engine = createEngine({ ...workerOptions, detectLocalMode: 'NodeCIDR' });
      engine.update({ apply: [{ ...node(), spec }, cart, cartSlice], complete: true });
      const update = engine.update({ apply: [object] });
      expect([saidBy(update), update.text]).toEqual([said, '']);
    });

    test('but not where other settings do', () => {
      expect(engineWith([], {}).update({ apply: [{ ...node(), spec }, node()] }).diagnostics).toEqual([]);
    });
  });

  test('keeps its zone when its addresses are given and it is removed', () => {
    const engine = createEngine({ ...workerOptions, nodeAddresses: ['192.0.2.50'] });
    engine.update({ apply: [node(), cart, zonedSlice], complete: true });
    const update = engine.update({ remove });
    expect([saidBy(update), update.text]).toEqual([[isGone], '']);
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
