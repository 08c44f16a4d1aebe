import { describe, expect, test } from 'vitest';
import { createEngine } from '../../src/engine/create-engine.ts';
import type { Changes } from '../../src/engine/engine.ts';
import { service } from '../inspect/changes/shop.ts';
import { commandsOf, engineWith, node, saidBy, serviceNamed, workerOptions } from './worker.ts';

const [cart, cartSlice] = service('cart', ['2.5']);
const waiting = { families: [], text: '', diagnostics: [], triggers: [], waitsFor: 'complete' };

describe('before the objects are complete', () => {
  test('nothing is to be done, whatever has come', () => {
    const engine = createEngine(workerOptions);
    for (const change of [{}, { apply: [node()] }, { apply: [cart] }, { remove: [serviceNamed('cart')] }]) {
      expect(engine.update(change)).toEqual(waiting);
      expect([engine.isReady(), engine.waitsFor(), engine.text(), engine.views()]).toEqual([false, 'complete', '', []]);
    }
  });

  test('invalid objects are reported all the same', () => {
    const engine = createEngine(workerOptions);
    expect(saidBy(engine.update({ apply: [{ ...node(), metadata: { name: '' } }] })).join()).toContain('metadata.name');
  });

  test.each<[string, readonly Changes[]]>([
    ['with the objects', [{ apply: [node(), cart, cartSlice], complete: true }]],
    ['after them', [{ apply: [node()] }, { apply: [cart] }, { apply: [cartSlice] }, { complete: true }]],
    ['before the Node is known', [{ apply: [cart, cartSlice] }, { apply: [node()], complete: true }]],
    ['accepted without a commit', [{ apply: [cart, cartSlice, node()] }, { complete: true }, {}]],
  ])('the first update has everything: %s', (_, changes) => {
    const engine = createEngine(workerOptions);
    const updates = changes.map((change) => engine.update(change));
    const all = updates.flatMap(({ text }) => (text === '' ? [] : [text]));
    expect(all).toEqual([createdBy([node(), cart, cartSlice])]);
    expect([engine.isReady(), engine.waitsFor()]).toEqual([true, undefined]);
  });

  test('what is accepted is kept for the first commit', () => {
    const engine = createEngine(workerOptions);
    engine.accept({ apply: [node(), cart, cartSlice] });
    expect(engine.commit()).toEqual({ families: [], diagnostics: [], triggers: [], waitsFor: 'complete' });
    engine.accept({ complete: true });
    expect(engine.isReady()).toBe(false);
    expect(engine.commit().families).toHaveLength(1);
    expect(engine.isReady()).toBe(true);
  });

  test('a Node that is invalid comes next', () => {
    const engine = createEngine(workerOptions);
    const invalid = node({ address: 'nowhere' });
    expect(engine.update({ apply: [invalid, cart, cartSlice], complete: true }).waitsFor).toBe('node');
    expect(engine.update({ apply: [node()] }).waitsFor).toBeUndefined();
  });
});

describe('objects that are complete', () => {
  test('stay so', () => {
    const engine = engineWith([cart, cartSlice]);
    const { waitsFor, ...update } = engine.update({ remove: [serviceNamed('cart')] });
    expect(waitsFor).toBeUndefined();
    expect(commandsOf(update)).toContain('delete element cluster-ips { 10.96.0.10 }');
  });

  test.each<[string, unknown, string]>([
    ['an error', { kind: 'Status', apiVersion: 'v1', status: 'Failure', message: 'Unauthorized' }, 'api-error'],
    ['a page of a list', { kind: 'ServiceList', metadata: { continue: 'x' }, items: [] }, 'incomplete-list'],
    [
      'a page among whole lists',
      { kind: 'List', items: [{ kind: 'NodeList', metadata: { remainingItemCount: 3 }, items: [] }] },
      'incomplete-list',
    ],
    ['a table', { kind: 'Table', apiVersion: 'meta.k8s.io/v1', rows: [] }, 'abridged-objects'],
  ])('are not so in a call with %s', (_, object, code) => {
    const engine = createEngine(workerOptions);
    const update = engine.update({ apply: [node(), object, cart, cartSlice], complete: true });
    expect(update).toMatchObject({ families: [], waitsFor: 'complete', diagnostics: [{ code }] });
    expect(engine.update({ complete: true }).text).toBe(createdBy([node(), cart, cartSlice]));
  });

  test('an error later is reported, and changes nothing', () => {
    const engine = engineWith([cart, cartSlice]);
    const update = engine.update({ apply: [{ kind: 'Status', reason: 'Expired', code: 410 }] });
    expect(update).toMatchObject({ families: [], waitsFor: undefined, diagnostics: [{ code: 'api-error' }] });
  });
});

/** The first update of an engine that gets these objects at once. */
function createdBy(objects: readonly unknown[]): string {
  return createEngine(workerOptions).update({ apply: objects, complete: true }).text;
}
