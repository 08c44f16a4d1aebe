import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { compile } from '../../../src/compile.ts';
import type { Family } from '../../../src/net/network.ts';
import { readDocuments } from '../../../src/phases/1-read/read-documents.ts';
import { knownNames } from '../../../src/phases/5-plan/names.ts';
import { loadFixture } from '../../support/fixture.ts';
import { parseNftJson } from './parse-nft-json.ts';
import { sortRuleset } from './sort-ruleset.ts';

/**
 * What nft 1.1.3 printed after it had loaded these fixtures, compiled for it. When these rulesets change, the files must be
 * written again from a network namespace: `nft -j list table FAMILY svc2nft`.
 */
const listings: readonly { name: string; family: Family }[] = [
  { name: 'client-affinity-over-ipv6', family: 'ip6' },
  { name: 'client-affinity-over-udp-and-sctp', family: 'ip' },
  { name: 'masquerade-bit-may-be-the-highest-of-the-mark', family: 'ip' },
];

test.each(listings)('nft 1.1.3: $name, $family', ({ name, family }) => {
  const { options, snapshotFile } = loadFixture(name);
  const { documents } = readDocuments([{ file: snapshotFile, content: readFileSync(snapshotFile) }]);
  const { rulesets = [] } = compile(documents, { ...options, targetNft: '1.1.3' });
  const ruleset = rulesets.find((one) => one.family === family);
  const text = readFileSync(new URL(`${name}.${family}.json`, import.meta.url), 'utf8');
  const listing = parseNftJson(text, { family, table: 'svc2nft' }, knownNames);
  expect(listing.deviations).toEqual([]);
  expect(ruleset && sortRuleset(listing.ruleset)).toEqual(ruleset && sortRuleset(ruleset));
});
