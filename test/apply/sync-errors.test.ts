import { describe, expect, test } from 'vitest';
import { node, workerOptions } from '../engine/worker.ts';
import { service } from '../inspect/changes/shop.ts';
import { answering, listTable, refusing, says, times } from '../support/fake-nft.ts';
import { affinity, runCart, tableWithPins } from './run-cart.ts';
import { resultsOf, startProxy } from './start-proxy.ts';

const load = 'nft -f -';

describe('a moment may help', () => {
  test('the kernel is busy twice', async () => {
    const { proxy, nft, pauses, change, update } = await runCart(times(2, answering(load, says.busy)));
    expect(resultsOf(await proxy.update(change))).toEqual(['ip changed']);
    expect(pauses).toEqual([50, 500]);
    expect(nft.texts().slice(1)).toEqual([update.text, update.text, update.text]);
  });

  test('nft is killed twice while it creates a table', async () => {
    const { proxy, nft, pauses } = await startProxy(workerOptions, times(2, answering(load, says.killed)));
    expect(resultsOf(await proxy.update({ apply: [node()], complete: true }))).toEqual(['ip created']);
    expect(pauses).toEqual([50, 500]);
    expect(new Set(nft.texts()).size).toBe(1);
  });

  test('not when nft is killed at a difference: it may have been loaded, so the table is read', async () => {
    const { proxy, nft, pauses, change } = await runCart(times(1, answering(load, says.killed)));
    expect(resultsOf(await proxy.update(change))).toEqual(['ip created']);
    expect(pauses).toEqual([]);
    expect(nft.commandsSince()).toEqual([load, listTable.ip, load]);
  });

  test.each([
    ['killed', says.killed],
    ['ended', { exitCode: undefined, signal: 'SIGTERM' }],
    ['interrupted', { exitCode: 1, stderr: 'netlink: Error: Could not process rule: Interrupted system call\n' }],
  ])('nft is %s at the difference of a start: the table is rebuilt, whatever it holds by then', async (_, result) => {
    const { proxy, nft } = await startProxy(
      workerOptions,
      times(1, answering(load, result)),
      answering(listTable.ip, tableWithPins),
    );
    const outcome = await proxy.update({ apply: [node(), ...service('cart', ['2.5'], affinity)], complete: true });
    expect(resultsOf(outcome)).toEqual(['ip rebuilt interrupted']);
    const [difference = '', rebuilt = ''] = nft.texts();
    expect(nft.texts()).toHaveLength(2);
    expect(difference).not.toContain('delete table');
    expect(rebuilt.startsWith('add table ip svc2nft\ndelete table ip svc2nft\nadd table ip svc2nft {')).toBe(true);
    expect(rebuilt).toContain('10.0.0.1 . 10.96.0.10 . 80 timeout');
  });

  test('a listing that is interrupted is read again, so that no pin is lost', async () => {
    const interrupted = {
      exitCode: 1,
      stderr: 'netlink: Error: cache initialization failed: Interrupted system call\n',
    };
    const list = answering(listTable.ip, tableWithPins);
    const { proxy, nft, pauses } = await startProxy(
      workerOptions,
      times(1, answering(listTable.ip, interrupted)),
      list,
    );
    await proxy.update({ apply: [node(), ...service('cart', ['2.5'], affinity)], complete: true });
    expect(pauses).toEqual([50]);
    expect(nft.commandsSince()).toEqual([listTable.ip, listTable.ip, load]);
  });

  test('but not for ever: then the table is rebuilt', async () => {
    const { proxy, nft, pauses, change } = await runCart(times(3, answering(load, says.busy)));
    expect(resultsOf(await proxy.update(change))).toEqual(['ip rebuilt busy']);
    expect(pauses).toEqual([50, 500]);
    expect(nft.commandsSince()).toEqual([load, load, load, listTable.ip, load]);
  });

  test('nor for errors that stay', async () => {
    const { proxy, pauses, change } = await runCart(answering(load, says.fileExists));
    await proxy.update(change);
    expect(pauses).toEqual([]);
  });
});

