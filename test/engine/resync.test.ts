import { describe, expect, test } from 'vitest';
import type { Ruleset } from '../../src/nft/ruleset.ts';
import { rulesetOf, service } from '../inspect/changes/shop.ts';
import { commandsOf, engineWith, node, serviceNamed } from './worker.ts';

const [cart, cartSlice] = service('cart', ['2.5']);
const [basket, basketSlice] = service('basket', ['2.6', '2.7'], { spec: { clusterIP: '10.96.0.11' } });

/** A table that holds `shop/cart` with these endpoints; `change` is what somebody did to it. */
function tableWith(hosts: readonly string[], change: (ruleset: Ruleset) => Ruleset = (ruleset) => ruleset) {
  return new Map([['ip', change(rulesetOf({ services: [service('cart', hosts)] }))] as const]);
}

describe('what leads from the kernel to what is wanted', () => {
  const engine = engineWith([cart, cartSlice]);

  test('is nothing when it is there', () => {
    expect(engine.resync(tableWith(['2.5'])).families).toEqual([]);
  });

  test('is the whole table when there is none', () => {
    const commands = commandsOf(engine.resync(new Map([['ip', undefined]])));
    expect(commands[0]).toBe('add table { comment "Kubernetes Services, by svc2nft"; }');
    expect(commands.at(-1)).toBe('add element tcp-endpoints { 10.96.0.10 . 80 . 0 : 10.244.2.5 . 8080 }');
  });

  test('is the difference else, and the order of the kernel is kept from then on', () => {
    expect(commandsOf(engine.resync(tableWith(['2.4', '2.5'])))).toEqual([
      'delete element service-ips { 10.96.0.10 . tcp . 80 }',
      'delete element tcp-endpoints { 10.96.0.10 . 80 . 0, 10.96.0.10 . 80 . 1 }',
      'add chain tcp-cluster-1',
      'add rule tcp-cluster-1 dnat ip to ip daddr . tcp dport . numgen random mod 1 map @tcp-endpoints',
      'add element service-ips { 10.96.0.10 . tcp . 80 comment "shop/cart:http" : goto tcp-cluster-1 }',
      'add element tcp-endpoints { 10.96.0.10 . 80 . 0 : 10.244.2.5 . 8080 }',
    ]);
    expect(commandsOf(engine.update({ apply: [service('cart', ['2.5', '2.4'])[1]] }))).toEqual([
      'delete element service-ips { 10.96.0.10 . tcp . 80 }',
      'add element service-ips { 10.96.0.10 . tcp . 80 comment "shop/cart:http" : goto tcp-cluster-2 }',
      'add element tcp-endpoints { 10.96.0.10 . 80 . 1 : 10.244.2.4 . 8080 }',
    ]);
    engine.update({ apply: [cartSlice] });
  });

  test('undoes what somebody else did', () => {
    const foreign = tableWith(['2.5'], (ruleset) => ({
      ...ruleset,
      sets: [
        ...ruleset.sets.map((set) =>
          set.name === 'cluster-ips' ? { ...set, elements: [{ key: '10.96.0.99' }, ...set.elements] } : set,
        ),
        { name: 'theirs', key: ['address'], comment: 'x', elements: [] },
      ],
      chains: [
        ...ruleset.chains.map((chain) => (chain.name === 'masquerading' ? { ...chain, rules: [] } : chain)),
        { name: 'theirs', rules: [[{ kind: 'drop' }]] },
      ],
    }));
    expect(commandsOf(engine.resync(foreign))).toEqual([
      'flush chain theirs',
      'delete element cluster-ips { 10.96.0.99 }',
      'delete set theirs',
      'delete chain theirs',
      'add rule masquerading meta mark and 0x00004000 != 0 meta mark set meta mark xor 0x00004000 masquerade fully-random',
      'add rule masquerading ct status dnat ip saddr . ip daddr . meta l4proto . th dport @hairpin-connections masquerade fully-random',
    ]);
  });
});

describe('one family of two', () => {
  test('leaves the other as it is, and counts', () => {
    const engine = engineWith([cart, cartSlice], { families: ['ip', 'ip6'] });
    expect([engine.resyncs('ip'), engine.resyncs('ip6')]).toEqual([0, 0]);
    const { families } = engine.resync(new Map([['ip6', undefined]]));
    expect(families.map(({ family, resyncs }) => ({ family, resyncs }))).toEqual([{ family: 'ip6', resyncs: 1 }]);
    expect([engine.resyncs('ip'), engine.resyncs('ip6')]).toEqual([0, 1]);
    const update = engine.update({ apply: [node({ address: '192.0.2.12' })] });
    expect(update.families.map(({ family, resyncs }) => ({ family, resyncs }))).toEqual([{ family: 'ip', resyncs: 0 }]);
  });
});

describe('a Service that is left out', () => {
  const goes = [
    'delete element cluster-ips { 10.96.0.10 }',
    'delete element service-ips { 10.96.0.10 . tcp . 80 }',
    'delete element tcp-endpoints { 10.96.0.10 . 80 . 0 }',
  ];
  const comes = [
    'add element cluster-ips { 10.96.0.10 comment "shop/cart" }',
    'add element service-ips { 10.96.0.10 . tcp . 80 comment "shop/cart:http" : goto tcp-cluster-1 }',
    'add element tcp-endpoints { 10.96.0.10 . 80 . 0 : 10.244.2.5 . 8080 }',
  ];
  const leaveOut = (engine: ReturnType<typeof engineWith>) => engine.exclude('ip', new Set(['shop/cart']));

  test('goes, and stays away whatever becomes of others, the node and the table', () => {
    const engine = engineWith([cart, cartSlice, basket, basketSlice]);
    expect(commandsOf(leaveOut(engine))).toEqual(goes);
    expect(engine.excluded('ip')).toEqual(['shop/cart']);
    const updates = [
      engine.update({ remove: [serviceNamed('basket')] }),
      engine.update({ apply: [node({ zone: 'zone-b' })] }),
      engine.resync(new Map([['ip', undefined]])),
    ];
    expect(updates.filter(({ text }) => text.includes('10.96.0.10 '))).toEqual([]);
    expect(engine.excluded('ip')).toEqual(['shop/cart']);
  });

  test.each([
    ['it', cart],
    ['a slice of it', cartSlice],
  ])('comes back when %s changes', (_, object) => {
    const engine = engineWith([cart, cartSlice]);
    leaveOut(engine);
    expect(commandsOf(engine.update({ apply: [object] }))).toEqual(comes);
    expect(engine.excluded('ip')).toEqual([]);
  });

  test('may be gone and made again', () => {
    const engine = engineWith([cart, cartSlice]);
    leaveOut(engine);
    expect(engine.update({ remove: [serviceNamed('cart')] }).families).toEqual([]);
    expect(commandsOf(engine.update({ apply: [cart] }))).toEqual(comes);
  });

  test('is still in the other family, and in no plan of its own', () => {
    const engine = engineWith([cart, cartSlice], { families: ['ip', 'ip6'] });
    engine.exclude('ip6', new Set(['shop/cart']));
    expect([engine.excluded('ip'), engine.excluded('ip6')]).toEqual([[], ['shop/cart']]);
    const holds = (without: readonly string[]) =>
      engine.plan('ip', new Set(without)).sets.find(({ name }) => name === 'cluster-ips')?.elements.length;
    expect([holds([]), holds(['shop/cart'])]).toEqual([1, 0]);
    leaveOut(engine);
    expect(holds([])).toBe(0);
  });
});
