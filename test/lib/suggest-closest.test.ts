import fc from 'fast-check';
import { expect, test } from 'vitest';
import { suggestClosest } from '../../src/lib/text.ts';

test.each([
  ['clusterip', 'ClusterIP'],
  ['LoadBalancr', 'LoadBalancer'],
  ['NodePorts', 'NodePort'],
  ['LoadBalancer', 'LoadBalancer'],
  ['Ingress', undefined],
  ['', undefined],
  ['x'.repeat(100_000), undefined],
])('%s', (text, expected) => {
  expect(suggestClosest(text, ['ClusterIP', 'NodePort', 'LoadBalancer'])).toBe(expected);
});

test.each([
  ['lsit', 'list'],
  ['hlep', 'help'],
  ['tsil', undefined],
])('letters that are swapped are one typo: %s', (text, expected) => {
  expect(suggestClosest(text, ['list', 'help'])).toBe(expected);
});

test('takes the closest of several', () => {
  expect(suggestClosest('Locale', ['Local', 'Locals', 'Localex'])).toBe('Local');
});

test.each([
  ['two swaps', 'olfdre', 'folder'],
  ['one typo at each end', 'xorders', 'orders-'],
  ['three letters lost', 'orders', 'orders-v2'],
  ['two letters lost at the end', 'orders', 'orders-v'],
  ['three typos', 'abcdefgh', 'abcdeXYZ'],
  ['two typos of three letters', 'abc', 'axy'],
])('%s', (_, text, word) => {
  const expected = slowDistance(text, word) < Math.min(3, word.length / 2) ? word : undefined;
  expect(suggestClosest(text, [word])).toBe(expected);
});

test('suggests what the definition of the distance does', () => {
  const word = fc.stringMatching(/^[ab]{1,8}$/);
  fc.assert(
    fc.property(word, word, (text, other) => {
      const isClose = slowDistance(text, other) < Math.min(3, other.length / 2);
      expect(suggestClosest(text, [other])).toBe(isClose ? other : undefined);
    }),
    { numRuns: 500 },
  );
});

/** The optimal string alignment distance by its recursive definition. */
function slowDistance(a: string, b: string): number {
  if (a === '' || b === '') {
    return a.length + b.length;
  }
  if (a.at(-1) === b.at(-1)) {
    return slowDistance(a.slice(0, -1), b.slice(0, -1));
  }
  const isSwapped = a.length > 1 && b.length > 1 && a.at(-1) === b.at(-2) && a.at(-2) === b.at(-1);
  return (
    1 +
    Math.min(
      slowDistance(a.slice(0, -1), b),
      slowDistance(a, b.slice(0, -1)),
      slowDistance(a.slice(0, -1), b.slice(0, -1)),
      isSwapped ? slowDistance(a.slice(0, -2), b.slice(0, -2)) : Number.POSITIVE_INFINITY,
    )
  );
}

test('compares thousands of long names with one another', () => {
  const names = Array.from({ length: 3_000 }, (_, index) => `service-of-a-large-shop-${index * 7919}`);
  const others = names.map((name) => `${name}${name.slice(-3)}`);
  const found = names.map((name) => suggestClosest(name, others));
  expect(found.filter((one) => one !== undefined).length).toBeLessThan(names.length);
}, 30_000);
