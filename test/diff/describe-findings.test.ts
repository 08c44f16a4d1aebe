import { describe, expect, test } from 'vitest';
import { describeFindings } from '../../src/diff/describe-findings.ts';
import { diffRulesets } from '../../src/diff/diff-rulesets.ts';
import type { Ruleset } from '../../src/nft/ruleset.ts';
import { rulesetOf, service, slice } from '../support/small-cluster.ts';

const spec = { type: 'LoadBalancer', clusterIP: '10.96.0.10' };
const status = { loadBalancer: { ingress: [{ ip: '198.18.0.1' }] } };
const guarded = rulesetOf([
  service('web', { ...spec, loadBalancerSourceRanges: ['203.0.113.0/24'] }, status),
  slice('web', ['10.244.1.1']),
]);
const open = rulesetOf([service('web', spec, status), slice('web', ['10.244.1.1'])]);
/** The same with an endpoint at a cluster IP. */
const odd = rulesetOf([service('web', spec, status), slice('web', ['10.96.0.10'])]);

function findings(found: Ruleset, desired: Ruleset): string[] {
  const { commands } = diffRulesets(found, desired);
  return describeFindings({ ruleset: found, deviations: [] }, commands).map(({ message }) => message);
}

function without(ruleset: Ruleset, ...names: readonly string[]): Ruleset {
  const isKept = ({ name }: { readonly name: string }): boolean => !names.includes(name);
  return { ...ruleset, sets: ruleset.sets.filter(isKept), chains: ruleset.chains.filter(isKept) };
}

describe('chains and sets for source ranges', () => {
  test('that come and go with a Service are not findings', () => {
    expect(findings(open, guarded)).toEqual([]);
    expect(findings(guarded, open)).toEqual([]);
  });

  test.each(['firewall-check', 'firewall-prerouting', 'firewall-output'])('%s is missing', (name) => {
    expect(findings(without(guarded, name), guarded)).toEqual([`chain ${name} is missing`]);
  });

  test.each(['firewall-ips', 'firewall-sources'])('%s is missing', (name) => {
    expect(findings(without(guarded, name), guarded)).toEqual([`set ${name} is missing`]);
  });

  test('one of them has other rules, or another declaration', () => {
    const chains = guarded.chains.map((chain) =>
      chain.name === 'firewall-check' ? { ...chain, rules: [[{ kind: 'return' } as const]] } : chain,
    );
    expect(findings({ ...guarded, chains }, guarded)).toEqual(['chain firewall-check has different rules']);
    const sets = guarded.sets.map((set) => (set.name === 'firewall-ips' ? { ...set, comment: 'mine' } : set));
    expect(findings({ ...guarded, sets }, guarded)).toEqual(['set firewall-ips has a different declaration']);
  });
});

test('chains that refuse as in earlier versions are one finding, whatever else is found', () => {
  const hook = { type: 'filter', hook: 'forward', priority: 0 } as const;
  const rules: Ruleset['chains'][number]['rules'] = [[{ kind: 'drop' }]];
  const earlier: Ruleset = {
    ...open,
    chains: [
      ...open.chains.filter(({ name }) => !name.includes('refusals')),
      { name: 'refusals', rules },
      { name: 'input-refusals', rules },
      { name: 'filter-forward', hook, rules: [[{ kind: 'jump', chain: 'refusals' }]] },
      { name: 'mine', rules },
    ],
  };
  expect(findings(earlier, open)).toEqual([
    'the table is in the layout of an earlier version; it is brought up to date',
    'unknown chain mine',
  ]);
});

describe('chains that refuse translated connections', () => {
  const names = ['filter-input', 'filter-forward', 'filter-output'];

  test('that come and go with endpoints are not findings', () => {
    expect(odd.chains.map(({ name }) => name)).toEqual(expect.arrayContaining(names));
    expect(findings(open, odd)).toEqual([]);
    expect(findings(odd, open)).toEqual([]);
  });

  test.each(names)('%s is missing', (name) => {
    expect(findings(without(odd, name), odd)).toEqual([`chain ${name} is missing`]);
  });

  test.each(names)('%s has other rules', (name) => {
    const chains = odd.chains.map((chain) =>
      chain.name === name ? { ...chain, rules: [...chain.rules, ...chain.rules] } : chain,
    );
    expect(findings({ ...odd, chains }, odd)).toEqual([`chain ${name} has different rules`]);
  });
});
