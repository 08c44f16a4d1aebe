import { describe, expect, test } from 'vitest';
import { planTable } from '../../src/diff/plan-table.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { printTransaction } from '../../src/nft/command.ts';
import type { Ruleset } from '../../src/nft/ruleset.ts';
import { rulesetOf, service } from '../inspect/changes/shop.ts';
import { commandsOf, engineWith, node, serviceNamed } from './worker.ts';

const [cart, cartSlice] = service('cart', ['2.5']);
const [basket, basketSlice] = service('basket', ['2.6', '2.7'], { spec: { clusterIP: '10.96.0.11' } });

/** A table that holds `shop/cart` with these endpoints; `change` is what another program did to it. */
function tableWith(hosts: readonly string[], change: (ruleset: Ruleset) => Ruleset = (ruleset) => ruleset): Ruleset {
  return change(rulesetOf({ services: [service('cart', hosts)] }));
}

/** The commands that lead from a table, or none, to what the engine desires; it adopts the table that results. */
function sync(engine: Engine, ruleset?: Ruleset): string[] {
  const actual = ruleset && { isDormant: false, ruleset, dynamic: new Map(), deviations: [] };
  const plan = planTable(engine.desiredRuleset('ip'), actual);
  engine.adopt(plan.after);
  return commandsOf({ text: printTransaction(plan) });
}

describe('what leads from the kernel to the desired state', () => {
  const engine = engineWith([cart, cartSlice]);

  test('is nothing when it is there', () => {
    expect(sync(engine, tableWith(['2.5']))).toEqual([]);
  });

  test('is the whole table when it does not exist', () => {
    const commands = sync(engine);
    expect(commands[2]).toBe('add table { comment "Kubernetes Services, by svc2nft"; }');
    expect(commands.at(-1)).toBe('add element tcp-endpoints { 10.96.0.10 . 80 . 0 : 10.244.2.5 . 8080 }');
  });

  test('is the difference else, and the order of the kernel is kept from then on', () => {
    expect(sync(engine, tableWith(['2.4', '2.5']))).toEqual([
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

  test('undoes what another program did', () => {
    const foreign = tableWith(['2.5'], (ruleset) => ({
      ...ruleset,
      sets: [
        ...ruleset.sets.map((set) =>
          set.name === 'cluster-ips' ? { ...set, elements: [{ key: '10.96.0.99' }, ...set.elements] } : set,
        ),
        { name: 'theirs', key: ['address'], comment: 'x', elements: [] },
      ],
      chains: [
        ...ruleset.chains.map((chain) => (chain.name === 'nat-postrouting' ? { ...chain, rules: [] } : chain)),
        { name: 'theirs', rules: [[{ kind: 'drop' }]] },
      ],
    }));
    expect(sync(engine, foreign)).toEqual([
      'flush chain theirs',
      'delete element cluster-ips { 10.96.0.99 }',
      'delete set theirs',
      'delete chain theirs',
      'add rule nat-postrouting meta mark and 0x00004000 != 0 meta mark set meta mark xor 0x00004000 masquerade fully-random',
      'add rule nat-postrouting ct status dnat ip saddr . ip daddr @hairpin-connections masquerade fully-random',
    ]);
  });
});

describe('one family of two', () => {
  test('leaves the other as it is', () => {
    const engine = engineWith([cart, cartSlice], { families: ['ip', 'ip6'] });
    const six = engine.rulesets()[1];
    sync(engine, tableWith(['2.4', '2.5']));
    expect(engine.rulesets()[1]).toEqual(six);
    const { families } = engine.update({ apply: [service('cart', ['2.6'])[1]] });
    expect(families.map(({ family }) => family)).toEqual(['ip']);
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
  const leaveOut = (engine: ReturnType<typeof engineWith>) => engine.reject('ip', new Set(['shop/cart']));

  test('goes, and stays away whatever becomes of others, the node and the table', () => {
    const engine = engineWith([cart, cartSlice, basket, basketSlice]);
    const before = engine.rulesets()[0];
    leaveOut(engine);
    expect(sync(engine, before)).toEqual(goes);
    expect(engine.rejected('ip')).toEqual(['shop/cart']);
    const updates = [
      commandsOf(engine.update({ remove: [serviceNamed('basket')] })),
      commandsOf(engine.update({ apply: [node({ zone: 'zone-b' })] })),
      sync(engine),
    ];
    expect(updates.flat().filter((text) => text.includes('10.96.0.10 '))).toEqual([]);
    expect(engine.rejected('ip')).toEqual(['shop/cart']);
  });

  test.each([
    ['it', cart],
    ['a slice of it', cartSlice],
  ])('comes back when %s changes', (_, object) => {
    const engine = engineWith([cart, cartSlice]);
    leaveOut(engine);
    expect(commandsOf(engine.update({ apply: [object] }))).toEqual(comes);
    expect(engine.rejected('ip')).toEqual([]);
  });

  test('may be deleted and created again', () => {
    const engine = engineWith([cart, cartSlice]);
    leaveOut(engine);
    expect(engine.update({ remove: [serviceNamed('cart')] }).families).toEqual([]);
    expect(commandsOf(engine.update({ apply: [cart] }))).toEqual(comes);
  });

  test('is still in the other family, and in no plan of its own', () => {
    const engine = engineWith([cart, cartSlice], { families: ['ip', 'ip6'] });
    engine.reject('ip6', new Set(['shop/cart']));
    expect([engine.rejected('ip'), engine.rejected('ip6')]).toEqual([[], ['shop/cart']]);
    const holds = (without: readonly string[]) =>
      engine.desiredWithout('ip', new Set(without)).sets.find(({ name }) => name === 'cluster-ips')?.elements.length;
    expect([holds([]), holds(['shop/cart'])]).toEqual([1, 0]);
    leaveOut(engine);
    expect(holds([])).toBe(0);
  });
});
