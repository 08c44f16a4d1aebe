import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Chain, Rule } from '../../src/nft/ruleset.ts';
import { walkPacket } from '../../src/walk/walk-packet.ts';
import { chain, drop, filterForward, goto, hook, jump, node, outcomesOf, packet, reject, ruleset } from './support.ts';

const back: Rule = [{ kind: 'return' }];

function verdictOf(base: readonly Rule[], others: readonly Chain[] = []): string {
  const fate = walkPacket(ruleset([...others, chain('base', base, filterForward)]), packet('10.0.1.1', 80), node);
  expect(fate.outcomes).toHaveLength(1);
  return fate.outcomes[0]?.verdict ?? '';
}

test.each<[string, string, Rule[], Chain[]]>([
  ['an empty base chain accepts', 'untouched', [], []],
  ['an empty rule does nothing', 'dropped', [[], [drop]], []],
  ['a jump comes back at the end of its chain', 'dropped', [[jump('a')], [drop]], [chain('a', [])]],
  ['a jump comes back at return', 'dropped', [[jump('a')], [drop]], [chain('a', [back, [reject]])]],
  ['a return in the base chain accepts', 'untouched', [back, [drop]], []],
  ['a goto from the base chain does not come back', 'untouched', [[goto('a')], [drop]], [chain('a', [])]],
  [
    'a goto goes back to where its own chain was jumped to from',
    'rejected',
    [[jump('a')], [reject]],
    [chain('b', []), chain('a', [[goto('b')], [drop]])],
  ],
  [
    'a return after a goto is the end of the chain that did it',
    'rejected',
    [[jump('a')], [reject]],
    [chain('b', [back, [drop]]), chain('a', [[goto('b')], [drop]])],
  ],
  [
    'a jump inside the target of a goto comes back to the target',
    'dropped',
    [[goto('a')], [reject]],
    [chain('b', []), chain('a', [[jump('b')], [drop]])],
  ],
  [
    'two jumps deep, a goto skips one level only',
    'dropped',
    [[jump('a')], [reject]],
    [chain('c', []), chain('b', [[goto('c')], [reject]]), chain('a', [[jump('b')], [drop]])],
  ],
])('%s', (_name, expected, base, others) => {
  expect(verdictOf(base, others)).toBe(expected);
});

test('accept ends one base chain, drop and reject end everything', () => {
  const chains = (first: Rule[]): Chain[] => [
    chain('late', [[reject]], hook('filter', 'forward', 10)),
    chain('early', first, filterForward),
  ];
  const sent = packet('10.0.1.1', 80);
  expect(outcomesOf(walkPacket(ruleset(chains([back])), sent, node))).toEqual(['rejected 10.0.1.1:80 1/1']);
  expect(outcomesOf(walkPacket(ruleset(chains([[drop]])), sent, node))).toEqual(['dropped 10.0.1.1:80 1/1']);
});

test('probabilities multiply along the path, and those of equal outcomes are added', () => {
  const chains = [
    chain('nothing', []),
    chain('dropping', [[drop]]),
    chain('rejecting', [[reject]]),
    chain('half', [[{ kind: 'random-goto', chains: ['dropping', 'nothing'] }]]),
    chain('base', [[{ kind: 'random-goto', chains: ['half', 'dropping', 'rejecting'] }]], filterForward),
  ];
  expect(outcomesOf(walkPacket(ruleset(chains), packet('10.0.1.1', 80), node))).toEqual([
    'dropped 10.0.1.1:80 1/2',
    'untouched 10.0.1.1:80 1/6',
    'rejected 10.0.1.1:80 1/3',
  ]);
});

test('whatever the branches, their shares add up to one', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(sizes, (levels) => {
      const fate = walkPacket(ruleset(branching(levels)), packet('10.0.1.1', 80), node);
      const common = levels.reduce((product, size) => product * size, 1);
      const sum = fate.outcomes.reduce((all, { share }) => all + (share.numerator * common) / share.denominator, 0);
      expect(sum).toBe(common);
    }),
  );
});

/** At each level one chain drops and the others continue to the next level. */
function branching(levels: readonly number[]): Chain[] {
  const inner = levels.map((size, level): Chain => {
    const chains = Array.from({ length: size }, (_, index) => (index === 0 ? 'dropping' : `level-${level + 1}`));
    return chain(`level-${level}`, [[{ kind: 'random-goto', chains }]]);
  });
  return [
    chain('dropping', [[drop]]),
    chain(`level-${levels.length}`, []),
    ...inner,
    chain('base', [[goto('level-0')]], filterForward),
  ];
}