describe('a failure', () => {
  test.each([
    ['not-found', says.missing, []],
    // Only the owner of a table may change it.
    ['no-permission', says.notPermitted, ['nft -t list table ip svc2nft']],
    ['out-of-memory', says.noMemory, []],
  ] as const)('%s: no new table is tried, and the kernel keeps what it had', async (kind, result, questions) => {
    const { proxy, nft, pauses, change, update } = await runCart(answering(load, result));
    const outcome = await proxy.update(change);
    expect(outcome.ok).toBe(false);
    expect(resultsOf(outcome)).toEqual([`ip failed ${kind}`]);
    expect(outcome.families[0]?.commands).toEqual(update.families[0]?.commands);
    expect(nft.commandsSince()).toEqual([load, ...questions]);
    expect(pauses).toEqual([]);
  });

  test.each([
    ['not-found', says.missing],
    ['no-permission', says.notPermitted],
  ] as const)('%s at the start: nothing is sent', async (kind, result) => {
    const { proxy, nft } = await startProxy(workerOptions, answering(listTable.ip, result));
    expect(resultsOf(await proxy.update({ apply: [node()], complete: true }))).toEqual([`ip failed ${kind}`]);
    expect(nft.commandsSince()).toEqual([listTable.ip]);
  });

  test('of the new table is one as well', async () => {
    const { proxy, nft, change } = await runCart(times(1, answering(load, says.fileExists)));
    nft.answers.push(answering(load, says.noMemory));
    expect(resultsOf(await proxy.update(change))).toEqual(['ip failed out-of-memory']);
    expect(nft.commandsSince()).toEqual([load, listTable.ip, load]);
  });

  test('is followed by reading, whatever is to be applied then, and no more after that', async () => {
    const { proxy, nft, change } = await runCart(answering(load, says.noMemory));
    await proxy.update(change);
    nft.answers.length = 0;
    nft.commandsSince();
    expect(resultsOf(await proxy.update({}))).toEqual(['ip created']);
    expect(nft.commandsSince()).toEqual([listTable.ip, load]);
    expect(nft.texts().at(-1)).toContain('10.244.2.6');
    await proxy.update({ apply: [service('cart', ['2.5', '2.6', '2.7'])[1]] });
    expect(nft.commandsSince()).toEqual([load]);
  });

  test('of all that is tried is one: nft refuses even a table without any Service', async () => {
    const { proxy, nft, change } = await runCart(
      answering(load, says.refused),
      answering('nft --check -f -', says.refused),
    );
    const outcome = await proxy.update(change);
    expect(resultsOf(outcome)).toEqual(['ip failed refused']);
    expect(outcome.families[0]?.rejectedServices).toEqual([]);
    expect(outcome.families[0]?.error?.said).toEqual([
      '/dev/stdin:1:1-9: Error: Could not process rule: Too many open files in system',
    ]);
    expect(nft.commandsSince()).toEqual([load, listTable.ip, load, 'nft --check -f -']);
  });
});

describe('what suggests that another program changes rules', () => {
  const dual = { ...workerOptions, families: ['ip', 'ip6'] } as const;

  test.each([
    ['busy', says.busy, 3],
    ['file-exists', says.fileExists, 1],
    ['no-such-file', says.noSuchFile, 1],
    [
      'no-buffer-space',
      { exitCode: 1, stderr: 'netlink: Error: Could not process rule: No buffer space available\n' },
      1,
    ],
  ] as const)('%s in one family: the other one is read, too', async (kind, result, count) => {
    const { proxy, nft } = await startProxy(dual);
    await proxy.update({ apply: [node(), ...service('cart', ['2.5'])], complete: true });
    nft.commandsSince();
    nft.answers.push(times(count, refusing('10.244.2.6', result)));
    const outcome = await proxy.update({ apply: [service('cart', ['2.5', '2.6'])[1]] });
    expect(outcome.families.map((one) => `${one.family} ${one.result} ${one.error?.kind}`)).toEqual([
      `ip rebuilt ${kind}`,
      'ip6 created undefined',
    ]);
    expect(nft.commandsSince().filter((command) => command !== load)).toEqual([listTable.ip, listTable.ip6]);
  });

  test.each([
    ['refused', says.refused, 1],
    ['interrupted', says.killed, 1],
    ['out-of-memory', says.noMemory, 1],
  ] as const)('%s does not', async (_, result, count) => {
    const { proxy, nft } = await startProxy(dual);
    await proxy.update({ apply: [node(), ...service('cart', ['2.5'])], complete: true });
    nft.commandsSince();
    nft.answers.push(times(count, refusing('10.244.2.6', result)));
    await proxy.update({ apply: [service('cart', ['2.5', '2.6'])[1]] });
    expect(nft.commandsSince()).not.toContain(listTable.ip6);
  });
});
