import fc from 'fast-check';
import { expect, test } from 'vitest';
import { diffRulesets } from '../../../src/diff/diff-rulesets.ts';
import { rulesetOfTable } from '../../../src/diff/table-state.ts';
import { verifyMissingTable } from '../../../src/inspect/verify/verify-ruleset.ts';
import type { Family } from '../../../src/net/network.ts';
import type { Ruleset } from '../../../src/nft/ruleset.ts';
import { documentsOf } from '../../../src/phases/1-read/read-documents.ts';
import { arbitraryWalk } from '../../support/arbitrary-walk.ts';
import { carryOut } from '../../support/fake-kernel.ts';
import { service, slice } from '../../support/small-cluster.ts';
import { linesOf, type Side, sidesOf } from './verify-objects.ts';

const families: readonly Family[] = ['ip', 'ip6'];

/** Differences leave other orders of endpoints, and idle chains. */
test('a table is still correct after many changes', () => {
  fc.assert(
    fc.property(arbitraryWalk({ min: 2, max: 4 }), (snapshots) => {
      for (const family of families) {
        let known: Ruleset | undefined;
        let held: Ruleset | undefined;
        for (const { objects, options } of snapshots) {
          const sides = sidesOf(documentsOf(objects), { ...options, targetNft: '1.0.6' });
          const { ruleset, expectations } = sides.find((side) => side.ruleset.family === family) as Side;
          const { commands, after } = diffRulesets(known, ruleset);
          known = rulesetOfTable(after);
          held = carryOut(held, { ...ruleset, commands });
          expect(held && linesOf({ ruleset: held, expectations }, { isActual: true })).toEqual([]);
        }
      }
    }),
    { numRuns: 12 },
  );
});

const node = { nodeName: 'worker-1', nodeAddresses: ['192.0.2.11'], clusterCIDRs: ['10.244.0.0/16'] };

test('a missing table is a fault if the snapshot has frontends in its family', () => {
  const objects = [service('web', { clusterIP: '10.96.0.10' }), slice('web', ['10.244.1.10'])];
  const sides = sidesOf(documentsOf(objects), node);
  const missing = sides.map(({ expectations }) => verifyMissingTable(expectations, 'svc2nft').faults);
  expect(missing).toEqual([[{ code: 'missing-table', message: 'there is no table ip svc2nft' }], []]);
});

test('only a table read from the kernel or a file may have idle chains, and no other unused ones', () => {
  const objects = [service('web', { clusterIP: '10.96.0.10' }), slice('web', ['10.244.1.10'])];
  const [side] = sidesOf(documentsOf(objects), node) as [Side];
  const idle = (name: string): Side => ({
    ...side,
    ruleset: { ...side.ruleset, chains: [...side.ruleset.chains, { name, rules: [] }] },
  });
  expect(linesOf(idle('tcp-cluster-7'), { isActual: true })).toEqual([]);
  expect(linesOf(idle('tcp-cluster-7'), { isActual: false })).toEqual([
    'dangling-chain : no rule leads to chain tcp-cluster-7',
  ]);
  expect(linesOf(idle('mine'), { isActual: true })).toEqual(['dangling-chain : no rule leads to chain mine']);
});
