import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compile } from '../../src/compile.ts';
import { diffRulesets } from '../../src/diff/diff-rulesets.ts';
import { rulesetOfTable } from '../../src/diff/table-state.ts';
import type { Family } from '../../src/net/network.ts';
import { printTransaction } from '../../src/nft/command.ts';
import { printRulesets } from '../../src/nft/print.ts';
import type { Ruleset } from '../../src/nft/ruleset.ts';
import { documentsOf } from '../../src/phases/1-read/read-documents.ts';
import { arbitraryWalk, type Snapshot } from '../support/arbitrary-walk.ts';
import { compareParts } from '../support/compare-parts.ts';
import { keepClusters } from '../support/keep-clusters.ts';
import { kernelTestsRun } from '../support/kernel-tests.ts';
import { loadTransactions } from '../support/load-transactions.ts';
import { type Parts, readParts } from '../support/read-parts.ts';

const families: readonly Family[] = ['ip', 'ip6'];

/** On the real kernel, a difference must lead from one random cluster to the next. */
describe.skipIf(!kernelTestsRun)('from one random cluster to another', () => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
  const walks = fc.sample(arbitraryWalk({ min: 2, max: 2 }), { numRuns: 10, seed });

  const cases = walks.map((walk, number) => ({ walk, number }));
  test.for(cases)(`SEED=${seed}, number $number`, async ({ walk }, { onTestFailed }) => {
    onTestFailed(() => keepClusters(walk));
    for (const family of families) {
      await checkWalk(walk.map((snapshot) => rulesetOf(snapshot, family)));
    }
  });
});

async function checkWalk(rulesets: readonly Ruleset[]): Promise<void> {
  let known: Ruleset | undefined;
  const steps = rulesets.map((wanted) => {
    const { commands, after } = diffRulesets(known, wanted);
    known = rulesetOfTable(after);
    return { wanted, known, text: printTransaction({ ...wanted, commands }) };
  });
  const seen = await loadTransactions(steps.map(({ text }) => [text]));
  expect(seen.filter((listing) => listing.startsWith('refused'))).toEqual([]);
  for (const [index, step] of steps.entries()) {
    const parts = readParts(seen[index] ?? '');
    expect(compareParts(parts, await partsOf(step.wanted))).toEqual([]);
    // What the program believes that the table holds is what it holds, the order of endpoints included.
    expect(parts).toEqual(await partsOf(step.known));
  }
}

/** What an empty kernel makes of a ruleset. */
async function partsOf(ruleset: Ruleset): Promise<Parts> {
  const [listing = ''] = await loadTransactions([[printRulesets([ruleset], { lines: [] })]]);
  return readParts(listing);
}

function rulesetOf({ objects, options }: Snapshot, family: Family): Ruleset {
  // What the oldest nft can load.
  const { rulesets = [] } = compile(documentsOf(objects), { ...options, targetNft: '1.0.6' });
  const [ruleset] = rulesets.filter((one) => one.family === family);
  expect(ruleset).toBeDefined();
  return ruleset as Ruleset;
}
