import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { everyPairInTurn, isDistanceTried } from '../support/every-pair.ts';
import { inParallel } from '../support/in-parallel.ts';
import { kernelTestsRun } from '../support/kernel-tests.ts';
import { runNft } from '../support/run-nft.ts';

const folder = fileURLToPath(new URL('../../golden/', import.meta.url));
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .sort()
  .filter((file) => file.endsWith('.nft'))
  .map((file) => ({ file, text: readFileSync(`${folder}${file}`, 'utf8') }));

type GoldenFile = (typeof files)[number];

test('the orders contain every pair', () => {
  const orders = everyPairInTurn(['a', 'b', 'c', 'd', 'e', 'f']);
  const pairs = orders.flatMap((order) => order.slice(1).map((next, index) => `${order[index]}${next}`));
  expect(new Set(pairs).size).toBe(36);
});

describe.skipIf(!kernelTestsRun)('nft', () => {
  test('accepts every golden file, again and over any other, and then holds the same', {
    timeout: 400_000,
  }, async () => {
    const fresh = new Map<GoldenFile, string>();
    await inParallel(files, 4, async (file) => {
      fresh.set(file, (await loadInTurn([file]))[0] ?? '');
    });
    expect([...fresh].filter(([, held]) => held.startsWith('refused')).map(([{ file }]) => file)).toEqual([]);
    // Two behaviors may share a ruleset, but the listings must tell rulesets apart.
    expect(new Set(fresh.values()).size).toBeGreaterThan(files.length / 2);

    // Loading mostly waits for the kernel.
    const orders = everyPairInTurn(files).filter((_, distance) => isDistanceTried(distance));
    await inParallel(orders, 8, async (order) => {
      const held = await loadInTurn(order);
      const different = order.filter((file, index) => held[index] !== fresh.get(file));
      expect(different.map(({ file }) => file)).toEqual([]);
    });
  });

  test('loads what it has printed of every golden file (nft list ruleset), and then holds the same', async () => {
    const failed: string[] = [];
    await inParallel(files, 4, async ({ file, text }) => {
      const saved = await printAfter(text);
      expect(saved).toContain('table ');
      const again = await printAfter(saved);
      if (again !== saved) {
        failed.push(`${file}: ${again}`);
      }
    });
    expect(failed).toEqual([]);
  });
});

/** What nft prints of all tables after it has loaded a text; its complaint if it refused it. */
async function printAfter(text: string): Promise<string> {
  const answer = (await runNft([{ text }, { text: 'list ruleset' }])).at(-1);
  return answer && 'output' in answer ? answer.output : `refused: ${answer?.complaint}`;
}

/**
 * Loads files one after the other in a network namespace of their own, beside a table of another program.
 *
 * @returns for each load what the file's tables and the other one then hold; `refused: ` and the complaint where nft
 * refused one. A file for one family leaves the other family's table alone.
 */
async function loadInTurn(order: readonly GoldenFile[]): Promise<string[]> {
  const foreignTable = { text: 'table ip other { chain kept { type filter hook input priority 7; }; }' };
  const loads = order.map(({ text }) => {
    const tables = [...text.matchAll(/^delete (table .*)$/gm)].map(([, table]) => table);
    return [{ text }, ...['table ip other', ...tables].map((table) => ({ text: `list ${table}`, flags: 's' }))];
  });
  const answers = (await runNft([foreignTable, ...loads.flat()])).slice(1);
  return loads.map(({ length }) => {
    const printed = answers
      .splice(0, length)
      .map((one) => ('output' in one ? one.output : `refused: ${one.complaint}`));
    return printed.length === length ? printed.join('') : `refused, here or before: ${printed.at(-1)}`;
  });
}
