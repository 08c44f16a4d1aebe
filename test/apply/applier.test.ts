import { describe, expect, test } from 'vitest';
import { createEngine } from '../../src/engine/create-engine.ts';
import { node, workerOptions } from '../engine/worker.ts';
import { service, service6 } from '../inspect/changes/shop.ts';
import { answering, listTable, printed, refusing, says, times } from '../support/fake-nft.ts';
import { resultsOf, startApplier } from './start-applier.ts';

const both = { ...workerOptions, families: ['ip', 'ip6'] } as const;
const oneMore = service('cart', ['2.5', '2.6'])[1];

describe('the first time', () => {
  test('each table is read, and what is wanted is sent', async () => {
    const engine = createEngine(both);
    const { applier, nft } = startApplier(engine);
    const update = engine.update({ apply: [node(), ...service('cart', ['2.5'])] });
    const outcome = await applier.apply(update);
    expect(nft.commandsSince()).toEqual([listTable.ip, 'nft -f -', listTable.ip6, 'nft -f -']);
    const anew = (family: string) => `add table ${family} svc2nft\ndelete table ${family} svc2nft\n`;
    expect(nft.texts()).toEqual(update.families.map(({ family, text }) => anew(family) + text));
    expect(outcome).toMatchObject({ ok: true, conntrack: undefined });
    expect(resultsOf(outcome)).toEqual(['ip changed', 'ip6 changed']);
  });

  test('what is there already is only told the difference', async () => {
    const engine = createEngine(workerOptions);
    const table = printed('ip', [
      { set: { name: 'cluster-ips', type: 'ipv4_addr', comment: 'cluster IPs in use', elem: ['10.96.0.99'] } },
    ]);
    const { applier, nft } = startApplier(engine, answering(listTable.ip, table));
    const outcome = await applier.apply(engine.update({ apply: [node()] }));
    expect(resultsOf(outcome)).toEqual(['ip changed']);
    expect(nft.texts().join('').split('\n').slice(0, 2)).toEqual([
      'delete element ip svc2nft cluster-ips { 10.96.0.99 }',
      'add set ip svc2nft service-cidrs { type ipv4_addr; flags interval; comment "cluster IP ranges"; }',
    ]);
    expect(outcome.families[0]?.before?.ruleset.sets.map(({ name }) => name)).toEqual(['cluster-ips']);
  });

  test('nothing is done for a node that is not known, and all of it later', async () => {
    const engine = createEngine(workerOptions);
    const { applier, nft } = startApplier(engine);
    const other = { ...node(), metadata: { name: 'worker-2' } };
    const outcome = await applier.apply(engine.update({ apply: [other, ...service('cart', ['2.5'])] }));
    expect(outcome).toEqual({ ok: true, families: [], conntrack: undefined });
    expect(nft.calls).toEqual([]);
    expect(resultsOf(await applier.apply(engine.update({ apply: [node()] })))).toEqual(['ip changed']);
    expect(nft.texts().join('')).toContain('shop/cart');
  });
});

describe('after that', () => {
  test('nothing is read: every update is one transaction, and no difference is none', async () => {
    const engine = createEngine(both);
    const { applier, nft } = startApplier(engine);
    await applier.apply(engine.update({ apply: [node(), ...service('cart', ['2.5']), ...service6('six', ['2.5'])] }));
    nft.commandsSince();

    const update = engine.update({ apply: [oneMore] });
    const outcome = await applier.apply(update);
    expect(nft.commandsSince()).toEqual(['nft -f -']);
    expect(nft.texts().at(-1)).toBe(update.text);
    expect(resultsOf(outcome)).toEqual(['ip changed', 'ip6 unchanged']);
    expect(outcome.families[0]).toEqual({
      family: 'ip',
      result: 'changed',
      commands: update.families[0]?.commands,
      before: undefined,
      found: [],
      leftOut: [],
      error: undefined,
    });

    expect(resultsOf(await applier.apply(engine.update({ apply: [oneMore] })))).toEqual([
      'ip unchanged',
      'ip6 unchanged',
    ]);
    expect(nft.commandsSince()).toEqual([]);
  });

  test('a family that fails does not keep the other, nor is that one read again', async () => {
    const engine = createEngine(both);
    const { applier, nft } = startApplier(engine, refusing('ip svc2nft', says.noMemory));
    const objects = [node(), ...service('cart', ['2.5']), ...service6('six', ['2.5'])];
    const outcome = await applier.apply(engine.update({ apply: objects }));
    expect(outcome.ok).toBe(false);
    expect(resultsOf(outcome)).toEqual(['ip failed out-of-memory', 'ip6 changed']);
    nft.commandsSince();
    nft.answers.length = 0;

    const update = engine.update({ apply: [service6('six', ['2.6'])[1]] });
    expect(resultsOf(await applier.apply(update))).toEqual(['ip changed', 'ip6 changed']);
    expect(nft.commandsSince()).toEqual([listTable.ip, 'nft -f -', 'nft -f -']);
    expect(nft.texts().at(-1)).toBe(update.text);
  });
});

