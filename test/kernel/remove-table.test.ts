import { expect, test } from 'vitest';
import { removeTable } from '../../src/kernel/run-nft.ts';
import { answering, createFakeNft, says } from '../support/fake-nft.ts';

const name = { family: 'ip6', table: 'proxy' } as const;

test('one table is removed, and no other', async () => {
  const nft = createFakeNft();
  expect(await removeTable(nft.run, name)).toBe('removed');
  expect(nft.calls).toEqual([{ command: 'nft -f -', input: 'delete table ip6 proxy\n' }]);
});

test('a missing one is fine', async () => {
  const nft = createFakeNft(answering('nft -f -', says.noSuchFile));
  expect(await removeTable(nft.run, name)).toBe('absent');
});

test('one that cannot be removed gives an error', async () => {
  const nft = createFakeNft(answering('nft -f -', says.notPermitted));
  expect(await removeTable(nft.run, name)).toMatchObject({ kind: 'no-permission' });
});

test('a name that nft would read as commands throws', async () => {
  const nft = createFakeNft();
  await expect(removeTable(nft.run, { family: 'ip', table: 'a; flush ruleset' })).rejects.toThrow();
  expect(nft.calls).toEqual([]);
});
