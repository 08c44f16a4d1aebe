import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compile } from '../../src/compile.ts';
import { diffRulesets } from '../../src/diff/diff-rulesets.ts';
import { rulesetOfTable } from '../../src/diff/table-state.ts';
import type { Ruleset } from '../../src/nft/ruleset.ts';
import { documentsOf } from '../../src/phases/1-read/read-documents.ts';
import { arbitraryWalk, type Snapshot } from '../support/arbitrary-walk.ts';
import { compareParts } from '../support/compare-parts.ts';
import { arbitraryDamages, damageRuleset } from '../support/damage-ruleset.ts';
import { carryOut } from '../support/fake-kernel.ts';
import { partsOfRuleset } from '../support/parts-of-ruleset.ts';

/** More for a long look: RUNS=20000 npx vitest run test/diff/properties.test.ts */
const numRuns = Number(process.env['RUNS'] ?? 400);

// Shrinking a long walk takes minutes; the time limit ends it early, so that the failure is reported.
const limits = { interruptAfterTimeLimit: 500 * numRuns };
const options = { timeout: 600 * numRuns };

describe('the difference of two rulesets', () => {
  test('leads from any one to any other', options, () => {
    fc.assert(fc.property(arbitraryWalk({ min: 1, max: 3 }), walkAll), { ...limits, numRuns });
  });

  test('leads there from whatever many others have left', options, () => {
    fc.assert(fc.property(arbitraryWalk({ min: 1, max: 100 }), walkAll), {
      ...limits,
      numRuns: Math.ceil(numRuns / 25),
    });
  });

  test('repairs any change of another program', options, () => {
    fc.assert(
      fc.property(arbitraryWalk({ min: 2, max: 2 }), arbitraryDamages, (walk, damages) => {
        const [before = [], after = []] = walk.map(rulesetsOf);
        for (const [index, wanted] of after.entries()) {
          const held = before[index];
          expect(held).toBeDefined();
          stepTo(wanted, held && damageRuleset(held, damages));
        }
      }),
      { ...limits, numRuns: Math.ceil(numRuns / 2) },
    );
  });
});

function walkAll(walk: readonly Snapshot[]): void {
  const rulesets = walk.map(rulesetsOf);
  for (const family of [0, 1]) {
    let held: Ruleset | undefined;
    for (const pair of rulesets) {
      const wanted = pair[family];
      expect(wanted).toBeDefined();
      held = wanted && stepTo(wanted, held);
    }
  }
}

/** Carries out the difference and checks it; what the kernel then holds. */
function stepTo(wanted: Ruleset, held: Ruleset | undefined): Ruleset {
  const { commands, after } = diffRulesets(held, wanted);
  const known = rulesetOfTable(after);
  const now = carryOut(held, { ...wanted, commands });
  expect(now && compareParts(partsOfRuleset(now), partsOfRuleset(wanted))).toEqual([]);
  // What the program believes is what is there, indices included.
  expect(partsOfRuleset(known)).toEqual(now && partsOfRuleset(now));
  expect(diffRulesets(known, wanted).commands).toEqual([]);
  return known;
}

function rulesetsOf(snapshot: Snapshot): readonly Ruleset[] {
  const { rulesets, diagnostics } = compile(documentsOf(snapshot.objects), snapshot.options);
  expect(rulesets, JSON.stringify(diagnostics.map(({ message }) => message))).toHaveLength(2);
  return rulesets ?? [];
}
