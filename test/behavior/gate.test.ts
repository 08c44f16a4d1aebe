import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { execaSync } from 'execa';
import { expect, test } from 'vitest';
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
