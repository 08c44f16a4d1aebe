import { describe, expect, test } from 'vitest';
import { compileIptables } from '../../src/compile.ts';
import { diffIptables, printDifference } from '../../src/iptables/diff-iptables.ts';
import { printIptables } from '../../src/iptables/print-iptables.ts';
import { readSavedRules } from '../../src/iptables/saved-rules.ts';
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
import { type RestoreVariant, restoreInTurn, restoreOver } from '../support/restore-iptables.ts';

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
  const [ruleset] = compileIptables(documentsOf(manyServices(300)), options).rulesets ?? [];
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

describe.skipIf(!kernelTestsRun).each<RestoreVariant>(['nft', 'legacy'])(
  'iptables-%s-restore of a difference',
  (variant) => {
    const rulesetOf = (name: string) => iptablesOfFixture(name).rulesets.find(({ family }) => family === 'ip');
    const names = listFixtures().filter((name) => rulesetOf(name) !== undefined);
    const next = (name: string) => (saved: string) => {
      const ruleset = rulesetOf(name);
      return ruleset ? printDifference(diffIptables(readSavedRules(saved), ruleset)) : '';
    };

    test('leads from the rules of any fixture to those of the next, and is empty for the same', {
      timeout: 400_000,
    }, async () => {
      const wrong: string[] = [];
      await inParallel(names, 2, async (name) => {
        const other = names[(names.indexOf(name) + 1) % names.length] ?? name;
        const first = iptablesOfFixture(name).texts.iptables ?? '';
        const { saved, held } = await restoreOver(variant, { first, between: '', next: next(other) });
        if (held !== rulesOf(iptablesOfFixture(other).texts.iptables ?? '') || next(name)(saved) !== '') {
          wrong.push(`${name} -> ${other}: ${next(name)(saved)}`);
        }
      });
      expect(wrong).toEqual([]);
    });

    test('keeps rules of others, and brings jumps back to the front', async () => {
      const name = 'node-ports-answer-at-the-primary-addresses';
      const first = iptablesOfFixture(name).texts.iptables ?? '';
      const between = '$T -I PREROUTING -t nat -j ACCEPT\n$T -N OTHER\n$T -A OTHER -j SVC2NFT-FORWARD\n$T -D INPUT 1';
      const { saved, held } = await restoreOver(variant, { first, between, next: next(name) });
      expect(next(name)(saved)).toMatchInlineSnapshot(`
        "*filter
        -D INPUT -m conntrack --ctstate NEW -m conntrack ! --ctstate DNAT -m comment --comment "Kubernetes Services" -j SVC2NFT-FIREWALL
        -D INPUT -m comment --comment "Kubernetes Services" -j SVC2NFT-HEALTH-CHECKS
        -D INPUT -m conntrack --ctstate NEW -m conntrack ! --ctstate DNAT -m comment --comment "Kubernetes Services" -j SVC2NFT-EXTERNAL
        -I INPUT 1 -d 127.0.0.0/8 ! -i lo -m comment --comment "Kubernetes Services" -j SVC2NFT-LOOPBACK
        -I INPUT 2 -m conntrack --ctstate NEW -m conntrack ! --ctstate DNAT -m comment --comment "Kubernetes Services" -j SVC2NFT-FIREWALL
        -I INPUT 3 -m comment --comment "Kubernetes Services" -j SVC2NFT-HEALTH-CHECKS
        -I INPUT 4 -m conntrack --ctstate NEW -m conntrack ! --ctstate DNAT -m comment --comment "Kubernetes Services" -j SVC2NFT-EXTERNAL
        COMMIT
        *nat
        -D PREROUTING -m comment --comment "Kubernetes Services" -j SVC2NFT-SERVICES
        -I PREROUTING 1 -m comment --comment "Kubernetes Services" -j SVC2NFT-SERVICES
        COMMIT
        "
      `);
      const others = ['*nat -A PREROUTING -j ACCEPT', '*filter -A OTHER -j SVC2NFT-FORWARD'];
      const expected = [...rulesOf(first).split('\n'), ...others].sort();
      expect(held.split('\n').sort()).toEqual(expected);
    });
  },
);

/** What iptables-save prints of a text, sorted: chains without counters, and rules, each with its table. */
function rulesOf(text: string): string {
  let table = '';
  const lines = text.split('\n').flatMap((line) => {
    table = line.startsWith('*') ? line : table;
    return /^[:-]/.test(line) ? [`${table} ${line.replace(/^-I (\w+) \d+ /, '-A $1 ')}`] : [];
  });
  return lines.sort().join('\n');
}
