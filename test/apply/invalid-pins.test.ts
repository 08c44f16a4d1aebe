import { describe, expect, test } from 'vitest';
import { node } from '../engine/worker.ts';
import { service } from '../inspect/changes/shop.ts';
import { type Answer, answering, listTable, printed, refusing, says, times } from '../support/fake-nft.ts';
import { runProxy } from './start-proxy.ts';

const cart = (hosts: readonly string[]) => service('cart', hosts, { spec: { sessionAffinity: 'ClientIP' } });
const listPins = 'nft -nj list map ip svc2nft tcp-pins';
const listPinned = 'nft -nj list set ip svc2nft tcp-pinned';
const client = ['10.0.0.1', '10.96.0.10', 80];
const lifetime = { timeout: 10_800, expires: 9999 };
const pinned: readonly Answer[] = [
  answering(
    listPins,
    printed('ip', [
      {
        map: {
          name: 'tcp-pins',
          type: ['ipv4_addr', 'ipv4_addr', 'inet_service'],
          map: 'ipv4_addr . inet_service',
          flags: ['timeout'],
          elem: [[{ elem: { val: { concat: client }, ...lifetime } }, { concat: ['10.244.2.5', 8080] }]],
        },
      },
    ]),
  ),
  answering(
    listPinned,
    printed('ip', [
      {
        set: {
          name: 'tcp-pinned',
          type: ['ipv4_addr', 'ipv4_addr', 'inet_service', 'ipv4_addr', 'inet_service'],
          flags: ['timeout'],
          elem: [{ elem: { val: { concat: [...client, '10.244.2.5', 8080] }, ...lifetime } }],
        },
      },
    ]),
  ),
];
const deletion = `\
add element ip svc2nft tcp-pins { 10.0.0.1 . 10.96.0.10 . 80 : 10.244.2.5 . 8080 }
delete element ip svc2nft tcp-pins { 10.0.0.1 . 10.96.0.10 . 80 }
add element ip svc2nft tcp-pinned { 10.0.0.1 . 10.96.0.10 . 80 . 10.244.2.5 . 8080 }
delete element ip svc2nft tcp-pinned { 10.0.0.1 . 10.96.0.10 . 80 . 10.244.2.5 . 8080 }
`;

describe('clients with affinity', () => {
  test('lose their pins when their endpoint goes, in a transaction of its own after that', async () => {
    const { proxy, nft } = await runProxy([node(), ...cart(['2.5', '2.6'])]);
    nft.answers.push(...pinned);
    const outcome = await proxy.update({ apply: [cart(['2.6'])[1]] });
    expect(nft.commandsSince()).toEqual(['nft -f -', listPins, listPinned, 'nft -f -']);
    expect(nft.texts().at(-1)).toBe(deletion);
    expect(outcome.ok).toBe(true);
  });

  test('keep them when another one goes or comes', async () => {
    const { proxy, nft } = await runProxy([node(), ...cart(['2.5', '2.6'])]);
    nft.answers.push(...pinned);
    await proxy.update({ apply: [cart(['2.5'])[1]] });
    expect(nft.commandsSince()).toEqual(['nft -f -', listPins, listPinned]);
    await proxy.update({ apply: [cart(['2.5', '2.7'])[1]] });
    expect(nft.commandsSince()).toEqual(['nft -f -']);
  });

  test('lose them when the policy is another, though their endpoint is still there', async () => {
    const { proxy, nft } = await runProxy([node(), ...cart(['2.5', '1.5'])]);
    nft.answers.push(...pinned);
    const spec = { sessionAffinity: 'ClientIP', internalTrafficPolicy: 'Local' };
    await proxy.update({ apply: [service('cart', [], { spec })[0]] });
    expect(nft.texts().at(-1)).toBe(deletion);
  });

  test('have lost them already when the table was rebuilt', async () => {
    const { proxy, nft } = await runProxy([node(), ...cart(['2.5', '2.6'])]);
    nft.answers.push(times(1, answering('nft -f -', says.fileExists)), ...pinned);
    await proxy.update({ apply: [cart(['2.6'])[1]] });
    expect(nft.commandsSince()).toEqual(['nft -f -', listTable.ip, 'nft -f -']);
  });

  test('keep them for now when they cannot be read or deleted, and lose them the next time', async () => {
    const { proxy, nft } = await runProxy([node(), ...cart(['2.5', '2.6', '2.7'])]);
    // Packets write pins at any moment, and then nft refuses.
    nft.answers.push(refusing('tcp-pins {', says.noSuchFile), ...pinned);
    expect((await proxy.update({ apply: [cart(['2.6', '2.7'])[1]] })).ok).toBe(true);
    const attempt = [listPins, listPinned, 'nft -f -'];
    expect(nft.commandsSince()).toEqual(['nft -f -', ...attempt, ...attempt, ...attempt]);
    nft.answers.length = 0;
    nft.answers.push(({ command }) => (command === listPins ? says.noMemory : undefined));
    expect((await proxy.update({})).ok).toBe(true);
    expect(nft.commandsSince()).toEqual([listPins, listPins, listPins]);
    nft.answers.length = 0;
    nft.answers.push(...pinned);
    await proxy.update({});
    expect(nft.commandsSince()).toEqual(attempt);
    expect(nft.texts().at(-1)).toBe(deletion);
    await proxy.update({});
    expect(nft.commandsSince()).toEqual([]);
  });
});
