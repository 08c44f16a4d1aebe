import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkJsonSyntax, parseJson } from '../../../src/phases/1-read/parse-json.ts';

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
  ['{"a": 1, "a": 1}', 9, 'object keys must be unique'],
  ['[{"a": {"b": 1, "c": [{"b": 2}], "b": {}}}]', 33, 'object keys must be unique'],
  ['{"a": 1, "\\u0061" : 2}', 9, 'object keys must be unique'],
  ['{"": 1, "__proto__": 1, "": 2}', 24, 'object keys must be unique'],
])('%j is wrong at %i', (text, offset, message) => {
  expect(checkJsonSyntax(text, 0)).toEqual({ kind: 'invalid', offset, message });
});

test('any depth of nesting is checked', () => {
  const depth = 200_000;
  expect(checkJsonSyntax('['.repeat(depth), 0)).toMatchObject({ kind: 'invalid', offset: depth });
  expect(checkJsonSyntax(`${'['.repeat(depth)}${']'.repeat(depth)}`, 0)).toEqual({ kind: 'valid', end: 2 * depth });
});

describe('repeated keys', () => {
  /** An object in which a key comes twice, if `places` say so, and the offset of the second one. */
  const pair = fc.tuple(
    fc.oneof(fc.constantFrom('a', ':', '":', '\\', 'a\\"', '__proto__', ''), fc.string()),
    fc.jsonValue(),
  );
  const object = fc.uniqueArray(pair, { minLength: 1, maxLength: 6, selector: ([key]) => key });
  const blank = fc.constantFrom('', ' ', '\n', '\t ', '\r\n');
  const print = ([key, value]: readonly [string, unknown], between: string): string =>
    `${JSON.stringify(key)}${between}:${between}${JSON.stringify(value)}`;

  test('are found wherever they are', () => {
    fc.assert(
      fc.property(
        object,
        fc.nat(),
        blank,
        fc.jsonValue(),
        fc.constantFrom('', '[{"x": '),
        (pairs, index, between, value, around) => {
          const [key] = pairs[index % pairs.length] ?? [''];
          const before = `${around}{${pairs.map((one) => print(one, between)).join(',')},${between}`;
          const text = `${before}${print([key, value], between)}}${around === '' ? '' : '}]'}`;
          const message = 'object keys must be unique';
          expect(parseJson(text)).toEqual({ values: [], error: { kind: 'invalid', offset: before.length, message } });
        },
      ),
    );
  });

  test('are not seen where there are none', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.jsonValue(), fc.array(fc.dictionary(fc.string(), fc.string()))),
        fc.nat(4),
        (value, indentation) => {
          const text = JSON.stringify(value, null, indentation);
          expect(parseJson(text)).toEqual({ values: [{ value: JSON.parse(text), start: 0 }], error: undefined });
        },
      ),
    );
  });

  test('end the reading of several values', () => {
    const text = '{"a": 1}\n{"a": {"b": 1, "b": 1}}\n{"c": 1}';
    expect(parseJson(text)).toMatchObject({ values: [{ value: { a: 1 }, start: 0 }], error: { offset: 24 } });
  });

  test('of very deep and of very large objects are found', () => {
    const depth = 100_000;
    const deep = `${'{"a":'.repeat(depth)}{"b":1,"b":2}${'}'.repeat(depth)}`;
    expect(parseJson(deep).error?.offset).toBe(5 * depth + 7);
    const keys = Array.from({ length: depth }, (_, index) => `"k${index}":0`).join(',');
    expect(parseJson(`{${keys}}`).error).toBeUndefined();
    expect(parseJson(`{${keys},"k7":0}`).error?.offset).toBe(keys.length + 2);
  });
});
