import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readIptables } from '../../src/iptables/read-iptables.ts';
import type { ListedTable } from '../../src/nft/listed-table.ts';
import { compileTable, filesOf, readTables, recordedTables, rulesOf } from '../support/kube-proxy-table.ts';
import { explainedFate, type RecordedFate, readRecordedFates, walkedFate } from '../support/recorded-fates.ts';

describe.each(recordedTables)('%s', (name) => {
  const { fates, iptables } = filesOf(name);

  test('explain says of every packet what the kernel did with it, in nftables mode', () => {
    const recorded = readRecordedFates(fates.nftables);
    expect(tell(recorded, { tables: readTables(rulesOf(name)), fateOf: explainedFate })).toEqual(
      recorded.map(sentenceOf),
    );
  });

  test('the walker finds for every packet what the kernel did with it, in iptables mode', () => {
    const recorded = readRecordedFates(fates.iptables);
    const tables = readIptables(readFileSync(iptables, 'utf8'));
    expect(tell(recorded, { tables, fateOf: walkedFate })).toEqual(recorded.map(sentenceOf));
  });

  /** A sentence for each packet. */
  function tell(
    recorded: readonly RecordedFate[],
    { tables, fateOf }: { readonly tables: readonly ListedTable[]; readonly fateOf: typeof walkedFate },
  ): string[] {
    expect(recorded.length).toBeGreaterThan(150);
    const localAddresses = [...new Set(compileTable(name).views.flatMap(({ addresses }) => addresses))];
    return recorded.map((one) => {
      const family = one.packet.destination.includes(':') ? 'ip6' : 'ip';
      const ruleset = tables.find((table) => table.ruleset.family === family)?.ruleset;
      return sentenceOf({ ...one, fate: ruleset ? fateOf(one, { ruleset, localAddresses }) : 'no rules' });
    });
  }
});

function sentenceOf({ name, fate }: RecordedFate): string {
  return `${name}: ${fate}`;
}
