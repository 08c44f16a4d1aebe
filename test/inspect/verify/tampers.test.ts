import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkShapes } from '../../../src/inspect/verify/check-shapes.ts';
import { documentsOf } from '../../../src/phases/1-read/read-documents.ts';
import { UnknownRule } from '../../../src/walk/check-ruleset.ts';
import { arbitraryCluster, type Manifest, nodeName } from '../../support/arbitrary-cluster.ts';
import { findDifference } from '../../support/compare-fates.ts';
import { arbitraryTamper, type Tamper, tamperWith } from '../../support/tamper-ruleset.ts';
import { linesOf, type Side, sidesOf } from './verify-objects.ts';

/** TAMPERS=100 tries that many times as many, and prints what became of them. */
const factor = Number(process.env['TAMPERS'] ?? 1);
const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);

const arbitraryOptions = fc.record({
  targetNft: fc.constantFrom('1.0.6' as const, '1.1.3' as const),
  masqueradeAll: fc.boolean(),
  nodePortAddresses: fc.constantFrom([], ['all'], ['192.0.2.0/24']),
  clusterCIDRs: fc.constantFrom([], ['10.244.0.0/16', 'fd00:10:244::/48']),
});

/** Two Services are enough to be confused with each other, and all their packets can be tried. */
function fewServices(objects: readonly Manifest[]): Manifest[] {
  return objects.filter((object) => !/service-[2-9]/.test(JSON.stringify(object['metadata'])));
}

/** What came of a change. */
type Result = 'no change' | 'found by its shape' | 'found by walks' | 'without effect';

function resultOf({ ruleset, expectations }: Side, tamper: Tamper): Result | undefined {
  const changed = tamperWith(ruleset, tamper);
  if (changed === ruleset || JSON.stringify(changed) === JSON.stringify(ruleset)) {
    return 'no change';
  }
  if (checkShapes(changed).length > 0) {
    return 'found by its shape';
  }
  if (linesOf({ ruleset: changed, expectations }).length > 0) {
    return 'found by walks';
  }
  return findDifference(ruleset, changed, expectations.nodeAddresses) ? undefined : 'without effect';
}

test(`each change of a table that changes a fate is found (seed ${seed})`, () => {
  const counts = new Map<string, number>();
  fc.assert(
    fc.property(
      arbitraryCluster,
      arbitraryOptions,
      fc.array(arbitraryTamper, { minLength: 10, maxLength: 10 }),
      (objects, options, tampers) => {
        const sides = sidesOf(documentsOf(fewServices(objects)), { nodeName, ...options });
        for (const [index, tamper] of tampers.entries()) {
          const side = sides[index % sides.length] as Side;
          const result = resultOf(side, tamper);
          counts.set(result ?? 'missed', (counts.get(result ?? 'missed') ?? 0) + 1);
          expect(result, JSON.stringify(tamper)).toBeDefined();
        }
      },
    ),
    { numRuns: 10 * factor, seed },
  );
  if (factor > 1) {
    console.log(JSON.stringify(Object.fromEntries(counts)));
  }
}, 600_000);

describe('the comparison of fates', () => {
  const objects = fc.sample(arbitraryCluster, { numRuns: 40, seed: 7 }).map(fewServices);

  test('finds what changes a fate', () => {
    const operators = ['delete endpoints', 'flush a chain', 'other bit of the mark', 'insert a short rule'];
    for (const operator of operators) {
      const differences = objects.flatMap((cluster, index) => {
        const [side] = sidesOf(documentsOf(cluster), { nodeName }) as [Side];
        const changed = tamperWith(side.ruleset, { operator, places: [index, index, 7 * index] });
        try {
          return findDifference(side.ruleset, changed, side.expectations.nodeAddresses) ?? [];
        } catch (error) {
          expect(error).toBeInstanceOf(UnknownRule);
          return [];
        }
      });
      expect(differences, operator).not.toEqual([]);
    }
  });
});
