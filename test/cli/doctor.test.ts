import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { PassThrough } from 'node:stream';
import { text as readStream } from 'node:stream/consumers';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withoutLock } from '../../src/apply/with-lock.ts';
import { type DoctorFlags, readHead, readHostFiles, runDoctor } from '../../src/cli/commands/doctor-command.ts';
import { findingCodes } from '../../src/inspect/doctor/finding.ts';
import { type Answer, answering, createFakeNft, says } from '../support/fake-nft.ts';
import type { CommandResult } from '../support/run-main.ts';
import { clockWithoutProgress } from '../support/without-progress.ts';
import { runCommand } from './run-command.ts';

/** A node without problems; tests add some. */
const node: Readonly<Record<string, string>> = {
  '/proc/sys/kernel/osrelease': '6.8.0\n',
  '/proc/self/uid_map': '0 0 4294967295\n',
  '/proc/sys/net/ipv4/ip_forward': '1\n',
  '/proc/sys/net/ipv6/conf/all/forwarding': '1\n',
  '/proc/sys/net/ipv4/ip_local_port_range': '32768 60999\n',
  '/proc/sys/net/netfilter/nf_conntrack_count': '0\n',
  '/proc/sys/net/netfilter/nf_conntrack_max': '262144\n',
};

/** Where the package has its documentation. */
const page = resolve('docs/doctor.md');

const noChains = answering('nft -j list chains', { stdout: '{"nftables": []}' });
const version = answering('nft --version', { stdout: 'nftables v1.1.3\n' });

interface World {
  readonly answers?: readonly Answer[];
  readonly files?: Readonly<Record<string, string>>;
  readonly terminal?: boolean;
}

/** `svc2nft doctor` on the node above, with a few answers and files more. */
async function doctor(
  flags: Partial<DoctorFlags>,
  { answers = [], files = {}, terminal = false }: World = {},
): Promise<CommandResult> {
  const { run } = createFakeNft(...answers, noChains, version);
  const stdout = Object.assign(new PassThrough(), { isTTY: terminal });
  const stderr = new PassThrough();
  const outputs = Promise.all([readStream(stdout), readStream(stderr)]);
  const context = {
    stdin: new PassThrough(),
    stdout,
    stderr,
    env: {},
    run,
    lock: withoutLock,
    now: clockWithoutProgress(),
    hostName: 'worker-1',
  };
  const all = { ...node, ...files };
  const exitCode = await runDoctor({ output: 'text', ...flags }, context, async (path) => all[path]);
  stdout.end();
  stderr.end();
  const [out, err] = await outputs;
  return { exitCode, stdout: out, stderr: err };
}

/** Chains of a table as `nft -j list chains` prints them. */
function listing(table: string, ...names: readonly string[]): Answer {
  const chains = names.map((name) => ({ chain: { family: 'ip', table, name } }));
  return answering('nft -j list chains', { stdout: JSON.stringify({ nftables: chains }) });
}

