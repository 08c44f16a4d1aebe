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
