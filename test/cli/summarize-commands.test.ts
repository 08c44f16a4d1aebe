import { expect, test } from 'vitest';
import { summarizeCommands, summarizeParts } from '../../src/cli/output/render-plan.ts';
import type { Command } from '../../src/nft/command.ts';
import type { SetDeclaration } from '../../src/nft/ruleset.ts';

const set = (name: string): SetDeclaration => ({ name, key: ['address'], comment: '' });
const elements = (count: number) => Array.from({ length: count }, (_, index) => ({ key: `10.0.0.${index}` }));
const rule = [{ kind: 'drop' }] as const;

test.each<[string, Command[]]>([
  ['1 element added', [{ kind: 'add-elements', set: 'a', elements: elements(1) }]],
  [
    '5 elements added, 1 element deleted',
    [
      { kind: 'delete-elements', set: 'a', elements: elements(1) },
      { kind: 'add-elements', set: 'a', elements: elements(2) },
      { kind: 'add-elements', set: 'b', elements: elements(3) },
    ],
  ],
  ['1,234 elements deleted', [{ kind: 'delete-elements', set: 'a', elements: elements(1_234) }]],
  [
    '2 chains written, 1 chain deleted, 1 set added, 2 sets deleted',
    [
      { kind: 'flush-chain', chain: 'a' },
      { kind: 'flush-chain', chain: 'b' },
      { kind: 'delete-set', set: set('x') },
      { kind: 'delete-set', set: set('y') },
      { kind: 'delete-chain', chain: 'b' },
      { kind: 'add-set', set: set('z') },
      { kind: 'add-chain', chain: { name: 'c', rules: [rule] } },
      { kind: 'add-rule', chain: 'a', rule },
      { kind: 'add-rule', chain: 'a', rule },
      { kind: 'add-rule', chain: 'c', rule },
    ],
  ],
  [
    '3 elements, 1 chain',
    [
      { kind: 'delete-table' },
      { kind: 'add-table', comment: '' },
      { kind: 'add-set', set: set('a') },
      { kind: 'add-chain', chain: { name: 'c', rules: [rule] } },
      { kind: 'add-rule', chain: 'c', rule },
      { kind: 'add-elements', set: 'a', elements: elements(3) },
    ],
  ],
  ['0 chains', [{ kind: 'add-table', comment: '' }]],
  ['1 command', [{ kind: 'flush-chain', chain: 'a' }]],
])('%s', (text, commands) => {
  expect(summarizeCommands(commands)).toBe(text);
});

test('each part by itself, in the order of the commands', () => {
  expect(
    summarizeParts([
      { kind: 'delete-elements', set: 'a', elements: elements(1) },
      { kind: 'delete-chain', chain: 'c' },
      { kind: 'add-elements', set: 'a', elements: elements(2) },
      { kind: 'add-set', set: set('b') },
    ]),
  ).toEqual(['a  2 elements added, 1 element deleted', 'c  1 chain deleted', 'b  1 set added']);
});