describe('text', () => {
  test('one line per finding if all is ok, exit code 0', async () => {
    const { exitCode, stdout, stderr } = await doctor({});
    const lines = stdout.split('\n').slice(0, -1);
    expect({ exitCode, stderr, lines: lines.length }).toEqual({
      exitCode: 0,
      stderr: '',
      lines: findingCodes.length + 1,
    });
    expect(lines[0]).toBe('ok       nft: nft 1.1.3');
    expect(lines.at(-1)).toBe('24 ok');
  });

  test('a problem has advice and link below it, and exit code 1', async () => {
    const files = { '/proc/sys/net/ipv4/ip_forward': '0\n' };
    const { exitCode, stdout } = await doctor({}, { files });
    expect(exitCode).toBe(1);
    expect(stdout).toContain(
      [
        '',
        'problem  ip-forwarding: net.ipv4.ip_forward is 0: the node forwards no IPv4 packets to or from pods',
        '         Set net.ipv4.ip_forward = 1 in /etc/sysctl.d.',
        `         See ${page}#ip-forwarding`,
        'ok       bridge-netfilter: no known pod bridge',
        '',
      ].join('\n'),
    );
    expect(stdout).toMatch(/\n1 problem, 23 ok\n$/);
  });

  test('warnings and notes leave exit code 0', async () => {
    const files = {
      '/proc/sys/net/ipv6/conf/all/forwarding': '0\n',
      '/proc/sys/net/ipv4/conf/all/rp_filter': '1\n',
      '/proc/sys/net/ipv4/conf/all/route_localnet': '1\n',
    };
    const { exitCode, stdout } = await doctor({}, { files });
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/\n1 warning, 2 notes, 21 ok\n$/);
  });

  test('colors only the status, and only on a terminal', async () => {
    const { stdout } = await doctor({}, { terminal: true });
    expect(stdout.split('\n')[0]).toBe('\u001b[32mok\u001b[0m       nft: nft 1.1.3');
    expect((await doctor({})).stdout).not.toContain('\u001b');
  });

  test.each([
    [
      'a chain',
      ['services', '\u001b[2J\u202e'],
      'Kubernetes Services, by svc2nft',
      'does not know: \\u001b[2J\\u202e\n',
    ],
    ['a comment', ['services'], '\u001b]0;x\u0007', 'its comment is \\u001b]0;x\\u0007\n'],
  ])('%s of another program cannot write to the terminal', async (_, names, comment, shown) => {
    const stdout = `table ip svc2nft {\n\tcomment "${comment}"\n}\n`;
    const answers = [listing('svc2nft', ...names), answering('nft -t list table ip svc2nft', { stdout })];
    const result = await doctor({}, { answers });
    expect(result.stdout.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(result.stdout).toContain(shown);
  });
});

test('-o json has counts, and every finding with its link', async () => {
  const files = { '/proc/sys/net/ipv4/ip_forward': '0\n' };
  const { exitCode, stdout } = await doctor({ output: 'json' }, { files, terminal: true });
  expect(exitCode).toBe(1);
  const { counts, page: where, findings } = JSON.parse(stdout);
  expect(where).toBe(page);
  expect(counts).toEqual({ problem: 1, warning: 0, note: 0, ok: 23 });
  expect(findings).toHaveLength(findingCodes.length);
  expect(findings.find(({ status }: { status: string }) => status === 'problem')).toEqual({
    code: 'ip-forwarding',
    status: 'problem',
    what: 'net.ipv4.ip_forward is 0: the node forwards no IPv4 packets to or from pods',
    advice: 'Set net.ipv4.ip_forward = 1 in /etc/sysctl.d.',
    link: 'docs/doctor.md#ip-forwarding',
  });
  expect(findings[0]).toEqual({ code: 'nft', status: 'ok', what: 'nft 1.1.3', link: 'docs/doctor.md#nft' });
});

test('--table names the table of svc2nft', async () => {
  const answers = [
    listing('mine', 'services'),
    answering('nft -t list table ip mine', {
      stdout: 'table ip mine {\n\tcomment "Kubernetes Services, by svc2nft"\n}\n',
    }),
  ];
  expect((await doctor({ table: 'mine' }, { answers })).stdout).toContain('table mine exists for ip (1 chain)\n');
  expect((await doctor({}, { answers })).stdout).toContain('there is no table svc2nft yet\n');
});

test('a machine without any of the programs', async () => {
  const { exitCode, stdout, stderr } = await doctor({}, { answers: [(): typeof says.missing => says.missing] });
  expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: '' });
  expect(stdout).toContain('problem  nft: nft is not installed\n         Install nftables 1.0.6 or newer');
  expect(stdout).toContain('note     kernel-features: not tried, because nft is not installed\n');
  expect(stdout).toContain('warning  conntrack-program: conntrack is not installed');
});

test('an nft that is not executable is reported to root', async () => {
  const denied = { exitCode: undefined, denied: true, stderr: 'spawn nft EACCES' };
  const answers: Answer[] = [
    ({ command }): typeof denied | undefined => (command.startsWith('nft ') ? denied : undefined),
    ({ command }) =>
      command.startsWith('unshare ') ? { exitCode: 126, stderr: 'unshare: failed to execute nft\n' } : undefined,
  ];
  const { exitCode, stdout } = await doctor({}, { answers });
  expect(exitCode).toBe(1);
  expect(stdout).toContain(
    'problem  nft: nft is not executable\n         Make nft executable (chmod +x), and look for a mount with noexec, AppArmor or SELinux.\n',
  );
  expect(stdout).not.toMatch(/as root|CAP_NET_ADMIN/);
});