describe('calls that overlap', () => {
  test('are done one after the other', async () => {
    const engine = createEngine(workerOptions);
    const { applier, nft } = startApplier(engine);
    await applier.apply(engine.update({ apply: [node(), ...service('cart', ['2.5'])] }));
    const updates = [['2.5', '2.6'], ['2.6'], ['2.7', '2.8']].map((hosts) =>
      engine.update({ apply: [service('cart', hosts)[1]] }),
    );
    const outcomes = await Promise.all(updates.map((update) => applier.apply(update)));
    expect(outcomes.flatMap(resultsOf)).toEqual(['ip changed', 'ip changed', 'ip changed']);
    expect(nft.texts().slice(1)).toEqual(updates.map(({ text }) => text));
  });

  test('have nothing left to do once the table was read for what they say', async () => {
    const engine = createEngine(workerOptions);
    const { applier, nft } = startApplier(engine);
    const updates = [
      engine.update({ apply: [node(), ...service('cart', ['2.5', '2.6'])] }),
      engine.update({ apply: [service('cart', ['2.5', '2.1'])[1]] }),
    ];
    const outcomes = await Promise.all(updates.map((update) => applier.apply(update)));
    expect(outcomes.flatMap(resultsOf)).toEqual(['ip changed', 'ip unchanged']);
    expect(nft.texts().join('')).toContain(`\
add element ip svc2nft tcp-endpoints {
	10.96.0.10 . 80 . 0 : 10.244.2.1 . 8080,
	10.96.0.10 . 80 . 1 : 10.244.2.5 . 8080
}
`);
  });

  test('have nothing left to do once the table was made anew for what they say', async () => {
    const engine = createEngine(workerOptions);
    const { applier, nft } = startApplier(engine);
    await applier.apply(engine.update({ apply: [node(), ...service('cart', ['2.5'])] }));
    nft.answers.push(times(1, refusing('10.244.2.6', says.fileExists)));
    const updates = [['2.5', '2.6'], ['2.6'], ['2.7']].map((hosts) =>
      engine.update({ apply: [service('cart', hosts)[1]] }),
    );
    const outcomes = await Promise.all(updates.map((update) => applier.apply(update)));
    expect(outcomes.flatMap(resultsOf)).toEqual(['ip rebuilt file-exists', 'ip unchanged', 'ip unchanged']);
    const text = nft.texts().at(-1) ?? '';
    expect(text.startsWith('add table ip svc2nft\ndelete table ip svc2nft\n')).toBe(true);
    expect(text).toContain('tcp-endpoints { 10.96.0.10 . 80 . 0 : 10.244.2.7 . 8080 }\n');
    // What comes after that is sent again as it is.
    const last = engine.update({ apply: [service('cart', ['2.8'])[1]] });
    await applier.apply(last);
    expect(nft.texts().at(-1)).toBe(last.text);
  });

  test('are done although the node is not known any more by then', async () => {
    const engine = createEngine(workerOptions);
    const { applier, nft } = startApplier(engine);
    await applier.apply(engine.update({ apply: [node(), ...service('cart', ['2.5'])] }));
    const update = engine.update({ apply: [oneMore] });
    const unknown = engine.update({ apply: [node({ address: 'nowhere' })] });
    const outcomes = await Promise.all([applier.apply(update), applier.apply(unknown)]);
    expect(outcomes.map(resultsOf)).toEqual([['ip changed'], []]);
    expect(nft.texts().at(-1)).toBe(update.text);
  });

  test('do nothing when the node is not known any more once the table is read', async () => {
    const engine = createEngine(workerOptions);
    const { applier, nft } = startApplier(engine);
    const update = engine.update({ apply: [node(), ...service('cart', ['2.5'])] });
    nft.answers.push(({ command }) => {
      if (command === listTable.ip) {
        engine.update({ apply: [node({ address: 'nowhere' })] });
      }
      return undefined;
    });
    expect(resultsOf(await applier.apply(update))).toEqual([]);
    expect(nft.texts()).toEqual([]);
    nft.answers.length = 0;
    expect(resultsOf(await applier.apply(engine.update({ apply: [node()] })))).toEqual(['ip changed']);
    expect(nft.texts().join('')).toContain('shop/cart');
  });

  test('never make a table of nothing', async () => {
    const engine = createEngine(workerOptions);
    const { applier, nft } = startApplier(engine);
    await applier.apply(engine.update({ apply: [node(), ...service('cart', ['2.5'])] }));
    nft.answers.push(refusing('10.244.2.6', says.fileExists));
    const update = engine.update({ apply: [oneMore] });
    engine.update({ apply: [node({ address: 'nowhere' })] });
    expect(resultsOf(await applier.apply(update))).toEqual(['ip failed file-exists']);
    expect(nft.texts().slice(1)).toEqual([update.text]);
  });
});

test('an applier goes on after a program that could not even be called', async () => {
  const engine = createEngine(workerOptions);
  const { applier, nft } = startApplier(engine);
  await applier.apply(engine.update({ apply: [node(), ...service('cart', ['2.5'])] }));
  nft.answers.push(() => {
    throw new Error('broken');
  });
  await expect(applier.apply(engine.update({ apply: [oneMore] }))).rejects.toThrow('broken');
  nft.answers.length = 0;
  nft.commandsSince();
  expect(resultsOf(await applier.apply(engine.update({})))).toEqual(['ip changed']);
  expect(nft.commandsSince()).toEqual([listTable.ip, 'nft -f -']);
});
