import { describe, expect, test } from 'vitest';
import { listFrontends } from '../../../src/inspect/list/list-frontends.ts';
import { printRulesets } from '../../../src/nft/print.ts';
import { knownNames } from '../../../src/phases/5-plan/names.ts';
import { listInKernel } from '../../nft/json/list-in-kernel.ts';
import { parseNftJson } from '../../nft/json/parse-nft-json.ts';
import { listFixtures } from '../../support/fixture.ts';
import { kernelTestsRun } from '../../support/kernel-tests.ts';
import { takeFixture } from './take-fixture.ts';

describe.skipIf(!kernelTestsRun)('in the kernel', () => {
  test('every fixture is listed as it is compiled', async () => {
    const taken = listFixtures()
      .map(takeFixture)
      .filter(({ rulesets }) => rulesets.length > 0);
    const printed = await listInKernel(
      taken.map(({ rulesets }) => ({
        text: `flush ruleset\n${printRulesets(rulesets, { lines: [] })}`,
        tables: rulesets.map(({ family, table }) => `${family} ${table}`),
      })),
    );
    expect(printed).toHaveLength(taken.length);
    for (const [index, { name, rulesets }] of taken.entries()) {
      const listed = rulesets.map(({ family, table }, place) => {
        return parseNftJson(printed[index]?.[place] ?? '', { family, table }, knownNames).ruleset;
      });
      expect({ name, items: listFrontends(listed).items }).toEqual({ name, items: listFrontends(rulesets).items });
    }
  }, 60_000);
});
