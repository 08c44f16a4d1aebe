import { describe, expect, test } from 'vitest';
import { diffRulesets, replaceTable } from '../../src/diff/diff-rulesets.ts';
import { daddr, l4proto, thDport } from '../../src/nft/expressions.ts';
import type { Chain, Hook, Ruleset } from '../../src/nft/ruleset.ts';
import { rulesetOf, service, slice } from '../support/small-cluster.ts';
import { textBetween } from '../support/text-between.ts';

const web = service('web', { clusterIP: '10.96.0.10' });
const ruleset = rulesetOf([web, slice('web', ['10.244.1.1', '10.244.2.2'])]);
const kindsOf = (commands: readonly { kind: string }[]): string[] => [...new Set(commands.map(({ kind }) => kind))];

test('the table is there from then on', () => {
  expect(diffRulesets(undefined, ruleset).after.exists).toBe(true);
  expect(diffRulesets(ruleset, ruleset).after.exists).toBe(true);
});

test('without a table all is added, each part after what it needs', () => {
  const { commands, isNewTable } = diffRulesets(undefined, ruleset);
  expect(isNewTable).toBe(true);
  expect(commands[0]).toEqual({ kind: 'add-table', comment: 'Kubernetes Services, by svc2nft' });
  expect(kindsOf(commands)).toEqual(['add-table', 'add-set', 'add-chain', 'add-rule', 'add-elements']);
});

test('a table is replaced by deleting it, whatever it holds', () => {
  const { commands, isNewTable } = replaceTable(ruleset);
  expect(isNewTable).toBe(true);
  expect(commands).toEqual([{ kind: 'delete-table' }, ...diffRulesets(undefined, ruleset).commands]);
});

test('an existing table is not a difference, in any order of its parts', () => {
  const shuffled: Ruleset = {
    ...ruleset,
    chains: ruleset.chains.toReversed(),
    sets: ruleset.sets.toReversed().map(({ lists, ...set }) => ({
      ...set,
      elements: set.elements.toReversed(),
      ...(lists && {
        lists: lists.map(({ key, endpointAddresses }) => ({ key, endpointAddresses: endpointAddresses.toReversed() })),
      }),
    })),
  };
  expect(diffRulesets(ruleset, ruleset)).toMatchObject({ commands: [], isNewTable: false });
  expect(diffRulesets(shuffled, ruleset)).toMatchObject({ commands: [], isNewTable: false });
});

test('neither ruleset is changed', () => {
  const other = rulesetOf([web]);
  const copies = structuredClone([ruleset, other]);
  diffRulesets(ruleset, other);
  diffRulesets(other, ruleset);
  expect([ruleset, other]).toEqual(copies);
});

