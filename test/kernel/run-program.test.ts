import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRunProgram, type ProgramResult } from '../../src/kernel/run-program.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'svc2nft-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

interface Run {
  readonly args?: readonly string[];
  readonly input?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal;
  readonly longest?: number;
}

/** Runs a shell script under the name of nft. */
function runScript(
  script: string,
  { args = [], input, env = process.env, signal, longest }: Run = {},
): Promise<ProgramResult> {
  writeFileSync(join(folder, 'nft'), `#!/bin/sh\n${script}\n`);
  chmodSync(join(folder, 'nft'), 0o755);
  const path = `${folder}:${env['PATH'] ?? ''}`;
  const run = createRunProgram({ env: { ...env, PATH: path }, ...(signal && { signal }) });
  return run('nft', args, input, longest);
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

test('a program that takes longer than it may is ended', async () => {
  const { exitCode, signal } = await runScript('exec sleep 600', { longest: 100 });
  expect({ exitCode, signal }).toEqual({ exitCode: undefined, signal: 'SIGTERM' });
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
