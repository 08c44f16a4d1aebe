import { describe, expect, test } from 'vitest';
import { compileIptables, compileRulesets } from '../../src/compile.ts';
import { printIptables } from '../../src/iptables/print-iptables.ts';
import { withDefaults } from '../../src/options.ts';
import { documentsOf } from '../../src/phases/1-read/read-documents.ts';
import { listFixtures } from '../support/fixture.ts';
import { inParallel } from '../support/in-parallel.ts';
import { packetsOfIptables } from '../support/iptables-differences.ts';
import { iptablesOfFixture } from '../support/iptables-fixture.ts';
import { kernelTestsRun } from '../support/kernel-tests.ts';
import { judge } from '../support/lab/judge.ts';
import { runPackets } from '../support/lab/run-packets.ts';
import { manyServices } from '../support/many-services.ts';
import type { Packet } from '../support/packets.ts';
import { type RestoreVariant, restoreInTurn } from '../support/restore-iptables.ts';

/** Every packet of every fixture through the kernel, with the rules for iptables. */
describe.skipIf(!kernelTestsRun).each(listFixtures())('%s', { concurrent: true }, (name) => {
  test('kernel: all packets, with rules for iptables', async () => {
    const { texts, packets, nodeAddresses } = iptablesOfFixture(name);
    const expected = packetsOfIptables(name, packets);
    const observations = await runPackets({ ruleset: '', iptables: texts, nodeAddresses, packets: expected });
    const judgments = expected.flatMap((packet, index) => {
      const seen = observations[index];
      return (seen ? judge(packet, seen) : `${packet.name}: nothing was seen`) ?? [];
    });
    expect(judgments).toEqual([]);
  });
});

test.skipIf(!kernelTestsRun)('kernel: the frontends of a large cluster, whose chains are divided', async () => {
  const options = withDefaults({ clusterCIDRs: ['10.0.0.0/8'], families: ['ip'], nodePortAddresses: ['all'] });
  const { views } = compileRulesets(documentsOf(manyServices(300)), options);
  const [ruleset] = compileIptables(views, options);
  const iptables = ruleset ? printIptables(ruleset, { heading: [], jumps: true }) : '';
  expect(iptables).toContain(' -g SVC2NFT-PORTS-TCP-');
  const packets = [0, 1, 15, 16, 255, 256, 299].flatMap((number): Packet[] => {
    const host = `${number >> 8}.${number & 255}`;
    const expected = [`10.244.${host}:8080`, `10.245.${host}:8080`];
    const to = (address: string, port: number) => ({ address, port, protocol: 'tcp' }) as const;
    const common = { expect: expected, sticky: false };
    return [
      { ...common, name: `cluster IP ${number}`, from: '10.244.9.9', to: to(`10.96.${host}`, 80), masqueraded: false },
      { ...common, name: `node port ${number}`, from: '203.0.113.9', to: to('192.0.2.11', 30_000 + number) },
      { ...common, name: `wrong port ${number}`, from: '10.244.9.9', to: to(`10.96.${host}`, 81), expect: 'rejected' },
    ];
  });
  const nodeAddresses = ['192.0.2.11'];
  const observations = await runPackets({ ruleset: '', iptables: { iptables }, nodeAddresses, packets });
  expect(packets.map((packet, index) => observations[index] && judge(packet, observations[index]))).toEqual(
    packets.map(() => undefined),
  );
});

const files = listFixtures().flatMap((name) =>
  Object.entries(iptablesOfFixture(name).texts).map(([program, text]) => ({ name, program, text })),
);

describe.skipIf(!kernelTestsRun).each<RestoreVariant>(['nft', 'legacy'])('iptables-%s-restore', (variant) => {
  test('accepts the rules of every fixture, and then holds exactly these', { timeout: 400_000 }, async () => {
    expect(files.length).toBeGreaterThan(100);
    const different: string[] = [];
    await inParallel(files, 2, async ({ name, program, text }) => {
      const [held] = await restoreInTurn(program, variant, [text]);
      if (held !== rulesOf(text)) {
        different.push(`${name}, ${program}: ${held}`);
      }
    });
    expect(different).toEqual([]);
  });

  test('loads chains alone again, over themselves and over those of others, without a second jump', async () => {
    const { iptables = '' } = iptablesOfFixture('node-ports-answer-at-the-primary-addresses').texts;
    const other = iptablesOfFixture('external-policy-cluster-masquerades-everyone').texts.iptables ?? '';
    const chains = (text: string): string => text.replaceAll(/^-I .*\n/gm, '');
    const [first, again, , back] = await restoreInTurn('iptables', variant, [
      iptables,
      chains(iptables),
      chains(other),
      chains(iptables),
    ]);
    expect(first).toBe(rulesOf(iptables));
    expect(again).toBe(first);
    // Chains of the other rules stay, and nothing jumps to them.
    expect(back?.split('\n')).toEqual(expect.arrayContaining(first?.split('\n') ?? ['']));
    const count = (text = ''): number =>
      text.match(/^-A (PREROUTING|INPUT|FORWARD|OUTPUT|POSTROUTING) /gm)?.length ?? 0;
    expect(count(back)).toBe(count(first));
  });
});

/** What iptables-save prints of a text, sorted: chains without counters, and rules, each with its table. */
function rulesOf(text: string): string {
  let table = '';
  const lines = text.split('\n').flatMap((line) => {
    table = line.startsWith('*') ? line : table;
    return /^[:-]/.test(line) ? [`${table} ${line.replace(/^-I (\w+) \d+ /, '-A $1 ')}`] : [];
  });
  return lines.sort().join('\n');
}
