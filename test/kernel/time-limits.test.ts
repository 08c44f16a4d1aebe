import { expect, test } from 'vitest';
import { probeNft } from '../../src/kernel/probe-nft.ts';
import { readDynamicSet, readTable } from '../../src/kernel/read-table.ts';
import { checkTransaction, loadTransaction, removeTable } from '../../src/kernel/run-nft.ts';
import type { RunProgram } from '../../src/kernel/run-program.ts';
import { knownNames } from '../../src/phases/5-plan/names.ts';
import { createFakeNft } from '../support/fake-nft.ts';

const name = { family: 'ip', table: 'svc2nft' } as const;

/** For how many seconds programs may run. */
async function limitsOf(work: (run: RunProgram) => Promise<unknown>): Promise<(number | undefined)[]> {
  const limits: (number | undefined)[] = [];
  await work((program, args, input, options) => {
    limits.push(options?.longest === undefined ? undefined : options.longest / 1_000);
    return createFakeNft().run(program, args, input);
  });
  return limits;
}

test.each([
  [1_000, 30],
  [999_999, 30],
  [1_000_000, 40],
  [12_500_000, 150],
  [100_000_000, 1_030],
])('a transaction of %i bytes may take %i seconds, to be checked or to be loaded', async (bytes, seconds) => {
  const text = 'x'.repeat(bytes);
  expect(await limitsOf((run) => loadTransaction(run, text))).toEqual([seconds]);
  expect(await limitsOf((run) => checkTransaction(run, text))).toEqual([seconds]);
});

test('a listing may take minutes, what does not depend on tables seconds', async () => {
  expect(await limitsOf((run) => readTable(run, name, knownNames))).toEqual([300]);
  expect(await limitsOf((run) => readDynamicSet(run, name, { set: 's', isMap: true, knownNames }))).toEqual([300]);
  expect(await limitsOf((run) => removeTable(run, name))).toEqual([30]);
  expect(await limitsOf(probeNft)).toEqual([10, 10]);
});
