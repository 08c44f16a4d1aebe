import { describe, expect, test } from 'vitest';
import { compileTable, filesOf, readTables, recordedTables, rulesOf } from '../support/kube-proxy-table.ts';
import { explainedFate, readRecordedFates } from '../support/recorded-fates.ts';

describe.each(recordedTables)('%s', (name) => {
  test('explain says of every packet what the kernel did with it, in nftables mode', () => {
    const fates = readRecordedFates(filesOf(name).fates.nftables);
    const localAddresses = [...new Set(compileTable(name).views.flatMap(({ addresses }) => addresses))];
    const tables = readTables(rulesOf(name));
    const explained = fates.map((one) => {
      const family = one.packet.destination.includes(':') ? 'ip6' : 'ip';
      const ruleset = tables.find(({ ruleset }) => ruleset.family === family)?.ruleset;
      return `${one.name}: ${ruleset ? explainedFate(one, { ruleset, localAddresses }) : 'no table'}`;
    });
    expect(explained.length).toBeGreaterThan(150);
    expect(explained).toEqual(fates.map(({ name, fate }) => `${name}: ${fate}`));
  });
});
