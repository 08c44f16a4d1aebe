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
    ['was killed', says.killed],
    ['crashed', { exitCode: undefined, signal: 'SIGSEGV' }],
    ['took too long', { exitCode: undefined, signal: 'SIGTERM', timedOut: 30_000 }],
  ])('looks for the table when nft %s', async (_, result) => {
    const head = 'nft -t list table ip svc2nft';
    const late = answering('nft -f -', result);
    const one = ['--family', 'ip'];
    expect(await clean(one, late, answering(head, says.noSuchFile))).toMatchObject({
      exitCode: 0,
      stdout: 'table ip svc2nft: removed\n',
      stderr: '',
    });
    expect(await clean(one, late, answering(head, { stdout: 'table ip svc2nft {\n}\n' }))).toMatchObject({
      exitCode: 3,
      stdout: '',
    });
    expect(await clean(one, late, answering(head, result))).toMatchObject({ exitCode: 3, stdout: '' });
  });

  test('says that a newer nft is needed when nft crashes at all that reads tables', async () => {
    const crashed = { exitCode: undefined, signal: 'SIGSEGV' };
    const answers = [answering('nft -f -', crashed), answering('nft -t list table ip svc2nft', crashed)];
    expect(await clean(['--family', 'ip'], ...answers)).toMatchObject({
      exitCode: 3,
      stdout: '',
      stderr:
        'error: table ip svc2nft: nft: unreadable\n' +
        '    nft cannot read the tables here; a newer nft may have written them\n' +
        '    ended by SIGSEGV\n' +
        'Use the nft that wrote the tables, or a newer one; older ones cannot even delete them.\n',
    });
  });

  test('says whose table it is', async () => {
    const owned = 'table ip svc2nft { # progname python3\n\tflags owner\n}\n';
    const answers = [
      answering('nft -f -', says.notPermitted),
      answering('nft -t list table ip svc2nft', { stdout: owned }),
    ];
    expect(await clean(['--family', 'ip'], ...answers)).toMatchObject({
      exitCode: 3,
      stdout: '',
      stderr:
        'error: table ip svc2nft: nft: owned\n' +
        '    table ip svc2nft is owned by the process "python3", which alone may change it\n' +
        'End the program that owns the table, such as an agent with --own-table, or choose another name with --table.\n',
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
