import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { withoutColor, wrapLine } from '../../src/lib/text.ts';

const red = (text: string): string => `\u001b[31m${text}\u001b[0m`;

describe('a long line is broken between words', () => {
  test.each([
    ['fits', 4, ['fits']],
    ['one two three', 8, ['one two', '  three']],
    ['  one two three', 9, ['  one two', '    three']],
    ['  one two three', 8, ['  one', '    two', '    three']],
    ['/a/path/without/blanks', 5, ['/a/path/without/blanks']],
    [
      'problem  code: what is wrong here, and why it is',
      36,
      ['problem  code: what is wrong here,', '         and why it is'],
    ],
    // Its second column would leave too little room.
    ['a-long-name-of-a-Service  gone: everything', 30, ['a-long-name-of-a-Service ', '  gone: everything']],
    [
      `${red('problem')}  code: what is wrong here, and why`,
      36,
      [`${red('problem')}  code: what is wrong here,`, '         and why'],
    ],
    [
      `added (${red('+10.244.1.7:8080')}, ${red('+10.244.1.8:8080')})`,
      27,
      [`added (${red('+10.244.1.7:8080')},`, `  ${red('+10.244.1.8:8080')})`],
    ],
    ['', 5, ['']],
  ])('%j within %d', (line, width, lines) => {
    expect(wrapLine(line, width)).toEqual(lines);
  });

  test('nothing is lost, and only a word alone is wider', () => {
    const word = fc.stringMatching(/^[a-z]{1,12}$/);
    const separator = fc.constantFrom(' ', ' ', '  ', '    ');
    const texts = fc.array(fc.tuple(word, separator), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(texts, fc.nat(8), fc.integer({ min: 20, max: 80 }), (words, margin, width) => {
        const line = `${' '.repeat(margin)}${words.flat().join('')}`.trimEnd();
        const lines = wrapLine(line, width);
        expect(lines.join(' ').split(/ +/)).toEqual(line.split(/ +/));
        expect(lines.filter((one) => one.length > width && / \S/.test(one.trim()))).toEqual([]);
      }),
    );
  });
});

describe('a run of 200,000 blanks takes no longer than other text', () => {
  const blanks = ' '.repeat(200_000);
  test.each([
    ['at the end', `zone a${blanks}`],
    ['before a tab', `zone a${blanks}\tb`],
    ['in the middle', `zone a${blanks}b`],
  ])(
    '%s',
    (_, line) => {
      const lines = wrapLine(line, 80);
      expect(lines.join('').replaceAll(' ', '')).toBe(line.replaceAll(' ', ''));
      expect(lines.every(({ length }) => length <= 80)).toBe(true);
    },
    30_000,
  );
});

test.each([
  ['plain', 'plain'],
  [red('a b'), 'a b'],
  [`\u001b[1;32m${red('a')}`, 'a'],
])('%j without color', (text, plain) => {
  expect(withoutColor(text)).toBe(plain);
});
