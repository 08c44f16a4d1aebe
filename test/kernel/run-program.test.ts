import { execFileSync } from 'node:child_process';
import { chmodSync, closeSync, mkdtempSync, openSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { classifyNftError } from '../../src/kernel/nft-error.ts';
import { createRunProgram, type ProgramResult, type RunOptions } from '../../src/kernel/run-program.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'svc2nft-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

interface Run extends RunOptions {
  readonly args?: readonly string[];
  readonly input?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal;
}

/** Runs a shell script under the name of nft. */
function runScript(
  script: string,
  { args = [], input, env = process.env, signal, ...options }: Run = {},
): Promise<ProgramResult> {
  writeFileSync(join(folder, 'nft'), `#!/bin/sh\n${script}\n`);
  chmodSync(join(folder, 'nft'), 0o755);
  const path = `${folder}:${env['PATH'] ?? ''}`;
  const run = createRunProgram({ env: { ...env, PATH: path }, ...(signal && { signal }) });
  return run('nft', args, input, options);
}

const ended = { exitCode: 0, signal: undefined, stdout: '', stderr: '', missing: false, denied: false };

test('both outputs and the exit code are separate', async () => {
  const result = await runScript('echo "said $1"; echo "complained of $2" >&2; exit 3', { args: ['a  b', '*'] });
  expect(result).toEqual({ ...ended, exitCode: 3, stdout: 'said a  b\n', stderr: 'complained of *\n' });
});

test('the real uname answers', async () => {
  const result = await createRunProgram()('uname', ['-s']);
  expect(result).toEqual({ ...ended, stdout: 'Linux\n' });
});

test.each([
  ['sleeps', 'exec sleep 600', 'SIGTERM'],
  ['reads', 'exec cat /dev/zero > /dev/null', 'SIGTERM'],
  ['is a script with a program that sleeps', 'sleep 600; echo late', 'SIGTERM'],
  ['is a script in a script', '(sh -c "sleep 600; echo late"; echo later)', 'SIGTERM'],
  ['ignores SIGTERM', 'trap "" TERM; echo ready; while :; do sleep 0.1; done', 'SIGKILL'],
])('a program that %s for longer than it may is ended, and that is what is said', async (_, script, signal) => {
  const result = await runScript(script, { longest: 200 });
  expect(result).toMatchObject({ exitCode: undefined, signal, timedOut: 200 });
  expect(classifyNftError(result)).toMatchObject({
    kind: 'timed-out',
    retry: false,
    rebuild: false,
    said: ['nft did not finish in 0.2 s'],
  });
});

test('a program that is done in time is not said to have timed out', async () => {
  expect(await runScript('exit 0', { longest: 5_000 })).toEqual(ended);
  expect(await runScript('kill -TERM $$', { longest: 5_000 })).toEqual({
    ...ended,
    exitCode: undefined,
    signal: 'SIGTERM',
  });
});

test('a descriptor of this process is handed over as number 3, and only if asked for', async () => {
  const path = join(folder, 'inherited');
  writeFileSync(path, 'its text');
  const descriptor = openSync(path, 'r');
  const script = 'cat <&3 2>/dev/null || echo none';
  expect((await runScript(script, { inherit: descriptor })).stdout).toBe('its text');
  expect((await runScript(script)).stdout).toBe('none\n');
  expect(
    (await runScript('cat; readlink /proc/self/fd/3', { inherit: descriptor, input: 'x'.repeat(70_000) })).stdout,
  ).toBe(`${'x'.repeat(70_000)}${path}\n`);
  closeSync(descriptor);
});

test.each([
  ['succeed', 'cat > /dev/null'],
  ['fail', 'exit 1'],
  ['are killed', 'kill -KILL $$'],
])('no descriptor is left of large inputs whose programs %s', async (_, script) => {
  const input = 'x'.repeat(100_000);
  const count = (): number => readdirSync('/proc/self/fd').length;
  await runScript(script, { input });
  const before = count();
  for (let round = 0; round < 10; round++) {
    await runScript(script, { input });
  }
  expect(count()).toBeLessThanOrEqual(before);
});

test('messages come untranslated, and from no current folder', async () => {
  const result = await runScript('echo "$LC_ALL $LANG $OTHER"; pwd', {
    env: { PATH: process.env['PATH'], LC_ALL: 'de_DE.UTF-8', LANG: 'de_DE.UTF-8', OTHER: 'kept' },
  });
  expect(result.stdout).toBe('C de_DE.UTF-8 kept\n/\n');
});

test('programs are looked for where users without root do not look', async () => {
  expect((await runScript('echo "$PATH"', { env: { PATH: '/usr/bin' } })).stdout).toBe(
    `${folder}:/usr/bin:/usr/sbin:/sbin\n`,
  );
  const withoutPath = await createRunProgram({ env: {} })('uname', ['-s']);
  expect(withoutPath.stdout).toBe('Linux\n');
});

test('stdin is the input, and empty without one', async () => {
  expect((await runScript('cat', { input: 'täble\n' })).stdout).toBe('täble\n');
  expect((await runScript('cat; echo end', {})).stdout).toBe('end\n');
  expect((await runScript('cat; echo end', { input: '' })).stdout).toBe('end\n');
});

test('40 MB of input arrive', async () => {
  const result = await runScript('wc -c', { input: 'x'.repeat(40_000_000) });
  expect(result.stdout.trim()).toBe('40000000');
});

test('more output arrives than execa keeps by itself', async () => {
  const result = await runScript("head -c 110000000 /dev/zero | tr '\\0' x");
  expect(result.exitCode).toBe(0);
  expect(result.stdout.length).toBe(110_000_000);
});

test('a program that prints more than it may is ended, and its output is not kept', async () => {
  const result = await runScript('exec cat /dev/zero', { largest: 2_000_000 });
  expect(result).toMatchObject({ exitCode: undefined, stdout: '', stderr: 'printed more than 2 MB' });
  const allowed = await runScript("head -c 2000000 /dev/zero | tr '\\0' x", { largest: 2_000_000 });
  expect(allowed).toMatchObject({ exitCode: 0, stdout: 'x'.repeat(2_000_000) });
});

test.each([
  ['reads nothing', 'exit 4'],
  ['stops reading', 'head -c 100000 > /dev/null; exit 4'],
  ['closes stdin and lives on', 'exec < /dev/null; sleep 0.1; exit 4'],
])('a program that %s does not throw', async (_, script) => {
  await expect(runScript(script, { input: 'x'.repeat(40_000_000) })).resolves.toEqual({ ...ended, exitCode: 4 });
});

test('of endless complaints the first are kept, and the program goes on', async () => {
  const result = await runScript("echo first >&2; head -c 5000000 /dev/zero | tr '\\0' e >&2; echo done; exit 1");
  expect(result).toMatchObject({ exitCode: 1, stdout: 'done\n' });
  expect(result.stderr).toBe(`first\n${'e'.repeat(65_536 - 6)}`);
});

test('a program that a signal ends has no exit code', async () => {
  const result = await runScript('echo dying >&2; kill -KILL $$');
  expect(result).toEqual({ ...ended, exitCode: undefined, signal: 'SIGKILL', stderr: 'dying\n' });
});

test('the caller can end it', async () => {
  const controller = new AbortController();
  const running = runScript('exec sleep 60', { signal: controller.signal });
  controller.abort();
  expect(await running).toMatchObject({ exitCode: undefined, signal: 'SIGTERM', missing: false });
});

test('a program that does not exist is missing', async () => {
  const result = await createRunProgram()('svc2nft-has-no-such-program' as 'nft', []);
  expect(result).toEqual({
    ...ended,
    exitCode: undefined,
    stderr: 'spawn svc2nft-has-no-such-program ENOENT',
    missing: true,
  });
});

test('a program that may not be executed is denied', async () => {
  writeFileSync(join(folder, 'svc2nft-not-executable'), '#!/bin/sh\n', { mode: 0o644 });
  const run = createRunProgram({ env: { PATH: folder } });
  expect(await run('svc2nft-not-executable' as 'nft', [])).toMatchObject({
    exitCode: undefined,
    missing: false,
    denied: true,
  });
});

test('a program that cannot be started gives the reason', async () => {
  const result = await runScript('true', { args: ['x'.repeat(40_000_000)] });
  expect(result).toEqual({ ...ended, exitCode: undefined, stderr: 'spawn E2BIG' });
});

test('a program that cannot be started for lack of file descriptors is busy, and does not end this process', async () => {
  const setLimit = (limit: string): void => {
    execFileSync('prlimit', ['--pid', `${process.pid}`, `--nofile=${limit}:`]);
  };
  const usual = execFileSync('prlimit', ['--pid', `${process.pid}`, '--nofile', '--noheadings', '--output', 'SOFT']);
  expect(await runScript('echo there')).toEqual({ ...ended, stdout: 'there\n' });
  setLimit('512');
  const opened: number[] = [];
  const fill = (): never => {
    for (;;) {
      opened.push(openSync('/dev/null', 'r'));
    }
  };
  const started: unknown[] = [];
  expect(fill).toThrow('EMFILE');
  const run = createRunProgram({ env: { ...process.env, PATH: `${folder}:${process.env['PATH']}` } });
  const results = await Promise.all([
    run('nft', ['--version']),
    run('nft', ['-i'], undefined, { interact: (program) => started.push(program) }),
  ]).finally(() => {
    for (const descriptor of opened) {
      closeSync(descriptor);
    }
  });
  setLimit(usual.toString().trim());
  expect(started).toEqual([]);
  expect(results.map((result) => classifyNftError(result).kind)).toEqual(['busy', 'busy']);
  expect(await runScript('echo there')).toEqual({ ...ended, stdout: 'there\n' });
});
