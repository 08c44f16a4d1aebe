import { expect, test } from 'vitest';
import { node } from '../engine/worker.ts';
import { service } from '../inspect/changes/shop.ts';
import { answering, listTable, says, times } from '../support/fake-nft.ts';
import { resultsOf, runApplier } from './start-applier.ts';

const cart = (hosts: readonly string[]) => ({ apply: [service('cart', hosts)[1]] });

test('an update that is missing, or comes twice, makes the table be read', async () => {
  const { applier, nft, engine } = await runApplier([node(), ...service('cart', ['2.5'])]);
  const [first, second, third] = [['2.6'], ['2.6', '2.7'], ['2.7']].map((hosts) => engine.update(cart(hosts)));
  if (!first || !second || !third) {
    throw new Error('three updates are expected');
  }
  await applier.apply(first);
  expect(nft.commandsSince()).toEqual(['nft -f -']);
  await applier.apply(third);
  expect(nft.commandsSince()).toEqual([listTable.ip, 'nft -f -']);
  // It is part of what was sent after reading.
  await applier.apply(second);
  expect(nft.commandsSince()).toEqual([]);
  const last = engine.update(cart(['2.8']));
  await applier.apply(last);
  nft.commandsSince();
  await applier.apply(last);
  expect(nft.commandsSince()).toEqual([listTable.ip, 'nft -f -']);
});

test('when one table was not as it was left, the other is read as well', async () => {
  const objects = [node(), ...service('cart', ['2.5'])];
  const { applier, nft, engine } = await runApplier(objects, { families: ['ip', 'ip6'] });
  nft.answers.push(times(1, answering('nft -f -', says.noSuchFile)));
  const outcome = await applier.apply(engine.update(cart(['2.5', '2.6'])));
  expect(resultsOf(outcome)).toEqual(['ip rebuilt no-such-file', 'ip6 changed']);
  expect(nft.commandsSince()).toEqual(['nft -f -', listTable.ip, 'nft -f -', listTable.ip6, 'nft -f -']);
});
