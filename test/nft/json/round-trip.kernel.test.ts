import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compile } from '../../../src/compile.ts';
import type { ListedTable } from '../../../src/nft/listed-table.ts';
import type { Ruleset } from '../../../src/nft/ruleset.ts';
import type { CompileOptions } from '../../../src/options.ts';
import { documentsOf } from '../../../src/phases/1-read/read-documents.ts';
import { knownNames } from '../../../src/phases/5-plan/names.ts';
import { arbitraryCluster, nodeName } from '../../support/arbitrary-cluster.ts';
import { compileFixture } from '../../support/compile-fixture.ts';
import { listFixtures } from '../../support/fixture.ts';
import { kernelTestsRun } from '../../support/kernel-tests.ts';
import { listInKernel } from './list-in-kernel.ts';
import { parseNftJson } from './parse-nft-json.ts';
import { sortRuleset } from './sort-ruleset.ts';

/** A loaded ruleset reads as the data that it was printed from. */
describe.skipIf(!kernelTestsRun)('a ruleset in the kernel reads as it was compiled', () => {
  test('every fixture', async () => {
    const fixtures = listFixtures().map(compileFixture);
    await expectRoundTrips(fixtures, (index) => fixtures[index]?.name ?? '');
  });

  test('every masquerade bit, pod networks of many sizes, unusual names of interfaces', async () => {
    const settings: Partial<CompileOptions>[] = [
      ...Array.from({ length: 32 }, (_, masqueradeBit) => ({ masqueradeBit })),
      ...[0, 1, 7, 8, 9, 25, 31, 32].map((prefix) => ({ clusterCIDRs: [`202.85.170.85/${prefix}`] })),
      ...[0, 1, 9, 64, 65, 96, 127, 128].map((prefix) => ({ clusterCIDRs: [`d555:5555::5555:0:d555/${prefix}`] })),
      ...['@eth.0', '8', 'fifteen-letters'].map((detectLocalInterface) => ({
        detectLocalMode: 'InterfaceNamePrefix' as const,
        detectLocalInterface,
      })),
    ];
    const compiled = settings.map((options) => compile([], { clusterCIDRs: [], ...options }));
    await expectRoundTrips(compiled, (index) => JSON.stringify(settings[index]));
  });

  const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
  test(`random clusters, SEED=${seed}`, async () => {
    const clusters = fc.sample(arbitraryCluster, { numRuns: 20, seed });
    const compiled = clusters.map((cluster, number) =>
      compile(documentsOf(cluster), {
        nodeName,
        keepGoing: true,
        clusterCIDRs: ['10.244.0.0/16', 'fd00:10:244::/48'],
        nodePortAddresses: number % 2 === 0 ? ['all'] : ['primary'],
      }),
    );
    await expectRoundTrips(compiled, (index) => `cluster ${index}`);
  });
});

async function expectRoundTrips(
  compiled: readonly { readonly rulesets: readonly Ruleset[] | undefined; readonly text: string | undefined }[],
  nameOf: (index: number) => string,
): Promise<void> {
  const tablesOf = (rulesets: readonly Ruleset[]) => rulesets.map(({ family, table }) => `${family} ${table}`);
  const listings = await listInKernel(
    compiled.map(({ text = '', rulesets = [] }) => ({ text, tables: tablesOf(rulesets) })),
  );
  expect(listings).toHaveLength(compiled.length);
  for (const [index, { rulesets = [] }] of compiled.entries()) {
    expect(rulesets.length, nameOf(index)).toBeGreaterThan(0);
    expect(listings[index], nameOf(index)).toHaveLength(rulesets.length);
    for (const [number, ruleset] of rulesets.entries()) {
      expectSame(parseNftJson(listings[index]?.[number] ?? '', ruleset, knownNames), ruleset, nameOf(index));
    }
  }
}

function expectSame({ ruleset, dynamic, deviations }: ListedTable, compiled: Ruleset, name: string): void {
  expect(deviations, name).toEqual([]);
  expect(sortRuleset(ruleset), name).toEqual(sortRuleset(compiled));
  const names = compiled.sets.filter(({ flags }) => flags?.includes('dynamic')).map((set) => set.name);
  expect([...dynamic].sort(), name).toEqual(names.sort().map((set) => [set, []]));
}
