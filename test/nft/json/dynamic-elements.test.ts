import { describe, expect, test } from 'vitest';
import { readOneSet } from './read-one-set.ts';

describe('elements that traffic wrote', () => {
  const pin = { concat: ['10.0.0.1', 80] };
  const type = ['ipv4_addr', 'inet_service'];

  test('come with their remaining times, and not as elements', () => {
    const elem = [
      [{ elem: { val: pin, timeout: 60, expires: 59 } }, { concat: ['10.1.0.1', 8080] }],
      [{ concat: ['10.0.0.2', 80] }, { concat: ['10.1.0.2', 8080] }],
    ];
    const read = readOneSet('map', { type, map: 'ipv4_addr . inet_service', flags: ['timeout'], elem });
    expect(read.set?.elements).toEqual([]);
    expect(read.dynamic).toEqual([
      { key: '10.0.0.1 . 80', value: { address: '10.1.0.1', port: 8080 }, timeoutSeconds: 60, expiresSeconds: 59 },
      { key: '10.0.0.2 . 80', value: { address: '10.1.0.2', port: 8080 } },
    ]);
    expect(read.deviations).toEqual([]);
  });

  test('may deviate', () => {
    const elem = [{ elem: { val: pin, expires: 0, counter: null } }, { concat: [] }, 'a b'];
    const read = readOneSet('set', { type, flags: ['dynamic', 'timeout'], elem });
    expect(read.dynamic).toEqual([{ key: '10.0.0.1 . 80', expiresSeconds: 0 }]);
    expect(read.deviations).toEqual([
      { message: 'set a: one element has a counter (10.0.0.1 . 80)', needsRebuild: false },
      { message: 'set a: 2 elements have a key that cannot be written as nft text', needsRebuild: true },
    ]);
  });
});
