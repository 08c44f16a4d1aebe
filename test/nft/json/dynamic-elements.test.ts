import { describe, expect, test } from 'vitest';
import { parseNftJson } from '../../../src/nft/json/read-nft-json.ts';
import { compileFixture } from '../../support/compile-fixture.ts';
import { kernelTestsRun } from '../../support/kernel-tests.ts';
import { listInKernel } from './list-in-kernel.ts';
import { readOneSet } from './read-one-set.ts';

describe('elements that traffic wrote', () => {
  const pin = { concat: ['10.0.0.1', 80] };
  const type = ['ipv4_addr', 'inet_service'];

  test('come with what is left of their time, and not as elements', () => {
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

  test('may be odd', () => {
    const elem = [{ elem: { val: pin, expires: 0, counter: null } }, { concat: [] }, 'a b'];
    const read = readOneSet('set', { type, flags: ['dynamic', 'timeout'], elem });
    expect(read.dynamic).toEqual([{ key: '10.0.0.1 . 80', expiresSeconds: 0 }]);
    expect(read.deviations).toEqual([
      { message: 'set a: one element has a counter (10.0.0.1 . 80)', needsRebuild: false },
      { message: 'set a: 2 elements have a key that cannot be written as nft text', needsRebuild: true },
    ]);
  });

  test.skipIf(!kernelTestsRun)('in the kernel', async () => {
    const { text } = compileFixture('client-affinity-holds-at-cluster-ips');
    const add = `
      add element ip svc2nft tcp-pins { 10.9.0.1 . 10.9.0.2 . 80 timeout 1h : 10.9.0.3 . 8080 }
      add element ip svc2nft tcp-pinned { 10.9.0.1 . 10.9.0.2 . 80 . 10.9.0.3 . 8080 timeout 1d1s expires 12h }`;
    const [[listing = ''] = []] = await listInKernel([{ text: `${text}${add}`, tables: ['ip svc2nft'] }]);
    const { ruleset, dynamic, deviations } = parseNftJson(listing, { family: 'ip', table: 'svc2nft' });
    expect(deviations).toEqual([]);
    expect(ruleset.sets.filter(({ name }) => name.startsWith('tcp-pin')).map(({ elements }) => elements)).toEqual([
      [],
      [],
    ]);
    const key = '10.9.0.1 . 10.9.0.2 . 80';
    expect([...dynamic]).toEqual([
      [
        'tcp-pins',
        [{ key, value: { address: '10.9.0.3', port: 8080 }, timeoutSeconds: 3600, expiresSeconds: expect.any(Number) }],
      ],
      ['tcp-pinned', [{ key: `${key} . 10.9.0.3 . 8080`, timeoutSeconds: 86401, expiresSeconds: expect.any(Number) }]],
    ]);
    const [pin, pinned] = [...dynamic.values()].flat();
    expect(pin?.expiresSeconds).toBeLessThanOrEqual(3600);
    expect(pinned?.expiresSeconds).toBeLessThanOrEqual(43200);
  });
});
