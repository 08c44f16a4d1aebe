import { describe, expect, test } from 'vitest';
import { type Answer, answering, createFakeNft, says } from '../support/fake-nft.ts';
import type { CommandResult } from '../support/run-main.ts';
import { runCommand } from './run-command.ts';

/** `svc2nft clean` with an nft that answers so. */
async function clean(
  flags: readonly string[],
  ...answers: readonly Answer[]
): Promise<CommandResult & { readonly texts: readonly string[] }> {
  const nft = createFakeNft(...answers);
  const result = await runCommand(['clean', ...flags], { run: nft.run });
  return { ...result, texts: nft.texts() };
}

describe('clean', () => {
  test('removes the tables of both families', async () => {
    expect(await clean([])).toEqual({
      exitCode: 0,
      stdout: 'table ip svc2nft: removed\ntable ip6 svc2nft: removed\n',
      stderr: '',
      texts: ['delete table ip svc2nft\n', 'delete table ip6 svc2nft\n'],
    });
  });

  test('succeeds when there is nothing', async () => {
    expect(await clean([], answering('nft -f -', says.noSuchFile))).toMatchObject({
      exitCode: 0,
      stdout: 'table ip svc2nft: not found\ntable ip6 svc2nft: not found\n',
      stderr: '',
    });
  });

  test('takes another name, and one family', async () => {
    const { stdout, texts } = await clean(['--table', 'mine', '--family', 'ip6']);
    expect(stdout).toBe('table ip6 mine: removed\n');
    expect(texts).toEqual(['delete table ip6 mine\n']);
  });

  test('goes on with the other family', async () => {
    const busy: Answer = ({ input }) => (input?.includes('ip svc2nft') ? says.busy : undefined);
    expect(await clean([], busy)).toMatchObject({
      exitCode: 3,
      stdout: 'table ip6 svc2nft: removed\n',
      stderr:
        'error: table ip svc2nft: nft: busy\n' +
        '    /dev/stdin:1:1-9: Error: Could not process rule: Device or resource busy\n' +
        'Check whether another program changes the table; if not, report a bug in svc2nft.\n',
    });
  });

  test.each([
    [
      'permission',
      says.notPermitted,
      'error: table ip svc2nft: nft: no-permission\n' +
        '    netlink: Error: cache initialization failed: Operation not permitted\n' +
        'Run svc2nft as root, or with CAP_NET_ADMIN in the network namespace.\n',
    ],
    [
      'nft',
      says.missing,
      'error: table ip svc2nft: nft: not-found\n' +
        '    nft is not installed\n' +
        'Install nftables 1.0.6 or newer, and check that `nft --version` works.\n',
    ],
  ])('needs %s: one error, exit code 4', async (_, answer, stderr) => {
    expect(await clean([], answering('nft -f -', answer))).toMatchObject({ exitCode: 4, stdout: '', stderr });
  });
});
