import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readActualTable } from '../../src/apply/read-actual-table.ts';
import { compile } from '../../src/compile.ts';
import { planTable } from '../../src/diff/plan-table.ts';
import { isNftError } from '../../src/kernel/nft-error.ts';
import { probeNft } from '../../src/kernel/probe-nft.ts';
import { loadTransaction } from '../../src/kernel/run-nft.ts';
import { printTransaction } from '../../src/nft/command.ts';
import { printRulesets } from '../../src/nft/print.ts';
import type { Ruleset } from '../../src/nft/ruleset.ts';
import { readDocuments } from '../../src/phases/1-read/read-documents.ts';
import { nodeInside, type TestNode } from '../apply/kernel/open-node.ts';
import { sortRuleset } from '../nft/json/sort-ruleset.ts';
import { listFixtures, loadFixture } from '../support/fixture.ts';
import { inParallel } from '../support/in-parallel.ts';
import { kernelTestsRun } from '../support/kernel-tests.ts';
import { startAgent } from '../support/lab/start-agent.ts';
import { type NftPair, nftPairs } from '../support/nft-versions.ts';

/** Some, of all topics; `npm run test:nft` takes them all. */
const names = listFixtures().filter((_, index) => index % 9 === 0 || process.env['EVERY_FIXTURE'] === '1');

const pairs = nftPairs.map((pair) => [pair.writer.version, pair.reader.version, pair] as const);

describe.skipIf(!kernelTestsRun)('fixtures in the kernel', () => {
  test('are tried with more than one nft', ({ skip }) => {
    skip(pairs.length === 0, 'test/nft-versions/install.sh gets another nft');
    expect(pairs).not.toEqual([]);
  });

  test.each(pairs)(
    'written with nft %s, read and changed to others with nft %s',
    {
      timeout: 400_000,
    },
    async (_writer, _reader, pair) => {
      const waiting = [...names.entries()];
      // A step often waits for the kernel.
      await inParallel([1, 2], 2, () =>
        withNodes(pair, async (writer, reader) => {
          for (let step = waiting.pop(); step; step = waiting.pop()) {
            const [index, name] = step;
            // Far away, so of another topic.
            const next = names[(index + Math.ceil(names.length / 2)) % names.length] ?? name;
            await checkStep({ writer, reader, isReadable: pair.isReadable }, name, next);
          }
        }),
      );
    },
  );
});

async function withNodes(pair: NftPair, work: (writer: TestNode, reader: TestNode) => Promise<void>): Promise<void> {
  const agent = await startAgent();
  const [writer, reader] = await Promise.all([nodeInside(agent, pair.writer), nodeInside(agent, pair.reader)]);
  try {
    await work(writer, reader);
  } finally {
    await Promise.all([writer.close(), reader.close()]);
    await agent.close();
  }
}

interface Nodes {
  readonly writer: TestNode;
  readonly reader: TestNode;
  readonly isReadable: boolean;
}

async function checkStep({ writer, reader, isReadable }: Nodes, name: string, next: string): Promise<void> {
  const written = await rulesetsFor(writer, name);
  const wanted = await rulesetsFor(reader, next);
  await writer.nft(`flush ruleset\n${printRulesets(written, { lines: [] })}`);
  for (const ruleset of written) {
    const actual = await readActualTable(reader.run, ruleset);
    if (!isReadable) {
      expect(actual, name).toMatchObject({ kind: 'unreadable' });
      continue;
    }
    if (actual === undefined || isNftError(actual)) {
      throw new Error(`${name}, ${ruleset.family}: ${actual?.said.join('\n')}`);
    }
    expect(actual.deviations, name).toEqual([]);
    expect(sortRuleset(actual.ruleset), name).toEqual(sortRuleset(ruleset));
    for (const desired of wanted.filter(({ family }) => family === ruleset.family)) {
      const { commands } = planTable(desired, actual);
      expect(await loadTransaction(reader.run, printTransaction({ ...desired, commands })), next).toBeUndefined();
      const changed = await readActualTable(reader.run, desired);
      expect(isNftError(changed) ? changed : planTable(desired, changed).commands, `${name} -> ${next}`).toEqual([]);
    }
  }
}

/** What the node's nft can load of a fixture. */
async function rulesetsFor({ run }: TestNode, name: string): Promise<readonly Ruleset[]> {
  const probe = await probeNft(run);
  expect(probe).toHaveProperty('targetNft');
  const { options, snapshotFile } = loadFixture(name);
  const { documents } = readDocuments([{ file: snapshotFile, content: readFileSync(snapshotFile) }]);
  const { rulesets = [] } = compile(documents, {
    ...options,
    targetNft: 'targetNft' in probe ? probe.targetNft : '1.0.6',
  });
  expect(rulesets.length, name).toBeGreaterThan(0);
  return rulesets;
}
