import { describe, expect, test } from 'vitest';
import { answering, listTable, says } from '../support/fake-nft.ts';
import { apply } from './apply-shop.ts';

describe('apply cannot begin', () => {
  test('without permission: one error for both tables, exit code 4', async () => {
    const refusal = { ...says.notPermitted };
    const { stdout, stderr, exitCode } = await apply(
      {},
      answering(listTable.ip, refusal),
      answering(listTable.ip6, refusal),
    );
    expect(stderr.split('\n')).toEqual([
      'error: table ip svc2nft, table ip6 svc2nft: nft: no-permission',
      '    netlink: Error: cache initialization failed: Operation not permitted',
      'Run svc2nft as root, or with CAP_NET_ADMIN in the network namespace.',
      '',
    ]);
    expect(stdout).toBe('table ip svc2nft: not changed\ntable ip6 svc2nft: not changed\n');
    expect(exitCode).toBe(4);
  });

  test.each([
    [
      'without nft',
      answering('nft --version', says.missing),
      'error: nft: not-found\n    nft is not installed\n' +
        'Install nftables 1.0.6 or newer, and check that `nft --version` works.\n',
      4,
    ],
    [
      'with an old nft',
      answering('nft --version', { stdout: 'nftables v0.9.8 (E.D.S.)\n' }),
      'error: nft: nft-too-old\n    nftables v0.9.8 (E.D.S.)\nInstall nftables 1.0.6 or newer.\n',
      3,
    ],
    [
      'with an old kernel',
      answering('uname -r', { stdout: '5.10.0-8-amd64\n' }),
      'error: nft: kernel-too-old\n    Linux 5.10.0-8-amd64\n' +
        'Use Linux 5.13 or newer, with all modules listed in docs/nft-errors.md.\n',
      3,
    ],
  ])('%s', async (_, answer, message, expected) => {
    expect(await apply({}, answer)).toMatchObject({ exitCode: expected, stdout: '', stderr: message, texts: [] });
  });

  test('with --target-nft 1.1.3 and an older nft', async () => {
    const old = answering('nft --version', { stdout: 'nftables v1.0.6 (Lester Gooch #5)\n' });
    expect(await apply({ flags: ['--target-nft', '1.1.3'] }, old)).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: 'error: nft 1.0.6 cannot load rulesets for --target-nft 1.1.3; omit this option\n',
      texts: [],
    });
    const young = answering('nft --version', { stdout: 'nftables v1.1.3 (Commodore Bullmoose #4)\n' });
    expect(await apply({ flags: ['--target-nft', '1.1.3'] }, young)).toMatchObject({ exitCode: 0 });
  });
});
