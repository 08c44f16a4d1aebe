import { describe, expect, test } from 'vitest';
import { createFakeIptables } from '../support/fake-iptables.ts';
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

describe('clean of iptables', () => {
  const own =
    '*nat\n:SVC2NFT-SERVICES - [0:0]\n-I PREROUTING 1 -m comment --comment "Kubernetes Services" -j SVC2NFT-SERVICES\nCOMMIT\n';
  const other = '*nat\n:CNI - [0:0]\n-A POSTROUTING -j CNI\nCOMMIT\n';

  test('removes the rules of svc2nft in both variants, and those of nobody else', async () => {
    const machine = createFakeIptables();
    machine.load(other);
    const before = machine.saved();
    machine.load(own);
    machine.load(own, 'iptables-legacy');
    machine.load(own, 'ip6tables');
    const { exitCode, stdout, stderr } = await runCommand(['clean'], { run: machine.run });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toBe(
      'table ip svc2nft: removed\ntable ip6 svc2nft: removed\niptables: removed\nip6tables: removed\n',
    );
    expect(machine.saved()).toBe(before);
    expect(machine.saved('iptables-legacy') + machine.saved('ip6tables')).not.toContain('SVC2NFT');
  });

  test('says nothing of iptables where it has no rules of svc2nft, or is missing', async () => {
    const machine = createFakeIptables(({ command }) =>
      command.startsWith('ip') ? { ...says.missing, stderr: '' } : undefined,
    );
    expect(await runCommand(['clean'], { run: machine.run })).toEqual({
      exitCode: 0,
      stdout: 'table ip svc2nft: removed\ntable ip6 svc2nft: removed\n',
      stderr: '',
    });
    const empty = createFakeIptables();
    await runCommand(['clean', '--family', 'ip'], { run: empty.run });
    expect(empty.commandsSince()).toEqual(['nft -f -', 'iptables-save', 'iptables-nft-save', 'iptables-legacy-save']);
  });

  test('--target chooses one of both, and --table that of nft', async () => {
    const machine = createFakeIptables();
    machine.load(own);
    const clean = async (...flags: string[]) => (await runCommand(['clean', ...flags], { run: machine.run })).stdout;
    expect(await clean('--target', 'nftables', '--family', 'ip')).toBe('table ip svc2nft: removed\n');
    expect(await clean('--table', 'mine', '--family', 'ip')).toBe('table ip mine: removed\n');
    expect(await clean('--target', 'iptables')).toBe('iptables: removed\nip6tables: not found\n');
    expect(await runCommand(['clean', '--target', 'iptables', '--table', 'x'], { run: machine.run })).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('error: --table is for --target nftables\n'),
    });
  });

  test('names chains that stay because rules of others go to them', async () => {
    const machine = createFakeIptables();
    machine.load(`${own}*nat\n-A OUTPUT -j SVC2NFT-SERVICES\n-A SVC2NFT-SERVICES -j RETURN\nCOMMIT\n`);
    const { exitCode, stderr } = await runCommand(['clean', '--target', 'iptables'], { run: machine.run });
    expect({ exitCode, stderr }).toEqual({
      exitCode: 0,
      stderr: 'note: iptables keeps 1 empty chain (SVC2NFT-SERVICES), to which rules of others go\n',
    });
  });

  test('reports what is refused, once without permission', async () => {
    const denied = { exitCode: 4, stderr: 'Permission denied (you must be root)\n' };
    const machine = createFakeIptables(answering('iptables-save', denied), answering('ip6tables-save', denied));
    const { exitCode, stdout, stderr } = await runCommand(['clean', '--target', 'iptables'], { run: machine.run });
    expect({ exitCode, stdout }).toEqual({ exitCode: 4, stdout: '' });
    expect(stderr.match(/^error: .*$/gm)).toEqual(['error: iptables, ip6tables: no-permission']);
  });
});
