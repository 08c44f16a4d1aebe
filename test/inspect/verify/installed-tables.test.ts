import fc from 'fast-check';
import { expect, test } from 'vitest';
import { diffRulesets } from '../../../src/diff/diff-rulesets.ts';
import { installedRuleset } from '../../../src/diff/installed.ts';
import { verifyMissingTable } from '../../../src/inspect/verify/verify-ruleset.ts';
import type { Family } from '../../../src/net/network.ts';
import type { Ruleset } from '../../../src/nft/ruleset.ts';
import { documentsOf } from '../../../src/phases/1-read/read-documents.ts';
import { arbitraryWalk } from '../../support/arbitrary-walk.ts';
import { carryOut } from '../../support/fake-kernel.ts';
import { service, slice } from '../../support/small-cluster.ts';
import { linesOf, type Side, sidesOf } from './verify-objects.ts';

const families: readonly Family[] = ['ip', 'ip6'];

/** What differences make of a table: other orders of endpoints, and chains that wait for somebody who needs them. */
test('a table that was changed again and again is right', () => {
  fc.assert(
    fc.property(arbitraryWalk({ min: 2, max: 4 }), (snapshots) => {
      for (const family of families) {
        let known: Ruleset | undefined;
        let held: Ruleset | undefined;
        for (const { objects, options } of snapshots) {
          const sides = sidesOf(documentsOf(objects), { ...options, targetNft: '1.0.6' });
          const { ruleset, expectations } = sides.find((side) => side.ruleset.family === family) as Side;
          const { commands, installed } = diffRulesets(known, ruleset);
          known = installedRuleset(installed);
          held = carryOut(held, { ...ruleset, commands });
          expect(held && linesOf({ ruleset: held, expectations }, { isInstalled: true })).toEqual([]);
        }
      }
    }),
    { numRuns: 12 },
  );
});

const node = { nodeName: 'worker-1', nodeAddresses: ['192.0.2.11'], clusterCIDRs: ['10.244.0.0/16'] };

test('a table that is missing is a fault where somebody asks for something in it', () => {
  const objects = [service('web', { clusterIP: '10.96.0.10' }), slice('web', ['10.244.1.10'])];
  const sides = sidesOf(documentsOf(objects), node);
  const missing = sides.map(({ expectations }) => verifyMissingTable(expectations, 'svc2nft').faults);
  expect(missing).toEqual([[{ code: 'missing-table', message: 'there is no table ip svc2nft' }], []]);
});

test('only an installed table may have chains that nobody needs, and not any', () => {
  const objects = [service('web', { clusterIP: '10.96.0.10' }), slice('web', ['10.244.1.10'])];
  const [side] = sidesOf(documentsOf(objects), node) as [Side];
  const idle = (name: string): Side => ({
    ...side,
    ruleset: { ...side.ruleset, chains: [...side.ruleset.chains, { name, rules: [] }] },
  });
  expect(linesOf(idle('tcp-cluster-7'), { isInstalled: true })).toEqual([]);
  expect(linesOf(idle('tcp-cluster-7'), { isInstalled: false })).toEqual([
    'dangling-chain : nothing leads to chain tcp-cluster-7',
  ]);
  expect(linesOf(idle('mine'), { isInstalled: true })).toEqual(['dangling-chain : nothing leads to chain mine']);
});
