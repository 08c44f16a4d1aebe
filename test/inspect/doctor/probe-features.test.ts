import { describe, expect, test } from 'vitest';
import { probeFeatures } from '../../../src/inspect/doctor/gather-facts.ts';
import { kernelFeatures } from '../../../src/inspect/doctor/kernel-features.ts';
import { type Answer, answering, createFakeNft, says } from '../../support/fake-nft.ts';

const refused = { exitCode: 1, stderr: 'unshare: unshare failed: Operation not permitted\n' };

/** Refuses rules of one family that contain a word. */
function lacking(family: 'ip' | 'ip6', word: string): Answer {
  return ({ input = '' }) =>
    input.startsWith(`table ${family} `) && input.includes(word)
      ? { exitCode: 1, stderr: `/dev/stdin:3:1-9: Error: No such file or directory\n${word}\n^^^^^^\n` }
      : undefined;
}

test('one transaction per family if nothing is missing', async () => {
  const nft = createFakeNft();
  expect(await probeFeatures(nft.run)).toEqual({ kind: 'probed', missing: [] });
  expect(nft.calls.map(({ command }) => command)).toEqual([
    'unshare -n nft --version',
    'unshare -n nft -f -',
    'unshare -n nft -f -',
  ]);
});

test('in a user namespace, if others need root', async () => {
  const nft = createFakeNft(answering('unshare -n nft --version', refused));
  expect(await probeFeatures(nft.run)).toEqual({ kind: 'probed', missing: [] });
  expect(nft.calls.map(({ command }) => command).slice(1)).toEqual([
    'unshare -U -r -n nft --version',
    'unshare -U -r -n nft -f -',
    'unshare -U -r -n nft -f -',
  ]);
});

describe('not at all', () => {
  test.each([
    ['if no namespace can be created', refused, 'unshare: unshare failed: Operation not permitted'],
    ['without unshare', says.missing, 'unshare is not installed'],
    ['if unshare hangs', says.killed, ''],
  ])('%s', async (_, result, said) => {
    const nft = createFakeNft(({ command }) => (command.startsWith('unshare') ? result : undefined));
    expect(await probeFeatures(nft.run)).toEqual({ kind: 'not-probed', said });
    expect(nft.calls).toHaveLength(2);
  });
});

test('missing features are named, per family, with their module', async () => {
  const nft = createFakeNft(lacking('ip', 'numgen'), lacking('ip6', 'reject'), lacking('ip6', 'fib '));
  const said = '/dev/stdin:3:1-9: Error: No such file or directory';
  expect(await probeFeatures(nft.run)).toEqual({
    kind: 'probed',
    missing: [
      { family: 'ip', feature: 'random numbers (numgen)', module: 'nft_numgen', said },
      { family: 'ip6', feature: 'address types (fib)', module: 'nft_fib_ipv6', said },
      { family: 'ip6', feature: 'reject', module: 'nft_reject_ipv6', said },
    ],
  });
});

test('without tables, nothing else is tried', async () => {
  const nft = createFakeNft(lacking('ip6', 'table'));
  expect(await probeFeatures(nft.run)).toMatchObject({
    missing: [{ family: 'ip6', feature: kernelFeatures[0]?.name }],
  });
  expect(nft.calls).toHaveLength(4);
});
