import { describe, expect, test } from 'vitest';
import { node, workerOptions } from '../engine/worker.ts';
import { service } from '../inspect/changes/shop.ts';
import { answering, listTable, printed, refusing, says, times } from '../support/fake-nft.ts';
import { affinity, runCart, tableWithPins } from './run-cart.ts';
import { resultsOf, startProxy } from './start-proxy.ts';

const load = 'nft -f -';

describe('a table with unexpected content', () => {
  const refusedOnce = () => times(1, refusing('10.244.2.6', says.fileExists));

  test('is read and rebuilt in one transaction, clients where they were', async () => {
    const { proxy, nft, change } = await runCart(refusedOnce(), answering(listTable.ip, tableWithPins));
    const outcome = await proxy.update(change);
    expect(nft.commandsSince()).toEqual([load, listTable.ip, load]);
    expect(resultsOf(outcome)).toEqual(['ip rebuilt file-exists']);
    expect(outcome.ok).toBe(true);
    const text = nft.texts().at(-1) ?? '';
    expect(text.startsWith('add table ip svc2nft\ndelete table ip svc2nft\nadd table ip svc2nft {')).toBe(true);
    expect(text.split('\n').slice(-2)).toEqual([
      'add element ip svc2nft tcp-pins { 10.0.0.1 . 10.96.0.10 . 80 timeout 10800s expires 600s : 10.244.2.5 . 8080 }',
      '',
    ]);
    expect(outcome.families[0]?.commands.slice(0, 2).map(({ kind }) => kind)).toEqual(['delete-table', 'add-table']);
    expect(outcome.families[0]?.before?.dynamic.get('tcp-pins')).toHaveLength(2);
  });

  test('is rebuilt even when it cannot be read', async () => {
    const { proxy, nft, change } = await runCart(refusedOnce(), answering(listTable.ip, { stdout: '{"nftables": [' }));
    expect(resultsOf(await proxy.update(change))).toEqual(['ip rebuilt file-exists']);
    expect(nft.commandsSince()).toEqual([load, listTable.ip, 'nft -t list table ip svc2nft', load]);
  });

  test('is deleted with the flags that it has, which the kernel asks for', async () => {
    const head = 'table ip svc2nft {\n\tflags persist\n\tcomment "any"\n}\n';
    const { proxy, nft, change } = await runCart(
      refusedOnce(),
      answering(listTable.ip, { stdout: '{"nftables": [' }),
      answering('nft -t list table ip svc2nft', { stdout: head }),
    );
    expect(resultsOf(await proxy.update(change))).toEqual(['ip rebuilt file-exists']);
    expect(nft.texts().at(-1)?.split('\n').slice(0, 3)).toEqual([
      'add table ip svc2nft { flags persist; }',
      'delete table ip svc2nft',
      'add table ip svc2nft { comment "Kubernetes Services, by svc2nft"; }',
    ]);
  });

  test('at the start is rebuilt when it cannot be read', async () => {
    const { proxy, nft } = await startProxy(workerOptions, answering(listTable.ip, { stdout: '{"nftables": [' }));
    const outcome = await proxy.update({ apply: [node()], complete: true });
    expect(resultsOf(outcome)).toEqual(['ip rebuilt refused']);
    expect(outcome.families[0]?.error?.said.join()).toContain('JSON');
    expect(nft.texts().join('').startsWith('add table ip svc2nft\ndelete table ip svc2nft\n')).toBe(true);
  });

  test.each([
    ['a foreign thing', { flowtable: { name: 'f' } }, 'unknown flowtable f'],
    [
      'a chain with another hook',
      { chain: { name: 'services', type: 'nat', hook: 'prerouting', prio: -100, policy: 'accept' } },
      'chain services has a different hook',
    ],
  ])('at the start is rebuilt when commands cannot repair it, and reported: %s', async (_, object, finding) => {
    const { proxy, nft } = await startProxy(workerOptions, answering(listTable.ip, printed('ip', [object])));
    const outcome = await proxy.update({ apply: [node()], complete: true });
    expect(resultsOf(outcome)).toEqual(['ip rebuilt']);
    expect(outcome.families[0]?.findings.map(({ message }) => message)).toContain(finding);
    expect(nft.texts().join('').startsWith('add table ip svc2nft\ndelete table ip svc2nft\n')).toBe(true);
  });

  test('at the start is repaired with commands where that will do, and pins to unknown endpoints are deleted', async () => {
    const { proxy, nft } = await startProxy(workerOptions, answering(listTable.ip, tableWithPins));
    const outcome = await proxy.update({ apply: [node(), ...service('cart', ['2.5'], affinity)], complete: true });
    expect(resultsOf(outcome)).toEqual(['ip changed']);
    expect(outcome.families[0]?.findings.map(({ message }) => message)).toContain(
      'the table has no base chains, so no packet passes it; an apply that was interrupted leaves it like this',
    );
    expect(nft.texts().join('')).not.toContain('10.0.0.1 .');
    expect(nft.texts().join('').split('\n').slice(-3)).toEqual([
      'add element ip svc2nft tcp-pins { 10.0.0.2 . 10.96.0.10 . 80 : 10.244.9.9 . 8080 }',
      'delete element ip svc2nft tcp-pins { 10.0.0.2 . 10.96.0.10 . 80 }',
      '',
    ]);
  });
});
