import { describe, expect, test } from 'vitest';
import { answering, listTable, refusing, says } from '../support/fake-nft.ts';
import { apply } from './apply-shop.ts';
import { listedShop } from './listed-shop.ts';
import { shop } from './shop.ts';

const onlyIp = ['--family', 'ip'];
const four = shop({ cart: ['10.244.1.11', '10.244.1.12', '10.244.1.13', '10.244.1.14'] });

describe('apply --dry-run changes nothing', () => {
  const flags = [...onlyIp, '--dry-run'];

  test.each([
    ['would be created (17 elements, 19 chains)', shop(), [], 0],
    ['would be changed (5 elements added, 2 elements deleted, 3 chains written)', four, [listedShop()], 0],
    ['up to date', shop(), [listedShop()], 0],
    ['would be rebuilt (17 elements, 19 chains)', shop(), [answering(listTable.ip, { stdout: '{' })], 0],
    ['would be refused', shop(), [refusing('10.96.0.10', says.refused)], 3],
    ['not checked', shop(), [answering(listTable.ip, says.notPermitted)], 4],
  ])('%s', async (heading, input, answers, expected) => {
    const { stdout, texts, exitCode } = await apply({ flags, input }, ...answers);
    expect(stdout.split('\n')[0]).toBe(`table ip svc2nft: ${heading}`);
    expect(texts).toEqual([]);
    expect(exitCode).toBe(expected);
  });

  test('the kernel is asked', async () => {
    const { commands } = await apply({ flags });
    expect(commands).toEqual(['nft --version', 'uname -r', listTable.ip, 'nft --check -f -']);
  });
});