describe('a table that holds something strange', () => {
  const hook: Hook = { type: 'nat', hook: 'prerouting', priority: -101 };
  const withChain = (name: string, change: (chain: Chain) => Chain): Ruleset => ({
    ...ruleset,
    chains: ruleset.chains.map((chain) => (chain.name === name ? change(chain) : chain)),
  });

  test.each([
    ['a base chain elsewhere', withChain('nat-prerouting', (chain) => ({ ...chain, hook }))],
    ['a base chain that is none', withChain('nat-prerouting', ({ name, rules }) => ({ name, rules }))],
    ['a chain that is called and should not be', withChain('services', (chain) => ({ ...chain, hook }))],
    ['a base chain of its own', { ...ruleset, chains: [...ruleset.chains, { name: 'mine', hook, rules: [] }] }],
  ])('%s: is rebuilt', (_, strange) => {
    const { commands, isNewTable } = diffRulesets(strange, ruleset);
    expect(isNewTable).toBe(true);
    expect(commands).toEqual(replaceTable(ruleset).commands);
  });

  test('a chain: it goes', () => {
    const chains: Chain[] = [...ruleset.chains, { name: 'mine', rules: [[{ kind: 'goto', chain: 'services' }]] }];
    expect(textBetween({ ...ruleset, chains }, ruleset)).toEqual([
      'flush chain ip svc2nft mine',
      'delete chain ip svc2nft mine',
    ]);
  });

  test('a rule that is not understood: its chain is written again', () => {
    const strange = withChain('reject-chain', (chain) => ({ ...chain, rules: [...chain.rules, []] }));
    expect(textBetween(strange, ruleset)).toEqual([
      'flush chain ip svc2nft reject-chain',
      'add rule ip svc2nft reject-chain meta l4proto tcp reject with tcp reset',
      'add rule ip svc2nft reject-chain reject',
    ]);
  });

  test('the rejections of an older version, with ICMP errors only: two chains are written again', () => {
    const icmpOnly: Record<string, Chain['rules']> = {
      'reject-chain': [[{ kind: 'reject' }]],
      'outgoing-refusals': [
        [{ kind: 'vmap', key: [daddr, l4proto, thDport], map: 'no-endpoint-services' }],
        [{ kind: 'match-set', key: [daddr], set: 'cluster-ips' }, { kind: 'reject' }],
        [{ kind: 'match-set', key: [daddr], set: 'service-cidrs' }, { kind: 'drop' }],
        [
          { kind: 'match-set', key: [daddr], set: 'nodeport-ips' },
          { kind: 'vmap', key: [l4proto, thDport], map: 'no-endpoint-nodeports' },
        ],
      ],
    };
    const older = ruleset.chains.map((chain) => ({ ...chain, rules: icmpOnly[chain.name] ?? chain.rules }));
    expect(textBetween({ ...ruleset, chains: older }, ruleset)).toEqual([
      'flush chain ip svc2nft reject-chain',
      'flush chain ip svc2nft outgoing-refusals',
      'add rule ip svc2nft reject-chain meta l4proto tcp reject with tcp reset',
      'add rule ip svc2nft reject-chain reject',
      'add rule ip svc2nft outgoing-refusals ip daddr . meta l4proto . th dport vmap @no-endpoint-services',
      'add rule ip svc2nft outgoing-refusals ip daddr @cluster-ips goto reject-chain',
      'add rule ip svc2nft outgoing-refusals ip daddr @service-cidrs drop',
      'add rule ip svc2nft outgoing-refusals ip daddr @nodeport-ips meta l4proto . th dport vmap @no-endpoint-nodeports',
    ]);
  });

  test('no base chain where one belongs: it is added', () => {
    const chains = ruleset.chains.filter(({ name }) => name !== 'refusals-output');
    expect(textBetween({ ...ruleset, chains }, ruleset)).toEqual([
      'add chain ip svc2nft refusals-output { type nat hook output priority -90; policy accept; }',
      'add rule ip svc2nft refusals-output ct state new jump outgoing-refusals',
    ]);
  });

  test('a map of another declaration: all that use it let go, and it is filled again', () => {
    const sets = ruleset.sets.map((set) => (set.name === 'tcp-endpoints' ? { ...set, comment: 'mine' } : set));
    const { key, endpointAddresses } = { key: '10.96.0.10 . 80', endpointAddresses: ['10.244.1.1', '10.244.2.2'] };
    expect(textBetween({ ...ruleset, sets }, ruleset)).toEqual([
      'flush chain ip svc2nft tcp-cluster-2',
      'delete map ip svc2nft tcp-endpoints',
      'add map ip svc2nft tcp-endpoints { typeof ip daddr . tcp dport . numgen random mod 2 : ip daddr . tcp dport; comment "IP, port and index to endpoint"; }',
      'add rule ip svc2nft tcp-cluster-2 dnat ip to ip daddr . tcp dport . numgen random mod 2 map @tcp-endpoints',
      'add element ip svc2nft tcp-endpoints {',
      `\t${key} . 0 : ${endpointAddresses[0]} . 8080,`,
      `\t${key} . 1 : ${endpointAddresses[1]} . 8080`,
      '}',
    ]);
  });

  test('an endpoint outside of any list: it goes', () => {
    const strange = { key: '10.96.9.9 . 80 . 3', value: { address: '10.244.1.1', port: 8080 } };
    const withStrange = (port: number): Ruleset => ({
      ...ruleset,
      sets: ruleset.sets.map((set) =>
        set.name === 'tcp-endpoints' ? { ...set, elements: [{ ...strange, value: { ...strange.value, port } }] } : set,
      ),
    });
    const removal = 'delete element ip svc2nft tcp-endpoints { 10.96.9.9 . 80 . 3 }';
    expect(textBetween(withStrange(8080), ruleset)).toEqual([removal]);
    expect(textBetween(withStrange(8080), withStrange(8080))).toEqual([]);
    expect(textBetween(withStrange(8080), withStrange(8081))).toEqual([
      removal,
      'add element ip svc2nft tcp-endpoints { 10.96.9.9 . 80 . 3 : 10.244.1.1 . 8081 }',
    ]);
  });

  test('an element without a value, as an unknown verdict is read: it is deleted and added', () => {
    const sets = ruleset.sets.map((set) =>
      set.name === 'service-ips'
        ? { ...set, elements: [{ key: '10.96.0.10 . tcp . 80' }, { key: '10.96.9.9 . tcp . 80' }] }
        : set,
    );
    expect(textBetween({ ...ruleset, sets }, ruleset)).toEqual([
      'delete element ip svc2nft service-ips {',
      '\t10.96.0.10 . tcp . 80,',
      '\t10.96.9.9 . tcp . 80',
      '}',
      'add element ip svc2nft service-ips { 10.96.0.10 . tcp . 80 comment "shop/web" : goto tcp-cluster-2 }',
    ]);
  });
});
