import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readIptables } from '../../src/iptables/read-iptables.ts';
import type { ListedTable } from '../../src/nft/listed-table.ts';
import { compileTable, filesOf, readTables, recordedTables, rulesOf } from '../support/kube-proxy-table.ts';
import { explainedFate, type RecordedFate, readRecordedFates } from '../support/recorded-fates.ts';

describe.each(recordedTables)('%s: explain says of every packet what the kernel did with it', (name) => {
  const { fates, iptables } = filesOf(name);

  test('in nftables mode', () => {
    const recorded = readRecordedFates(fates.nftables);
    expect(explain(recorded, readTables(rulesOf(name)))).toEqual(recorded.map(sentenceOf));
  });

  test('in iptables mode', () => {
    const recorded = readRecordedFates(fates.iptables);
    expect(explain(recorded, readIptables(readFileSync(iptables, 'utf8')))).toEqual(recorded.map(sentenceOf));
  });

  /** A sentence for each packet. */
  function explain(recorded: readonly RecordedFate[], tables: readonly ListedTable[]): string[] {
    expect(recorded.length).toBeGreaterThan(150);
    const localAddresses = [...new Set(compileTable(name).views.flatMap(({ addresses }) => addresses))];
    return recorded.map((one) => {
      const family = one.packet.destination.includes(':') ? 'ip6' : 'ip';
      const ruleset = tables.find((table) => table.ruleset.family === family)?.ruleset;
      return sentenceOf({ ...one, fate: ruleset ? explainedFate(one, { ruleset, localAddresses }) : 'no rules' });
    });
  }
});

function sentenceOf({ name, fate }: RecordedFate): string {
  return `${name}: ${fate}`;
}
