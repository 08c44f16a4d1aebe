import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Rule, Ruleset, Statement } from '../../src/nft/ruleset.ts';
import { indexRuleset } from '../../src/walk/index-ruleset.ts';
import { createWalkContext, walkInContext } from '../../src/walk/walk-packet.ts';

const addresses = ['10.96.0.1', '10.96.0.2', '10.96.0.3', '192.0.2.11'];
const ports = [53, 80, 443];

const match: fc.Arbitrary<Statement> = fc.oneof(
  fc.record({
    kind: fc.constant('match' as const),
    left: fc.constant({ kind: 'address' as const, field: 'daddr' as const }),
    negated: fc.boolean(),
    right: fc.constantFrom(...addresses, '10.96.0.0/31'),
  }),
  fc.record({
    kind: fc.constant('match' as const),
    left: fc.constant({ kind: 'dport' as const, protocol: 'th' as const }),
    negated: fc.boolean(),
    right: fc.constantFrom(...ports),
  }),
  fc.constant<Statement>({ kind: 'match', left: { kind: 'l4proto' }, right: 'udp' }),
  fc.constant<Statement>({ kind: 'comment', text: 'cluster IP' }),
  fc.constant<Statement>({ kind: 'set-mark', operator: 'or', mark: 1 }),
  fc.constant<Statement>({ kind: 'match-random', numerator: 1, denominator: 2 }),
);
const target: fc.Arbitrary<Statement> = fc.constantFrom<Statement>(
  { kind: 'set-mark', operator: 'or', mark: 2 },
  { kind: 'return' },
  { kind: 'accept' },
  { kind: 'dnat', protocol: 'tcp', address: '10.96.0.3', port: 443 },
  { kind: 'jump', chain: 'nat MARKS' },
);
const rule: fc.Arbitrary<Rule> = fc
  .tuple(fc.array(match, { maxLength: 3 }), target)
  .map(([matches, last]) => [...matches, last]);
/** Most rules are for one destination, so that they can be looked up. */
const named: fc.Arbitrary<Rule> = fc
  .tuple(fc.constantFrom(...addresses), fc.constantFrom(...ports), target)
  .map(([address, port, last]) => [
    { kind: 'match', left: { kind: 'address', field: 'daddr' }, right: address },
    { kind: 'match', left: { kind: 'dport', protocol: 'th' }, right: port },
    last,
  ]);

function rulesetOf(rules: readonly Rule[]): Ruleset {
  const marks: Rule[] = [[{ kind: 'set-mark', operator: 'xor', mark: 4 }]];
  return {
    family: 'ip',
    language: 'iptables',
    table: 'iptables',
    comment: '',
    sets: [],
    chains: [
      { name: 'nat MARKS', rules: marks },
      { name: 'nat SERVICES', rules },
      {
        name: 'nat PREROUTING',
        hook: { type: 'nat', hook: 'prerouting', priority: -100 },
        rules: [[{ kind: 'jump', chain: 'nat SERVICES' }], ...marks],
      },
    ],
  };
}

test('rules that are looked up do what they do one after the other', () => {
  const rules = fc.array(fc.oneof({ weight: 4, arbitrary: named }, { weight: 1, arbitrary: rule }), {
    minLength: 20,
    maxLength: 40,
  });
  fc.assert(
    fc.property(rules, fc.constantFrom(...addresses), fc.constantFrom(...ports, 9), (chain, destination, port) => {
      const indexed = indexRuleset(rulesetOf(chain));
      const node = { localAddresses: ['192.0.2.11'] };
      const packet = { source: '203.0.113.9', destination, port, protocol: 'tcp' as const };
      const [each, looked] = [true, false].map((keepsSteps) => {
        const { outcomes } = walkInContext(packet, createWalkContext(indexed, node, { keepsSteps }));
        return outcomes.map(({ steps: _, ...rest }) => rest);
      });
      expect(looked).toEqual(each);
    }),
    { numRuns: 300 },
  );
});

test('long chains are looked up, short ones and those without destinations are not', () => {
  const isIndexed = (rules: readonly Rule[]): boolean => indexRuleset(rulesetOf(rules)).nextRules.size > 0;
  const one: Rule = [
    { kind: 'match', left: { kind: 'address', field: 'daddr' }, right: '10.96.0.1' },
    { kind: 'drop' },
  ];
  const marked: Rule = [{ kind: 'set-mark', operator: 'or', mark: 2 }];
  expect(isIndexed(Array.from({ length: 16 }, () => one))).toBe(true);
  expect(isIndexed(Array.from({ length: 15 }, () => one))).toBe(false);
  expect(isIndexed(Array.from({ length: 40 }, () => marked))).toBe(false);
});
