import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { compileFixture } from '../../support/compile-fixture.ts';
import { listFixtures, topicOf } from '../../support/fixture.ts';
import { expectRuleset } from './expect-ruleset.ts';
import { parseOne } from './parse-one.ts';

/** What compile prints comes back as the data that it was printed from. */
describe('the text of a ruleset reads as it was compiled', () => {
  test.each(listFixtures())('%s', (name) => {
    const { rulesets } = compileFixture(name);
    const text = readFileSync(new URL(`../../../golden/${topicOf(name)}/${name}.nft`, import.meta.url), 'utf8');
    expect(rulesets.length).toBeGreaterThan(0);
    for (const ruleset of rulesets) {
      const listing = parseOne(text, ruleset);
      expectRuleset(listing, ruleset);
      // Not only the same parts: also in the same order.
      expect(listing?.ruleset).toEqual(ruleset);
    }
  });
});
