import { describe, expect, test } from 'vitest';
import { boundOf, parseMetrics, sumOf, valuesBy } from '../../../src/inspect/status/parse-metrics.ts';

test('samples are read with their labels, and nothing else', () => {
  const text = [
    '# HELP a_total Something',
    '# TYPE a_total counter',
    'a_total 3',
    'a_total{kind="x"} 1.5e3',
    'a_total{kind="with \\"quotes\\", a \\\\ and a \\n","other"="no"} 1',
    'b{le="+Inf"} +Inf',
    'c -Inf 1700000000000',
    'd NaN',
    '',
    '<html>',
    'not a sample at all',
  ].join('\n');
  expect(parseMetrics(text)).toEqual([
    { name: 'a_total', labels: {}, value: 3 },
    { name: 'a_total', labels: { kind: 'x' }, value: 1_500 },
    { name: 'a_total', labels: { kind: 'with "quotes", a \\ and a \n' }, value: 1 },
    { name: 'b', labels: { le: '+Inf' }, value: Number.POSITIVE_INFINITY },
    { name: 'c', labels: {}, value: Number.NEGATIVE_INFINITY },
    { name: 'd', labels: {}, value: Number.NaN },
  ]);
  expect(parseMetrics('a 1\r\nb 2\r\n')).toHaveLength(2);
});

describe('samples of a metric', () => {
  const samples = parseMetrics('a{x="1",y="1"} 1\na{x="1",y="2"} 2\na{x="2",y="1"} 4\nab 8\n');

  test('are added', () => {
    expect(sumOf(samples, 'a')).toBe(7);
    expect(sumOf(samples, 'a', { x: '1' })).toBe(3);
    expect(sumOf(samples, 'a', { x: '3' })).toBeUndefined();
  });

  test('are grouped', () => {
    expect(valuesBy(samples, 'a', 'y')).toEqual({ 1: 5, 2: 2 });
    expect(valuesBy(samples, 'c', 'y')).toEqual({});
  });
});

describe('the bound of a share of all values', () => {
  const histogram = (...counts: readonly number[]) =>
    parseMetrics(
      ['+Inf', '0.01', '0.1', '1'].map((le, index) => `h_bucket{le="${le}"} ${counts.at(index - 1)}`).join('\n'),
    );

  test.each([
    [[1, 1, 1, 1], 0.5, 0.01],
    [[0, 5, 10, 10], 0.5, 0.1],
    [[0, 4, 10, 10], 0.5, 1],
    [[98, 99, 100, 100], 0.99, 0.1],
    [[0, 0, 0, 1], 0.5, Number.POSITIVE_INFINITY],
    [[0, 0, 0, 0], 0.5, undefined],
  ])('is that of the first bucket with so many: %j, %s', (counts, share, bound) => {
    expect(boundOf(histogram(...counts), 'h', share)).toBe(bound);
  });

  test('is unknown without a histogram', () => {
    expect(boundOf([], 'h', 0.5)).toBeUndefined();
  });
});
