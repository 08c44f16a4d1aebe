import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createServiceProxy } from '../../../src/apply/create-service-proxy.ts';
import { compile } from '../../../src/compile.ts';
import { probeNft } from '../../../src/kernel/probe-nft.ts';
import type { CompileOptions } from '../../../src/options.ts';
import { documentsOf } from '../../../src/phases/1-read/read-documents.ts';
import { arbitraryChanges, objectsKnownAfter, type RandomChange } from '../../support/arbitrary-changes.ts';
import { comparableRuleset } from '../../support/comparable-ruleset.ts';
import { applyTestsRun } from './apply-tests.ts';
import { snapshotFlags, workerNode } from './manifests.ts';
import { openNode, type TestNode } from './open-node.ts';

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
/** More for a long look: RUNS=500 npx vitest run test/apply/kernel/service-proxy.kernel.test.ts */
const runs = Number(process.env['RUNS'] ?? 12);

describe.skipIf(!applyTestsRun)('a service proxy on the kernel', () => {
  /** Where the updates go, and where the ruleset they should result in is loaded at once. */
  let node: TestNode;
  let other: TestNode;
  let options: Partial<CompileOptions>;

  beforeAll(async () => {
    node = await openNode();
    other = await openNode();
    const probe = await probeNft(node.run);
    options = {
      nodeName: 'worker-1',
      clusterCIDRs: ['10.244.0.0/16', 'fd00:10:244::/48'],
      ...('targetNft' in probe && { targetNft: probe.targetNft }),
    };
  });

  afterAll(async () => {
    await Promise.all([node.close(), other.close()]);
  });

  const sequences = fc.sample(arbitraryChanges, { numRuns: runs, seed });
  test.each(sequences.map((changes, index) => ({ changes: [nodeAppears, ...changes], number: index + 1 })))(
    `sequence $number of SEED=${seed}`,
    async ({ changes, number }) => {
      const proxy = await createServiceProxy({ ...options, run: node.run });
      // Even ones start from what the sequence before has left.
      await node.nft(number % 2 === 1 ? 'flush ruleset' : '');
      for (const change of changes) {
        const { ok, families } = await proxy.update({ ...change, complete: true });
        expect(families.flatMap(({ error }) => error ?? [])).toEqual([]);
        expect(ok).toBe(true);
      }
      const objects = objectsKnownAfter(changes, options) ?? [];
      await other.nft(compile(documentsOf(objects), { ...options, keepGoing: true }).text ?? '');
      expect(await tablesOf(node)).toEqual(await tablesOf(other));
      const { exitCode, stdout } = await node.svc2nft(['diff', '--keep-going', ...snapshotFlags], objects);
      expect(`${exitCode} ${stdout}`).toBe('0 ');
    },
  );
});

const nodeAppears: RandomChange = { apply: [workerNode], remove: [] };

async function tablesOf(node: TestNode): Promise<unknown[]> {
  const listings = await Promise.all([node.listing('ip'), node.listing('ip6')]);
  return listings.map((listing) => listing && [comparableRuleset(listing.ruleset), listing.deviations]);
}
