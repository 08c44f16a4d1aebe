import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { compileRulesets } from '../../src/compile.ts';
import type { Chain, Ruleset } from '../../src/nft/ruleset.ts';
import { readDocuments } from '../../src/phases/1-read/read-documents.ts';
import { findDamage } from '../../src/walk/find-damage.ts';
import { compileFixture } from '../support/compile-fixture.ts';
import { listFixtures } from '../support/fixture.ts';

const content = readFileSync(new URL('../../docs/shop.yaml', import.meta.url));
const { documents } = readDocuments([{ file: 'shop.yaml', content }]);
const [shop] = compileRulesets(documents, { nodeName: 'worker-1', clusterCIDRs: ['10.244.0.0/16'] }).rulesets ?? [];

/** The shop's rules after `nft flush chain` or `nft flush map`. */
function flushed(...names: readonly string[]): Ruleset {
  if (!shop) {
    throw new Error('not compiled');
  }
  return {
    ...shop,
    chains: shop.chains.map((chain) => (names.includes(chain.name) ? { ...chain, rules: [] } : chain)),
    sets: shop.sets.map((set) => (names.includes(set.name) ? { ...set, elements: [], lists: [] } : set)),
  };
}

const repairs = 'svc2nft apply repairs it';

describe('names what was flushed and what that breaks', () => {
  test.each([
    [['services'], `chain services is empty (somebody changed it): 10 frontends broken; ${repairs}`, true],
    [['nat-prerouting'], `chain nat-prerouting is empty (somebody changed it): 10 frontends broken; ${repairs}`, true],
    [['tcp-cluster-2'], `chain tcp-cluster-2 is empty (somebody changed it): 4 frontends broken; ${repairs}`, true],
    [['tcp-endpoints'], `map tcp-endpoints is empty (somebody changed it): 7 frontends broken; ${repairs}`, true],
    [['service-ips'], `map service-ips is empty (somebody changed it): frontends broken; ${repairs}`, true],
    [['service-nodeports'], `map service-nodeports is empty (somebody changed it): frontends broken; ${repairs}`, true],
    [
      ['nat-postrouting'],
      `chain nat-postrouting is empty (somebody changed it): nothing is masqueraded; ${repairs}`,
      false,
    ],
    [
      ['firewall-check'],
      `chain firewall-check is empty (somebody changed it): source ranges are not enforced; ${repairs}`,
      false,
    ],
    [
      ['incoming-refusals', 'outgoing-refusals'],
      `chains incoming-refusals and outgoing-refusals are empty (somebody changed it): connections that should be refused are not; ${repairs}`,
      false,
    ],
    [
      ['services', 'nat-postrouting'],
      `chains services and nat-postrouting are empty (somebody changed it): 10 frontends broken and nothing is masqueraded; ${repairs}`,
      true,
    ],
  ])('%j', (names, text, breaksFrontends) => {
    expect(findDamage(flushed(...names))).toEqual({ text, breaksFrontends });
  });
});

test('a chain that was deleted', () => {
  const ruleset = flushed('nat-output');
  const chains = ruleset.chains.filter(({ name }) => name !== 'nat-output');
  expect(findDamage({ ...ruleset, chains })?.text).toBe(
    `chain nat-output is missing (somebody changed it): 10 frontends broken; ${repairs}`,
  );
});

describe('source ranges', () => {
  const [guarded] = compileFixture('source-ranges-guard-only-the-load-balancer-address').rulesets;
  const without = (...names: readonly string[]): string | undefined =>
    guarded && findDamage({ ...guarded, chains: guarded.chains.filter(({ name }) => !names.includes(name)) })?.text;

  test.each(['firewall-check', 'firewall-prerouting', 'firewall-output'])(
    '%s is missing where there are some',
    (name) => {
      expect(without(name)).toBe(
        `chain ${name} is missing (somebody changed it): source ranges are not enforced; ${repairs}`,
      );
    },
  );

  test('all chains are missing where there are some', () => {
    expect(without('firewall-check', 'firewall-prerouting', 'firewall-output')).toContain('are missing');
  });
});

describe('refusals of translated connections', () => {
  const [odd] = compileFixture('endpoint-at-a-refused-address-is-refused-as-well').rulesets;

  test.each(['filter-input', 'filter-forward', 'filter-output'])('%s is missing where there are some', (name) => {
    const chains = odd?.chains.filter((chain) => chain.name !== name) ?? [];
    expect(odd && findDamage({ ...odd, chains })?.text).toBe(
      `chain ${name} is missing (somebody changed it): connections that should be refused are not; ${repairs}`,
    );
  });
});

test('says nothing about a table of an earlier version, which refuses in filter chains', () => {
  const [ruleset] = compileFixture('cluster-ip-spreads-over-all-ready-endpoints').rulesets;
  const earlier = ['filter-input', 'filter-forward', 'filter-output', 'refusals', 'input-refusals'];
  const rules: Chain['rules'] = [[{ kind: 'return' }]];
  const chains = [
    ...(ruleset?.chains.filter(({ name }) => !name.includes('refusals')) ?? []),
    ...earlier.map((name) => ({ name, rules })),
  ];
  expect(ruleset && findDamage({ ...ruleset, chains })).toBeUndefined();
  const flushed = chains.map((chain) => (chain.name === 'refusals' ? { ...chain, rules: [] } : chain));
  expect(ruleset && findDamage({ ...ruleset, chains: flushed })?.text).toContain('chain refusals is empty');
});

test('says nothing about a table of another program', () => {
  const chain = { name: 'mine', hook: { type: 'filter', hook: 'input', priority: 0 }, rules: [] } as const;
  expect(findDamage({ family: 'ip', table: 'svc2nft', comment: '', sets: [], chains: [chain] })).toBeUndefined();
});

test.each(listFixtures())('%s: a compiled table is whole', (name) => {
  for (const ruleset of compileFixture(name).rulesets) {
    expect(findDamage(ruleset)).toBeUndefined();
  }
});
