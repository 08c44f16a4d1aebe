import { describe, expect, test } from 'vitest';
import { knownNames } from '../../../src/phases/5-plan/names.ts';
import { compileFixture } from '../../support/compile-fixture.ts';
import { kernelTestsRun } from '../../support/kernel-tests.ts';
import { listInKernel } from './list-in-kernel.ts';
import { parseNftJson } from './parse-nft-json.ts';

describe.skipIf(!kernelTestsRun)('elements that traffic wrote', () => {
  test('in the kernel', async () => {
    const { text } = compileFixture('client-affinity-holds-at-cluster-ips');
    const add = `
      add element ip svc2nft tcp-pins { 10.9.0.1 . 10.9.0.2 . 80 timeout 1h : 10.9.0.3 . 8080 }
      add element ip svc2nft tcp-pinned { 10.9.0.1 . 10.9.0.2 . 80 . 10.9.0.3 . 8080 timeout 1d1s expires 12h }`;
    const [[listing = ''] = []] = await listInKernel([{ text: `${text}${add}`, tables: ['ip svc2nft'] }]);
    const { ruleset, dynamic, deviations } = parseNftJson(listing, { family: 'ip', table: 'svc2nft' }, knownNames);
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
