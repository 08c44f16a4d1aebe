import { describe, expect, test } from 'vitest';
import type { Rule, Statement } from '../../src/nft/ruleset.ts';
import { summarizeFate } from '../../src/walk/fate.ts';
import { walkPacket } from '../../src/walk/walk-packet.ts';
import { flatRuleset } from './flat-ruleset.ts';
import {
  chain,
  drop,
  filterForward,
  isNew,
  mark,
  match,
  natPostrouting,
  natPrerouting,
  node,
  numgen,
  packet,
  reject,
  requestMasquerade,
  ruleset,
  tcpReset,
} from './support.ts';

test('all endpoints, sorted, and what they have in common', () => {
  const third = { numerator: 1, denominator: 3 };
  const fate = walkPacket(flatRuleset, packet('172.30.0.1', 80, { source: '10.0.3.1' }), node);
  expect(summarizeFate(fate)).toEqual({
    verdict: 'translated',
    masqueraded: false,
    endpoints: ['10.0.1.1:8080', '10.0.2.1:8080', '10.0.3.1:8080'].map((endpoint) => ({
      endpoint,
      share: third,
      masqueraded: false,
    })),
  });
});

test('masquerading that depends on the endpoint', () => {
  const fate = walkPacket(flatRuleset, packet('172.30.0.1', 80, { source: '10.0.1.1' }), node);
  const summary = summarizeFate(fate);
  expect(summary.masqueraded).toBe('mixed');
  expect(summary.endpoints.map(({ masqueraded }) => masqueraded)).toEqual([true, false, false]);
});

describe('two ways to one endpoint that differ in one thing', () => {
  const sometimes = match(numgen(2), 0);
  const half = { numerator: 1, denominator: 2 };
  const masquerade: Statement = { kind: 'masquerade' };
  const dnat: Statement = { kind: 'dnat', protocol: 'tcp', address: '10.0.1.1', port: 8080 };

  test.each<[string, string, Rule[], Rule[], object[]]>([
    [
      'masquerading alone',
      '10.0.1.1',
      [],
      [[sometimes, masquerade]],
      [
        { verdict: 'untouched', masqueraded: true, share: half },
        { verdict: 'untouched', masqueraded: false, share: half },
      ],
    ],
    [
      'masquerading of what is translated',
      '172.30.0.1',
      [[dnat]],
      [[sometimes, masquerade]],
      [
        { verdict: 'translated', masqueraded: true, share: half },
        { verdict: 'translated', masqueraded: false, share: half },
      ],
    ],
    [
      'the mark alone',
      '10.0.1.1',
      [[sometimes, requestMasquerade]],
      [],
      [
        { masqueraded: false, mark, share: half },
        { masqueraded: false, mark: 0, share: half },
      ],
    ],
    [
      'nothing',
      '10.0.1.1',
      [[sometimes, isNew]],
      [[masquerade]],
      [{ masqueraded: true, share: { numerator: 1, denominator: 1 } }],
    ],
  ])('%s', (_, destination, before, after, outcomes) => {
    const rules = ruleset([chain('before', before, natPrerouting), chain('after', after, natPostrouting)]);
    const fate = walkPacket(rules, packet(destination, 80), node);
    expect(fate.outcomes).toMatchObject(outcomes);
    expect(fate.outcomes).toHaveLength(outcomes.length);
    const sources = new Set(fate.outcomes.map(({ masqueraded }) => masqueraded));
    expect(summarizeFate(fate).masqueraded).toBe(sources.size > 1 ? 'mixed' : [...sources][0]);
  });
});

test('a packet that is dropped arrives nowhere', () => {
  expect(summarizeFate(walkPacket(flatRuleset, packet('5.5.5.8', 80), node))).toEqual({
    verdict: 'dropped',
    masqueraded: false,
    endpoints: [],
  });
});

test('a verdict that chance decides', () => {
  const sometimes = ruleset([chain('base', [[match(numgen(2), 0), drop]], filterForward)]);
  expect(summarizeFate(walkPacket(sometimes, packet('10.0.1.1', 80), node)).verdict).toBe('mixed');
});

test('how rejections are answered', () => {
  const answerTo = (rules: Rule[]): string | undefined =>
    summarizeFate(walkPacket(ruleset([chain('base', rules, filterForward)]), packet('10.0.1.1', 80), node))
      .rejectedWith;
  expect(answerTo([[tcpReset]])).toBe('tcp-reset');
  expect(answerTo([[reject]])).toBe('port-unreachable');
  expect(answerTo([[drop]])).toBeUndefined();
  expect(answerTo([[match(numgen(2), 0), tcpReset]])).toBe('tcp-reset');
  expect(answerTo([[match(numgen(2), 0), tcpReset], [reject]])).toBe('mixed');
});
