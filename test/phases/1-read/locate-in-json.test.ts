import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Path } from '../../../src/lib/unknown-values.ts';
import { locateInJson } from '../../../src/phases/1-read/parse-json.ts';

const blanks = fc.stringMatching(/^[ \t\r\n]{0,3}$/);

type Place = { readonly path: Path; readonly offset: number };

/** A value as JSON with blanks from `gaps` around its words, and the offsets of its values, by brute force. */
function write(root: unknown, gaps: readonly string[]): { text: string; places: Place[] } {
  const places: Place[] = [];
  const words: string[] = [];
  const put = (word: string): void => {
    words.push(word, gaps[(words.length / 2) % gaps.length] ?? '');
  };
  const putValue = (value: unknown, path: Path): void => {
    places.push({ path, offset: words.join('').length });
    if (Array.isArray(value)) {
      put('[');
      value.forEach((item, index) => {
        put(index > 0 ? ',' : '');
        putValue(item, [...path, index]);
      });
      put(']');
    } else if (typeof value === 'object' && value !== null) {
      putObject(value, path);
    } else {
      put(JSON.stringify(value));
    }
  };
  const putObject = (object: object, path: Path): void => {
    put('{');
    Object.entries(object).forEach(([key, value], index) => {
      put(index > 0 ? ',' : '');
      put(JSON.stringify(key));
      put(':');
      putValue(value, [...path, key]);
    });
    put('}');
  };
  put('');
  putValue(root, []);
  return { text: words.join(''), places };
}

test('finds the position of every value', () => {
  const gaps = fc.array(blanks, { minLength: 1, maxLength: 7 });
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), gaps, (value, spaces) => {
      const { text, places } = write(value, spaces);
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      const json = { text, children: new Map() };
      const start = places[0]?.offset ?? 0;
      for (const { path, offset } of places) {
        expect(locateInJson(json, start, path)).toBe(offset);
      }
    }),
  );
});

test('returns the nearest enclosing value for a path that does not exist', () => {
  const text = '{"a": [1, {"b": 2}]}';
  const json = { text, children: new Map() };
  expect(locateInJson(json, 0, ['a', 1, 'missing', 'more'])).toBe(text.indexOf('{"b"'));
  expect(locateInJson(json, 0, ['a', 1, 'b', 'more'])).toBe(text.indexOf('2'));
  expect(locateInJson(json, 0, ['a', 7])).toBe(text.indexOf('[1'));
});

test('takes the last of equal keys, as JSON.parse does, and reads escaped keys', () => {
  const text = '{"a": 1, "\\u0061": 2, "b\\"": 3}';
  expect(JSON.parse(text)).toEqual({ a: 2, 'b"': 3 });
  expect(locateInJson({ text, children: new Map() }, 0, ['a'])).toBe(text.indexOf('2'));
  expect(locateInJson({ text, children: new Map() }, 0, ['b"'])).toBe(text.indexOf('3'));
});
