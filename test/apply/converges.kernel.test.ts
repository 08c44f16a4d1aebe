import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createServiceProxy, type ServiceProxy } from '../../src/apply/create-service-proxy.ts';
import type { Outcome } from '../../src/apply/outcome.ts';
import { readActualTable } from '../../src/apply/read-actual-table.ts';
import { createEngine } from '../../src/engine/create-engine.ts';
import type { Changes } from '../../src/engine/engine.ts';
import { isNftError } from '../../src/kernel/nft-error.ts';
import type { RunProgram } from '../../src/kernel/run-program.ts';
import { arbitraryChanges } from '../support/arbitrary-changes.ts';
import { nodeName } from '../support/arbitrary-cluster.ts';
import { compareParts } from '../support/compare-parts.ts';
import { says } from '../support/fake-nft.ts';
import { kernelTestsRun } from '../support/kernel-tests.ts';
import { partsOfRuleset } from '../support/parts-of-ruleset.ts';
import type { Parts } from '../support/read-parts.ts';
import { openNode, type TestNode } from './kernel/open-node.ts';

/** What becomes of a call of nft: `late` says that it was killed, though the kernel has done it all. */
const fates = ['good', 'good', 'good', 'good', 'killed', 'late', 'busy', 'noMemory', 'refused'] as const;
type Fate = (typeof fates)[number];

/** With an address of each family: one that it lacks would stay as it was, which depends on what was taken together. */
const workerNode = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: nodeName },
  status: { addresses: ['192.0.2.11', '2001:db8:a::11'].map((address) => ({ type: 'InternalIP', address })) },
};

/** More for a long look: RUNS=500 npx vitest run test/apply/converges.kernel.test.ts */
const numRuns = Number(process.env['RUNS'] ?? 12);

describe.skipIf(!kernelTestsRun)('whatever fails in between', () => {
  let node: TestNode;

  beforeAll(async () => {
    node = await openNode();
  });

  afterAll(async () => {
    await node.close();
  });

  /** The nft of the node, of which each call has another fate for as long as there are any. */
  function unreliable(left: Iterator<Fate, undefined>): RunProgram {
    return async (program, args, input) => {
      const fate = (program === 'nft' ? left.next().value : undefined) ?? 'good';
      const isCarriedOut = fate === 'good' || fate === 'late';
      const result = isCarriedOut ? await node.run(program, args, input) : { ...nothingSaid, ...says[fate] };
      return fate === 'late' ? { ...result, ...says.killed } : result;
    };
  }

  /** The kernel holds what the service proxy assumes, in the same order, and that is what the objects ask for. */
  async function expectDesired(proxy: ServiceProxy, changes: readonly Changes[], { families }: Outcome): Promise<void> {
    const engine = createEngine({ nodeName });
    engine.accept({ complete: true });
    for (const change of changes) {
      engine.update(change);
    }
    const rejectedIn = (name: string) => families.find(({ family }) => family === name)?.rejectedServices;
    for (const known of proxy.rulesets()) {
      const listing = await readActualTable(node.run, known);
      const held = listing && !isNftError(listing) ? listing : undefined;
      expect(held?.deviations).toEqual([]);
      const found = held && partsOfRuleset(held.ruleset);
      expect(found && sorted(found)).toEqual(sorted(partsOfRuleset(known)));
      expect(
        found &&
          compareParts(found, partsOfRuleset(engine.desiredWithout(known.family, new Set(rejectedIn(known.family))))),
      ).toEqual([]);
    }
  }

  test('the kernel holds what is desired after the next update that succeeds', { timeout: 600_000 }, async () => {
    const arbitraryWaits = fc.infiniteStream(fc.boolean());
    const arbitraryFates = fc.array(fc.constantFrom(...fates), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(arbitraryChanges, arbitraryFates, arbitraryWaits, async (changes, chosen, waits) => {
        await node.nft('flush ruleset');
        const left = chosen.values();
        const tools = { run: unreliable(left), pause: async () => {} };
        const proxy = await createServiceProxy({ nodeName, targetNft: '1.0.6', ...tools });
        const applied = [proxy.update({ complete: true })];
        for (const change of changes) {
          const outcome = proxy.update(change);
          applied.push(outcome);
          await (waits.next().value ? outcome : undefined);
        }
        await Promise.all(applied);
        for (const _ of left) {
          // The rest of the fates does not come.
        }
        const last = { apply: [workerNode] };
        const outcome = await proxy.update(last);
        expect(outcome.families.map(({ result }) => result)).not.toContain('failed');
        await expectDesired(proxy, [...changes, last], outcome);
      }),
      { numRuns },
    );
  });
});

const nothingSaid = { exitCode: undefined, signal: undefined, stdout: '', stderr: '', missing: false, denied: false };

function sorted(parts: Parts): unknown[] {
  return [...parts].sort(([a], [b]) => (a < b ? -1 : 1));
}
