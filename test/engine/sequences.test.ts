import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compile } from '../../src/compile.ts';
import { createEngine } from '../../src/engine/create-engine.ts';
import type { CompileOptions } from '../../src/options.ts';
import { documentsOf } from '../../src/phases/1-read/read-documents.ts';
import { arbitraryChanges, objectsKnownAfter } from '../support/arbitrary-changes.ts';
import { nodeName } from '../support/arbitrary-cluster.ts';
import { comparableRuleset } from '../support/comparable-ruleset.ts';

const settings: readonly Partial<CompileOptions>[] = [
  { nodeName },
  { nodeName, targetNft: '1.1.3', nodePortAddresses: ['all'] },
  { nodeName, detectLocalMode: 'NodeCIDR', nodeAddresses: ['192.0.2.50'] },
  { masqueradeAll: true, families: ['ip'] },
];

/** More for a long look: RUNS=20000 npx vitest run test/engine/sequences.test.ts */
const numRuns = Number(process.env['RUNS'] ?? 200);

describe.each(settings)('%j', (options) => {
  test('any sequence of updates ends in the ruleset of one compilation', { timeout: 600_000 }, () => {
    let compared = 0;
    fc.assert(
      fc.property(arbitraryChanges, (changes) => {
        const engine = createEngine(options);
        for (const change of changes) {
          engine.update({ ...change, complete: true });
        }
        const objects = objectsKnownAfter(changes, options);
        if (objects) {
          compared += 1;
          const { rulesets } = compile(documentsOf(objects), { ...options, keepGoing: true });
          expect(engine.rulesets().map(comparableRuleset)).toEqual(rulesets?.map(comparableRuleset));
        }
      }),
      { numRuns },
    );
    expect(compared).toBeGreaterThan(numRuns / 2);
  });
});
