import { describe, expect, test } from 'vitest';
import { describeFindings } from '../../src/diff/describe-findings.ts';
import { diffRulesets } from '../../src/diff/diff-rulesets.ts';
import { describeChanges } from '../../src/inspect/changes/describe-changes.ts';
import type { Ruleset } from '../../src/nft/ruleset.ts';
import { compileFixture } from '../support/compile-fixture.ts';
import { listFixtures } from '../support/fixture.ts';

const fixture = 'counters-leave-the-way-of-packets-alone';
const counted = rulesetOf(fixture);
const plain: Ruleset = { ...counted, sets: counted.sets.map(({ counter: _, ...set }) => set) };
const countedNames = [
  'service-ips',
  'service-nodeports',
  'tcp-endpoints',
  'tcp-local-endpoints',
  'tcp-nodeport-endpoints',
  'tcp-nodeport-local-endpoints',
  'udp-endpoints',
];

function rulesetOf(name: string): Ruleset {
  const [ruleset] = compileFixture(name).rulesets;
  return ruleset as Ruleset;
}

test('only the maps on the way to an endpoint count', () => {
  expect(namesOf(counted.sets.filter(({ counter }) => counter))).toEqual(countedNames);
});

test('without the option nothing counts', () => {
  const rulesets = listFixtures()
    .filter((name) => name !== fixture)
    .flatMap((name) => compileFixture(name).rulesets);
  expect(rulesets.flatMap(({ sets }) => sets.filter(({ counter }) => counter))).toEqual([]);
});

describe.each([
  { change: 'turned on', before: plain, after: counted, words: [['off'], ['on']] },
  { change: 'turned off', before: counted, after: plain, words: [['on'], ['off']] },
])('counters are $change', ({ before, after, words }) => {
  const { commands, isNewTable, after: table } = diffRulesets(before, after);

  test('the maps are replaced, and filled again', () => {
    expect(isNewTable).toBe(false);
    const setsOf = (kind: 'delete-set' | 'add-set') =>
      namesOf(
        commands.flatMap((command) => (command.kind === kind ? [(command as { set: { name: string } }).set] : [])),
      );
    expect(setsOf('delete-set')).toEqual(countedNames);
    expect(setsOf('add-set')).toEqual(countedNames);
    expect(diffRulesets(after, after).commands).toEqual([]);
    expect(
      namesOf([...table.sets.values()].flatMap(({ declaration }) => (declaration.counter ? [declaration] : []))),
    ).toEqual(namesOf(after.sets.filter(({ counter }) => counter)));
  });

  test('it is a change of a setting, and nobody has tampered with the table', () => {
    const [was, is] = words;
    expect(describeChanges(before, after).settings).toEqual([{ setting: 'counters', before: was, after: is }]);
    expect(describeFindings({ ruleset: before, deviations: [] }, commands)).toEqual([]);
  });
});

test('chains without a Service and their maps go, as a Service that needs them again would find the other maps', () => {
  const empty = rulesetOf('empty-cluster-has-no-rules-for-anything');
  const kept = diffRulesets(counted, { ...empty, sets: countedLike(empty) }).after;
  expect(kept.sets.has('tcp-endpoints')).toBe(true);
  const dropped = diffRulesets(counted, empty).after;
  expect([...dropped.sets.keys()].filter((name) => name.endsWith('-endpoints'))).toEqual([]);
});

test("other sets that count are not the compiler's", () => {
  const tampered: Ruleset = {
    ...plain,
    sets: plain.sets.map((set) => (set.name === 'no-endpoint-services' ? { ...set, counter: true } : set)),
  };
  const { commands } = diffRulesets(tampered, plain);
  expect(describeFindings({ ruleset: tampered, deviations: [] }, commands).map(({ message }) => message)).toEqual([
    'map no-endpoint-services has a different declaration',
  ]);
});

function countedLike({ sets }: Ruleset): Ruleset['sets'] {
  return sets.map((set) => (countedNames.includes(set.name) ? { ...set, counter: true } : set));
}

function namesOf(sets: readonly { readonly name: string }[]): string[] {
  return sets.map(({ name }) => name).sort();
}
