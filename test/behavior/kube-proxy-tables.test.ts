import { describe, expect, test } from 'vitest';
import { readFrontends } from '../../src/frontends/read-frontends.ts';
import { printRule } from '../../src/nft/print.ts';
import { parseNftText } from '../../src/nft/text/parse-nft-text.ts';
import { knownNames } from '../../src/phases/5-plan/names.ts';
import { compileTable, kubeProxyTables, readTables, rulesOf, verifyText } from '../support/kube-proxy-table.ts';

describe.each(kubeProxyTables)('%s', (name) => {
  const tables = readTables(rulesOf(name));

  test('is understood whole', () => {
    expect(tables.flatMap(({ deviations }) => deviations)).toEqual([]);
    expect(
      tables.flatMap(({ ruleset }) => ruleset.chains).filter(({ rules }) => rules.some((rule) => rule.length === 0)),
    ).toEqual([]);
    // Or else the names of its Services would come from nowhere.
    const frontends = tables.flatMap(({ ruleset }) => [...readFrontends(ruleset).values()]);
    expect(frontends.length).toBeGreaterThan(0);
    expect(frontends.filter(({ name: of, policy }) => of === '(unknown)' || policy === 'not understood')).toEqual([]);
  });

  test('has the frontends and endpoints that svc2nft would give them', () => {
    const { rulesets = [] } = compileTable(name);
    const servedBy = (ruleset: (typeof rulesets)[number] | undefined) =>
      [...readFrontends(ruleset).values()]
        .map(({ frontend, name: of, policy, refusal, affinitySeconds, sourceRanges, all, local }) => ({
          frontend,
          of,
          policy,
          refusal,
          affinitySeconds,
          sourceRanges,
          all: all?.map(({ address, port }) => `${address} ${port}`).sort(),
          local: local?.map(({ address, port }) => `${address} ${port}`).sort(),
        }))
        .sort((a, b) => (a.frontend < b.frontend ? -1 : 1));
    for (const { ruleset } of tables) {
      const own = rulesets.find(({ family }) => family === ruleset.family);
      expect(servedBy(ruleset)).toEqual(servedBy(own));
    }
  });

  test('has what its Services ask for', () => {
    const verifications = verifyText(name, rulesOf(name));
    expect(verifications.flatMap(({ faults }) => faults)).toEqual([]);
    expect([...new Set(verifications.flatMap(({ notes = [] }) => notes.map(({ code }) => code)))].sort()).toEqual(
      behaviors[name],
    );
  });

  test('prints its rules as they were', () => {
    const printed = tables.flatMap(({ ruleset: { chains, family } }) =>
      chains.flatMap(({ rules }) => rules.map((rule) => printRule(rule, family))),
    );
    const text = rulesOf(name)
      .replaceAll('0x00000000', '0')
      .replace(/ & /g, ' and ')
      .replace(/ \| /g, ' or ')
      .replace(/ \^ /g, ' xor ');
    expect(printed.filter((rule) => !text.includes(`\t\t${rule}\n`))).toEqual([]);
  });

  test('deviates from the tables of svc2nft wherever it has what those never have', () => {
    const names = [{ family: 'ip', table: 'kube-proxy' }] as const;
    const [strict] = parseNftText(rulesOf(name), names, knownNames).tables;
    expect(strict?.deviations.map(({ message }) => message)).toContain('chain reject-chain: unexpected comment');
  });
});

test('every statement that only kube-proxy writes is in one of them', () => {
  const statements = kubeProxyTables
    .flatMap((name) => readTables(rulesOf(name)))
    .flatMap(({ ruleset }) => ruleset.chains.flatMap(({ rules }) => rules.flat()));
  const kinds = new Set(statements.map(({ kind }) => kind));
  expect(['match-list', 'random-dnat', 'counter', 'comment'].filter((kind) => !kinds.has(kind as never))).toEqual([]);
});

/** What verify says that kube-proxy does otherwise. */
const behaviors: Readonly<Record<string, readonly string[]>> = {
  'addresses-of-the-node': ['icmp-rejection', 'localhost-from-outside'],
  'among-other-programs': ['icmp-rejection'],
  'early-layout': ['early-check', 'icmp-rejection', 'no-cluster-ips-check'],
  'every-kind-of-frontend': ['icmp-rejection', 'no-hairpin'],
  'layout-before-1.36': ['early-check', 'icmp-rejection'],
  'localhost-node-ports': ['icmp-rejection', 'localhost-from-outside'],
  'node-ports-everywhere': ['icmp-rejection'],
};
