import { expect, test } from 'vitest';
import { service } from '../inspect/changes/shop.ts';
import { commandsOf, engineWith, serviceNamed } from './worker.ts';

function hosts(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `2.${index + 1}`);
}

test('an unused chain serves the next Service with that number of endpoints', () => {
  const engine = engineWith(service('cart', hosts(2)));
  engine.update({ remove: [serviceNamed('cart')] });
  const [basket, slice] = service('basket', ['3.1', '3.2'], { spec: { clusterIP: '10.96.0.11' } });
  expect(commandsOf(engine.update({ apply: [basket, slice] }))).toEqual([
    'add element cluster-ips { 10.96.0.11 comment "shop/basket" }',
    'add element service-ips { 10.96.0.11 . tcp . 80 comment "shop/basket:http" : goto tcp-cluster-2 }',
    'add element tcp-endpoints { 10.96.0.11 . 80 . 0 : 10.244.3.1 . 8080, 10.96.0.11 . 80 . 1 : 10.244.3.2 . 8080 }',
  ]);
});

test('when more than 64 are idle, all of them go, and only they', () => {
  const engine = engineWith(service('other', hosts(3), { spec: { clusterIP: '10.96.0.11' } }));
  const idleAfter = (count: number): string[] => {
    engine.update({ apply: service('cart', hosts(count)) });
    const chains = engine.rulesets()[0]?.chains.map(({ name }) => name) ?? [];
    return chains.filter((name) => /^tcp-cluster-\d+$/.test(name));
  };
  for (let count = 1; count < 66; count++) {
    idleAfter(count);
  }
  // 1 to 65, of which 3 and 65 are in use.
  expect(idleAfter(66)).toHaveLength(66);
  expect(idleAfter(67)).toEqual(['tcp-cluster-3', 'tcp-cluster-67']);
});

test('with the last affinity of a protocol go the chains that ask for pins', () => {
  const affinity = { spec: { sessionAffinity: 'ClientIP' } };
  const [cart, slice] = service('cart', hosts(1), affinity);
  const engine = engineWith([cart, slice]);
  const [without] = service('cart', []);
  const commands = commandsOf(engine.update({ apply: [without] }));
  expect(commands.filter((command) => command.startsWith('delete '))).toEqual([
    'delete element service-ips { 10.96.0.10 . tcp . 80 }',
    'delete set tcp-sticky-10800',
    'delete map tcp-pins',
    'delete set tcp-pinned',
    'delete chain pin-tcp',
    'delete chain pin',
    'delete chain pin-prerouting',
    'delete chain pin-output',
    'delete chain tcp-sticky-cluster-1',
  ]);
});
