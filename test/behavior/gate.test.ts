import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execaSync } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import config from '../../vitest.config.ts';
import { mustRun } from '../support/must-run.ts';

const folder = fileURLToPath(new URL('../', import.meta.url));
const gate = readFileSync(`${folder}run.sh`, 'utf8');

test.each([
  ['1', true],
  ['true', true],
  ['yes', true],
  ['false', false],
  ['', false],
  [undefined, false],
])('with CI=%s, tests that cannot run fail: %s', (CI, expected) => {
  expect(mustRun({ CI })).toBe(expected);
});

test.each([
  [{}, true],
  [{ CI: '' }, true],
  [{ CI: 'true' }, true],
  [{ CI: 'false' }, false],
])('in the gate, started with %j, tests that cannot run fail: %s', (given, expected) => {
  const [line = ''] = gate.split('\n').filter((one) => one.startsWith('export CI='));
  const env = { ...given, PATH: process.env['PATH'] ?? '' };
  const { stdout: CI } = execaSync('bash', ['-c', `${line}; printf %s "$CI"`], { env, extendEnv: false });
  expect(mustRun({ CI })).toBe(expected);
});

test('nothing else asks whether tests may be skipped', () => {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  const asking = files.filter((file) => /\benv(\.CI\b|\['CI'\])/.test(readFileSync(folder + file, 'utf8')));
  expect(asking).toEqual([]);
});

test('the gate runs every project but the one that takes a cluster', () => {
  const projects = config.test?.projects?.map((project) => (project as { test: { name: string } }).test.name);
  const named = [...gate.matchAll(/--project (\w+)/g)].map(([, name]) => name);
  expect([...named, 'cluster'].sort()).toEqual(projects?.sort());
});

describe('the gate', () => {
  const commands = [
    'bash test/install-tools.sh',
    'bash test/nft-versions/install.sh trixie',
    ...['build', 'typecheck', 'lint', 'unused', 'package-check'].map((script) => `npm run --silent ${script}`),
    'npx vitest run --reporter=dot --project unit --maxWorkers=100%',
    'npx vitest run --reporter=dot --project kernel --project browser --project shells',
  ];
  let folder = '';

  /** A copy of the gate, in which every program only says how it was called, and fails where that is one certain way. */
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'svc2nft-test-'));
    mkdirSync(join(folder, 'test'));
    mkdirSync(join(folder, 'bin'));
    cpSync(new URL('../run.sh', import.meta.url), join(folder, 'test/run.sh'));
    for (const program of ['bash', 'npm', 'npx']) {
      const script = join(folder, 'bin', program);
      writeFileSync(script, `#!/bin/sh\necho "${program} $*"\n[ "${program} $*" != "$FAILING" ]\n`);
      chmodSync(script, 0o755);
    }
  });

  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  function runGate(failing: string): { readonly exitCode: number | undefined; readonly lines: readonly string[] } {
    const env = { PATH: `${folder}/bin:${process.env['PATH']}`, FAILING: failing };
    const { exitCode, stdout } = execaSync('/bin/bash', ['test/run.sh'], {
      ...{ cwd: folder, env, extendEnv: false, reject: false },
    });
    return { exitCode, lines: stdout.split('\n').sort() };
  }

  test('runs everything, and prints what all of it says', () => {
    expect(runGate('')).toEqual({ exitCode: 0, lines: [...commands].sort() });
  });

  test.each(commands)('fails with %s', (command) => {
    const { exitCode, lines } = runGate(command);
    expect(exitCode).toBe(1);
    expect(lines).toContain(command);
  });
});
