import { readFileSync } from 'node:fs';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { compile } from '../../src/compile.ts';
import { readDocuments } from '../../src/phases/1-read/read-documents.ts';
import { loadFixture } from '../support/fixture.ts';
import { kernelTestsRun } from '../support/kernel-tests.ts';
import { judge } from '../support/lab/judge.ts';
import { runPackets } from '../support/lab/run-packets.ts';

/** Affinity over IPv6 in its flat form, which nft 1.0.6 cannot load; the golden files hold the other form. */
describe.skipIf(!kernelTestsRun).each(['client-affinity-over-ipv6'])('%s, flat', (name) => {
  const { options, snapshotFile, packets, nodeAddresses } = loadFixture(name);
  const { documents } = readDocuments([{ file: snapshotFile, content: readFileSync(snapshotFile) }]);
  const { text = '' } = compile(documents, { ...options, targetNft: '1.1.3' });

  test('kernel: nft before 1.1.3 cannot load it, later ones make it work', async () => {
    const { stdout } = await execa('nft', ['--version']);
    if (/v(0\.|1\.0\.|1\.1\.[0-2]\b)/.test(stdout)) {
      // It ends with a failed assertion; that is why the default output has another form.
      const load = await execa('unshare', ['--net', 'nft', '-f', '-'], { input: text, reject: false });
      expect(load.failed).toBe(true);
      return;
    }
    const seen = await runPackets({ ruleset: text, nodeAddresses, packets });
    const judgments = packets.map((packet, index) => {
      const observation = seen[index];
      return observation ? judge(packet, observation) : `${packet.name}: nothing was seen`;
    });
    expect(judgments.filter((judgment) => judgment !== undefined)).toEqual([]);
  });
});