test('the page that links lead to exists', async () => {
  const { stdout } = await doctor({ output: 'json' });
  expect(readFileSync(JSON.parse(stdout).page, 'utf8')).toMatch(/^# svc2nft doctor\n/);
});

describe('misuse', () => {
  const tableProblem = 'is not a valid table name; expected a letter, then up to 30 letters, digits or _ . -';
  const outputs = 'expected text or json\n(see --help)\n';

  test.each<[args: string[], stderr: string]>([
    [['dump.yaml'], "error: too many arguments for 'doctor'. Expected 0 arguments but got 1.\n(see --help)\n"],
    [['--', '-o', 'json'], "error: too many arguments for 'doctor'. Expected 0 arguments but got 2.\n(see --help)\n"],
    [['-o'], "error: option '-o, --output <format>' argument missing\n(see --help)\n"],
    [['-o', 'yaml'], `error: --output: unknown value "yaml"; ${outputs}`],
    [['--output=JSON'], `error: --output: unknown value "JSON"; ${outputs}`],
    [['--json'], "error: unknown option '--json'\n(see --help)\n"],
    [['--ouput', 'json'], "error: unknown option '--ouput'\n(Did you mean --output?)\n(see --help)\n"],
    [['--node', 'worker-1'], "error: unknown option '--node'\n(see --help)\n"],
    [['--fix'], "error: unknown option '--fix'\n(see --help)\n"],
    [['--table'], "error: option '--table <name>' argument missing\n(see --help)\n"],
    [['--table', ''], `error: --table: "" ${tableProblem}\n(see --help)\n`],
    [['--table', 'x; flush ruleset'], `error: --table: "x; flush ruleset" ${tableProblem}\n(see --help)\n`],
  ])('%j is wrong usage, and nothing is examined', async (args, stderr) => {
    const nft = createFakeNft();
    expect(await runCommand(['doctor', ...args], { run: nft.run })).toEqual({ exitCode: 2, stdout: '', stderr });
    expect(nft.calls).toEqual([]);
  });

  test('--help ends with exit codes and examples', async () => {
    const { exitCode, stdout } = await runCommand(['doctor', '--help'], { run: createFakeNft().run });
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/\nExit codes:\n {2}0 {2}no problem [^\n]*\n[^\n]*\n {2}2 {2}wrong usage\n\nExamples:\n/);
    expect(stdout).toContain('\nExamples:\n  svc2nft doctor\n');
  });
});

describe('files', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'svc2nft-test-'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  test('are read whole, or as much of them as is needed', async () => {
    writeFileSync(join(folder, 'small'), 'a\nb\n');
    writeFileSync(join(folder, 'large'), 'x'.repeat(3_000_000));
    expect(await readHead(join(folder, 'small'))).toBe('a\nb\n');
    expect(await readHead(join(folder, 'large'))).toBe('x'.repeat(1_048_576));
    expect(await readHead('/proc/self/status')).toMatch(/^Name:/);
  });

  test('that are not regular files count as missing, and a pipe does not block', async () => {
    await execa('mkfifo', [join(folder, 'pipe')]);
    expect(await readHead(join(folder, 'pipe'))).toBe('');
    expect(await readHead(folder)).toBeUndefined();
    expect(await readHead(join(folder, 'missing'))).toBeUndefined();
  });

  test('below the root of a host, whose links mean that root', async () => {
    const wants = join(folder, 'etc/systemd/system/multi-user.target.wants');
    mkdirSync(wants, { recursive: true });
    mkdirSync(join(folder, 'usr/lib'), { recursive: true });
    symlinkSync('usr/lib', join(folder, 'lib'));
    symlinkSync('/lib/ufw.service', join(wants, 'ufw.service'));
    writeFileSync(join(folder, 'lib/ufw.service'), 'unit');
    const readText = readHostFiles(folder);
    expect(await readText('/etc/systemd/system/multi-user.target.wants/ufw.service')).toBe('unit');
    expect(await readText('/etc/nftables.conf')).toBeUndefined();
    expect(await readText('/proc/self/status')).toMatch(/^Name:/);
  });
});
