import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { kernelTestsRun } from '../support/kernel-tests.ts';
import { everyPairInTurn, loadInTurn } from '../support/load-goldens.ts';

const folder = fileURLToPath(new URL('../../golden/', import.meta.url));
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .sort()
  .filter((file) => file.endsWith('.nft'))
  .map((file) => `${folder}${file}`);

// All 108 x 108 pairs take minutes; `npm run test:every-pair` tries them all. By default every file is loaded after itself
// and after seven others.
const distances = process.env['EVERY_PAIR'] === '1' ? files.map((_, index) => index) : [0, 1, 2, 5, 12, 29, 53, 88];

test('the orders contain every pair', () => {
  const orders = everyPairInTurn(['a', 'b', 'c', 'd', 'e', 'f']);
  const pairs = orders.flatMap((order) => order.slice(1).map((next, index) => `${order[index]}${next}`));
  expect(new Set(pairs).size).toBe(36);
});

describe.skipIf(!kernelTestsRun)('nft', () => {
  test('accepts every golden file, again and over any other, and then holds the same', {
    timeout: 400_000,
  }, async () => {
    const fresh = new Map<string, string>();
    for (const file of files) {
      fresh.set(file, (await loadInTurn([file]))[0] ?? 'refused');
    }
    expect([...fresh].filter(([, digest]) => digest === 'refused')).toEqual([]);
    // Two behaviours may share a ruleset, but the digests must tell rulesets apart.
    expect(new Set(fresh.values()).size).toBeGreaterThan(files.length / 2);

    const orders = everyPairInTurn(files).filter((_, distance) => distances.includes(distance));
    // Loading mostly waits for the kernel, so several at a time do not disturb each other.
    const workers = Array.from({ length: 8 }, async (_, worker) => {
      for (const order of orders.filter((_order, index) => index % 8 === worker)) {
        const digests = await loadInTurn(order);
        const different = order.filter((file, index) => digests[index] !== fresh.get(file));
        expect(different).toEqual([]);
      }
    });
    await Promise.all(workers);
  });
});
