import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { compile } from '../../src/compile.ts';
import { readDocuments } from '../../src/phases/1-read/read-documents.ts';
import { loadFixture } from '../support/fixture.ts';
import { walkerFor } from '../support/walk-fixture.ts';

/** Affinity over IPv6 in its flat form, which nft 1.0.6 cannot load; the golden files hold the other form. */
describe.each(['client-affinity-over-ipv6'])('%s, flat', (name) => {
  const { options, snapshotFile, packets, nodeAddresses } = loadFixture(name);
  const { documents } = readDocuments([{ file: snapshotFile, content: readFileSync(snapshotFile) }]);
  const { rulesets = [] } = compile(documents, { ...options, targetNft: '1.1.3' });

  test('no Service owns a chain or set', () => {
    expect(
      rulesets.flatMap(({ chains, sets }) => [...chains, ...sets]).filter(({ name: one }) => one.includes('/')),
    ).toEqual([]);
  });

  test.each(packets)('walker: $name', (packet) => {
    const walked = walkerFor(rulesets, nodeAddresses)(packet);
    const expected = typeof packet.expect === 'string' ? [] : packet.expect;
    expect(walked.first.endpoints.map(({ endpoint }) => endpoint)).toEqual(expected);
    for (const next of walked.next) {
      expect(next.endpoints).toHaveLength(packet.sticky ? 1 : expected.length);
    }
  });
});
