import { expect, test } from 'vitest';
import { createEngine } from '../../src/engine/create-engine.ts';
import { service } from '../inspect/changes/shop.ts';
import { commandsOf, node, workerOptions } from './worker.ts';

test('an object that throws when it is read leaves nothing half done: the next update has it all', () => {
  const engine = createEngine(workerOptions);
  engine.update({ apply: [node(), ...service('cart', ['2.5'])], complete: true });
  const trap = {
    get kind(): string {
      throw new Error('a trap');
    },
  };
  const remove = [{ kind: 'Service', namespace: 'shop', name: 'cart' }];
  expect(() => engine.update({ remove, apply: [trap] })).toThrow('a trap');
  const whole = createEngine(workerOptions);
  whole.update({ apply: [node()], complete: true });
  expect(commandsOf(engine.update({}))).toContain('delete element cluster-ips { 10.96.0.10 }');
  expect(engine.views()).toEqual(whole.views());
});

test('a node port that opens at another address has UDP flows looked at', () => {
  const options = { ...workerOptions, nodePortAddresses: ['192.0.2.0/24'] };
  const engine = createEngine(options);
  const dns = service('dns', ['2.5'], { port: { protocol: 'UDP', port: 53, nodePort: 30053 } });
  engine.update({ apply: [node(), ...dns], complete: true });
  const update = engine.update({ apply: [node({ address: '192.0.2.12' })] });
  expect(update.families.map(({ followUp }) => followUp.checkUdpFlows)).toEqual([true]);
  expect(engine.update({ apply: [node({ address: '192.0.2.12', zone: 'zone-b' })] }).families).toEqual([]);
});
