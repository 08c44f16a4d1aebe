import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkJsonSyntax } from '../../../src/phases/1-read/parse-json.ts';

/** What JSON.parse says about the whole of a text. */
function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function isValid(text: string): boolean {
  const check = checkJsonSyntax(text, 0);
  return check.kind === 'valid' && text.slice(check.end).trim() === '';
}

const jsonLike = fc
  .array(
    fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      '"',
      ':',
      ',',
      '\\',
      'u00e9',
      '-',
      '0',
      '12',
      '.',
      'e',
      '+',
      'true',
      'nul',
      ' ',
      '\n',
      'é',
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''));

test('agrees with JSON.parse on what is valid', () => {
  fc.assert(
    fc.property(fc.oneof(fc.json(), jsonLike, fc.string()), (text) => {
      expect(isValid(text)).toBe(isJson(text));
    }),
    { numRuns: 2000 },
  );
});

test('truncated text is invalid at its end, not before', () => {
  const container = fc.oneof(fc.dictionary(fc.string(), fc.jsonValue()), fc.array(fc.jsonValue()));
  fc.assert(
    fc.property(container, fc.nat(), (value, cut) => {
      const whole = JSON.stringify(value);
      const text = whole.slice(0, cut % whole.length);
      const check = checkJsonSyntax(text, 0);
      expect(check).toMatchObject({ kind: 'invalid', offset: text.length });
    }),
  );
});

test.each([
  ['{"a" 1}', 5, 'expected a colon'],
  ['{"a": 1 "b": 2}', 8, 'expected a comma or }'],
  ['[1, ]', 4, 'expected a value'],
  ['[1, 2}', 5, 'expected a comma or ]'],
  ['{a: 1}', 1, 'expected a key in double quotes'],
  ['["a\nb"]', 3, 'a line break or control character in a string; it must be escaped'],
  ['["\\x"]', 2, 'this escape sequence does not exist in JSON'],
  ['[tru]', 1, 'expected a value'],
  ['[tru', 4, 'the text ends inside a value'],
  ['[1', 2, 'the text ends inside a list'],
])('%j is wrong at %i', (text, offset, message) => {
  expect(checkJsonSyntax(text, 0)).toEqual({ kind: 'invalid', offset, message });
});

test('any depth of nesting is checked', () => {
  const depth = 200_000;
  expect(checkJsonSyntax('['.repeat(depth), 0)).toMatchObject({ kind: 'invalid', offset: depth });
  expect(checkJsonSyntax(`${'['.repeat(depth)}${']'.repeat(depth)}`, 0)).toEqual({ kind: 'valid', end: 2 * depth });
});
