import { describe, expect, test } from 'vitest';
import { service } from '../inspect/changes/shop.ts';
import { commandsOf, engineWith, saidBy, serviceNamed } from './worker.ts';

/** `a` and `b` want 198.19.0.5; the names decide, as nothing else does. */
const wanting = { externalIPs: ['198.19.0.5'] };
const [a, aSlice] = service('a', ['2.1'], { spec: { clusterIP: '10.96.0.1', ...wanting } });
const [aWithout] = service('a', [], { spec: { clusterIP: '10.96.0.1' } });
const [b, bSlice] = service('b', ['2.2', '2.3'], { spec: { clusterIP: '10.96.0.2', ...wanting } });

const conflict =
  'frontend-conflict: 198.19.0.5:80/tcp is claimed by shop/a:http (external IP) and shop/b:http (external IP); shop/a:http gets it';

describe('two Services want one external IP', () => {
  test('the first by name gets it, in all maps, with a warning for both', () => {
    const engine = engineWith([a, aSlice]);
    const update = engine.update({ apply: [b, bSlice] });
    expect(saidBy(update)).toEqual([conflict]);
    expect(commandsOf(update).filter((command) => command.includes('198.19.0.5'))).toEqual([]);
  });

  test('the other one takes over when it is given up, and gives it back', () => {
    const engine = engineWith([a, aSlice, b, bSlice]);
    expect(commandsOf(engine.update({ apply: [aWithout] }))).toEqual([
      'delete element service-ips { 198.19.0.5 . tcp . 80 }',
      'delete element tcp-endpoints { 198.19.0.5 . 80 . 0 }',
      'add chain tcp-external-2',
      'add rule tcp-external-2 meta mark set meta mark or 0x00004000',
      'add rule tcp-external-2 goto tcp-cluster-2',
      'add element service-ips { 198.19.0.5 . tcp . 80 comment "shop/b:http" : goto tcp-external-2 }',
      'add element tcp-endpoints { 198.19.0.5 . 80 . 0 : 10.244.2.2 . 8080, 198.19.0.5 . 80 . 1 : 10.244.2.3 . 8080 }',
    ]);
    const update = engine.update({ apply: [a] });
    expect(commandsOf(update)).toEqual([
      'delete element service-ips { 198.19.0.5 . tcp . 80 }',
      'delete element tcp-endpoints { 198.19.0.5 . 80 . 0, 198.19.0.5 . 80 . 1 }',
      'add element service-ips { 198.19.0.5 . tcp . 80 comment "shop/a:http" : goto tcp-external-1 }',
      'add element tcp-endpoints { 198.19.0.5 . 80 . 0 : 10.244.2.1 . 8080 }',
    ]);
    expect(saidBy(update)).toEqual([conflict]);
  });

  test('the other one takes over when the holder is deleted or has no endpoints', () => {
    const engine = engineWith([a, aSlice, b, bSlice]);
    const taken = 'add element service-ips { 198.19.0.5 . tcp . 80 comment "shop/b:http" : goto tcp-external-2 }';
    expect(commandsOf(engine.update({ apply: [service('a', [])[1]] }))).toContain(taken);
    expect(commandsOf(engine.update({ apply: [aSlice] })).join()).toContain('comment "shop/a:http" : goto');
    expect(commandsOf(engine.update({ remove: [serviceNamed('a')] }))).toContain(taken);
  });

  test('what the loser does changes nothing there', () => {
    const engine = engineWith([a, aSlice, b, bSlice]);
    const update = engine.update({ apply: [service('b', ['2.2'])[1]] });
    expect(commandsOf(update)).toEqual([
      'delete element service-ips { 10.96.0.2 . tcp . 80 }',
      'delete element tcp-endpoints { 10.96.0.2 . 80 . 1 }',
      'add element service-ips { 10.96.0.2 . tcp . 80 comment "shop/b:http" : goto tcp-cluster-1 }',
    ]);
    expect(saidBy(update)).toEqual([conflict]);
  });
});

describe('two Services share a cluster IP', () => {
  const [c, cSlice] = service('c', ['2.2'], { spec: { clusterIP: '10.96.0.2' }, port: { port: 81 } });
  const [plainB] = service('b', [], { spec: { clusterIP: '10.96.0.2' } });

  test('it has the name of the first by name, in any order of creation', () => {
    const engine = engineWith([c, cSlice]);
    expect(commandsOf(engine.update({ apply: [plainB] }))).toEqual([
      'delete element cluster-ips { 10.96.0.2 }',
      'add element cluster-ips { 10.96.0.2 comment "shop/b" }',
      'add element no-endpoint-services { 10.96.0.2 . tcp . 80 comment "shop/b:http" : goto reject-chain }',
    ]);
  });

  test('it stays for as long as one has it', () => {
    const engine = engineWith([plainB, c, cSlice]);
    expect(commandsOf(engine.update({ remove: [serviceNamed('b')] }))).toEqual([
      'delete element cluster-ips { 10.96.0.2 }',
      'delete element no-endpoint-services { 10.96.0.2 . tcp . 80 }',
      'add element cluster-ips { 10.96.0.2 comment "shop/c" }',
    ]);
    expect(commandsOf(engine.update({ remove: [serviceNamed('c')] }))).toEqual([
      'delete element cluster-ips { 10.96.0.2 }',
      'delete element service-ips { 10.96.0.2 . tcp . 81 }',
      'delete element tcp-endpoints { 10.96.0.2 . 81 . 0 }',
    ]);
  });
});
