import { expect, test } from 'vitest';
import { formatDuration, parseDuration } from '../../src/config/parse-duration.ts';

test.each([
  [0, '0s'],
  [500, '500ms'],
  [1_000, '1s'],
  [1_500, '1.5s'],
  [90_000, '1m30s'],
  [600_000, '10m0s'],
  [3_600_000, '1h0m0s'],
  [3_661_250, '1h1m1.25s'],
])('%i ms is written as Go does, %s', (milliseconds, text) => {
  expect(formatDuration(milliseconds)).toBe(text);
  expect(parseDuration(text)).toBe(milliseconds * 1e6);
});
