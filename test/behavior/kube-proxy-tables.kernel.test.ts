import { describe, expect, test } from 'vitest';
import { kernelTestsRun } from '../support/kernel-tests.ts';
import { disagreement, packetsTo } from '../support/kube-proxy-packets.ts';
import { compileTable, kubeProxyTables, readTables, rulesOf } from '../support/kube-proxy-table.ts';
import { runPackets } from '../support/lab/run-packets.ts';

/** Packets of every kind of client to every frontend through the rules as kube-proxy wrote them; explain has to agree. */
describe.skipIf(!kernelTestsRun).each(kubeProxyTables)('%s', (name) => {
  test('kernel: explain is right about every frontend and kind of client', async () => {
    const nodeAddresses = [...new Set(compileTable(name).views.flatMap(({ addresses }) => addresses))];
    const explained = readTables(rulesOf(name)).flatMap(({ ruleset }) => packetsTo(ruleset, nodeAddresses));
    const packets = explained.map(({ packet }) => packet);
    const observations = await runPackets({ ruleset: rulesOf(name), nodeAddresses, packets });
    expect(observations).toHaveLength(explained.length);
    expect(explained.length).toBeGreaterThan(40);
    const wrong = explained.flatMap((one, index) => {
      const seen = observations[index];
      return (seen ? disagreement(one, seen) : `${one.packet.name}: nothing was seen`) ?? [];
    });
    expect(wrong).toEqual([]);
  });
});
