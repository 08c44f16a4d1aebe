import { describe, expect, test } from 'vitest';
import { createEngine } from '../../src/engine/create-engine.ts';
import type { Changes } from '../../src/engine/engine.ts';
import { service } from '../inspect/changes/shop.ts';
import { engineWith, node, saidBy, serviceNamed, workerOptions } from './worker.ts';

const objects = service('cart', ['2.5']);
const cart = serviceNamed('cart');

/** What programs in JavaScript may give in place of changes, and what is said about it. */
const wrong: [unknown, string][] = [
  [null, 'changes are null; expected a mapping with apply, remove and complete'],
  [undefined, 'changes are undefined; expected a mapping with apply, remove and complete'],
  [[node()], 'changes are a list; expected a mapping with apply, remove and complete'],
  [{ apply: null }, 'apply is null; expected a list'],
  [{ apply: node() }, 'apply is a mapping; expected a list'],
  [{ apply: 'cart' }, 'apply is "cart"; expected a list'],
  [{ remove: null }, 'remove is null; expected a list'],
  [{ remove: cart }, 'remove is a mapping; expected a list'],
  [{ remove: 7 }, 'remove is 7; expected a list'],
  [{ remove: [null] }, 'remove[0] is null; expected a mapping with kind, namespace and name'],
  [
    { remove: [{ kind: 'Pod', name: 'x' }, 'cart'] },
    'remove[1] is "cart"; expected a mapping with kind, namespace and name',
  ],
  [{ remove: [{ name: 'cart' }] }, 'remove[0].kind is undefined; expected a string'],
  [{ remove: objects }, 'remove[0] is an object; expected a mapping with kind, namespace and name'],
  [{ remove: [{ ...cart, name: null }] }, 'remove[0].name is null; expected a string'],
  [{ remove: [{ ...cart, namespace: 4 }] }, 'remove[0].namespace is 4; expected a string'],
  [{ add: null }, 'changes have "add", which is unknown; expected apply, remove or complete'],
  [{ aply: objects }, 'changes have "aply", which is unknown; expected apply, remove or complete'],
  [{ apply: [], items: [] }, 'changes have "items", which is unknown; expected apply, remove or complete'],
  [{ type: 'ADDED', object: cart }, 'changes have "type", which is unknown; expected apply, remove or complete'],
  [{ complete: 'yes' }, 'complete is "yes"; expected true'],
];

describe('changes of the wrong type', () => {
  test.each(wrong)('%j: a diagnostic, and nothing changes', (changes, message) => {
    const engine = engineWith(objects);
    const before = engine.text();
    const update = engine.update(changes as Changes);
    expect(saidBy(update)[0]).toBe(`invalid-option: ${message}`);
    expect([update.text, engine.text()]).toEqual(['', before]);
  });

  test.each(wrong.filter(([changes]) => typeof changes === 'object' && changes && !Array.isArray(changes)))(
    '%j: the objects are not complete',
    (changes) => {
      const engine = createEngine(workerOptions);
      engine.update({ apply: [node(), ...objects] });
      const update = engine.update({ complete: true, ...(changes as Changes) });
      expect([update.text, update.waitsFor]).toEqual(['', 'complete']);
      expect(engine.update({ complete: true }).waitsFor).toBeUndefined();
    },
  );

  test.each([null, undefined, 'cart', 7, [], {}, [[null]]])('nor are they with %j among them', (object) => {
    const engine = createEngine(workerOptions);
    const update = engine.update({ apply: [node(), ...objects, object], complete: true });
    expect(update.waitsFor).toBe('complete');
    expect(update.diagnostics.map(({ code }) => code)).toEqual(['not-an-object']);
  });

  test('the others of the same call count', () => {
    const engine = engineWith(objects);
    const changes = { remove: [null, { ...cart, namespace: 'shop' }], apply: [7] } as unknown as Changes;
    const update = engine.update(changes);
    expect(update.diagnostics.map(({ code }) => code)).toEqual(['invalid-option', 'not-an-object']);
    expect(update.text).toContain('delete element ip svc2nft cluster-ips');
  });

  test('false and null say as little as absent fields', () => {
    const engine = engineWith([]);
    const changes = { complete: false, apply: undefined, remove: [{ kind: 'Node', name: 'x', namespace: null }] };
    expect(engine.update(changes as unknown as Changes).diagnostics).toEqual([]);
  });
});
