import { readFileSync } from 'node:fs';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { compile } from '../../src/compile.ts';
import { readDocuments } from '../../src/phases/1-read/read-documents.ts';
import { loadFixture } from '../support/fixture.ts';
import { kernelTestsRun } from '../support/kernel-tests.ts';
import { judge } from '../support/lab/judge.ts';
import { runPackets } from '../support/lab/run-packets.ts';
import { type NftVersion, nftVersions } from '../support/nft-versions.ts';

const isOld = ({ version }: NftVersion): boolean => /^1\.(?:0\.|1\.[0-2]$)/.test(version);
const capable = nftVersions.filter((nft) => !isOld(nft));

/** Affinity over IPv6 in its flat form, which nft before 1.1.3 cannot load; the golden files hold the other form. */
describe.skipIf(!kernelTestsRun).each(['client-affinity-over-ipv6'])('%s, flat', (name) => {
  const { options, snapshotFile, packets, nodeAddresses } = loadFixture(name);
  const { documents } = readDocuments([{ file: snapshotFile, content: readFileSync(snapshotFile) }]);
  const { text = '' } = compile(documents, { ...options, targetNft: '1.1.3' });

  test.each(capable)('kernel: works with nft $version', async (nft) => {
    const seen = await runPackets({ ruleset: text, nodeAddresses, packets, nft });
    const judgments = packets.map((packet, index) => {
      const observation = seen[index];
      return observation ? judge(packet, observation) : `${packet.name}: nothing was seen`;
    });
    expect(judgments.filter((judgment) => judgment !== undefined)).toEqual([]);
  });

  test.each(nftVersions.filter(isOld))('kernel: nft $version cannot load it', async ({ programs }) => {
    // It ends with a failed assertion; that is why the default output has another form.
    const nft = programs === undefined ? 'nft' : `${programs}/nft`;
    const load = await execa('unshare', ['--net', nft, '-f', '-'], { input: text, reject: false });
    expect(load.failed).toBe(true);
  });

  test('kernel: is tried with an nft that can load it', ({ skip }) => {
    skip(capable.length === 0, 'test/nft-versions/install.sh gets nft 1.1.3');
    expect(capable).not.toEqual([]);
  });
});
