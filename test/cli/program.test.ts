import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { version } from '../../src/version.ts';
import { runMain } from '../support/run-main.ts';

test('the version is that of the package', async () => {
  const { version: packaged } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  expect(version).toBe(packaged);
  expect(await runMain(['--version'])).toEqual({ exitCode: 0, stdout: `${packaged}\n`, stderr: '' });
});

test.each([[['--help']], [['compile', '--help']], [['help', 'compile']], [['-h']]])(
  '%j starts with what it does, and ends with examples',
  async (args) => {
    const result = await runMain(args);
    expect(result).toMatchObject({ exitCode: 0, stderr: '' });
    expect(result.stdout).toMatch(
      /^Compiles [^\n]*\n[^\n]*\n(?:[^\n]+\n)?\nUsage: svc2nft .*\nExamples:\n {2}kubectl get/s,
    );
  },
);

test('an unknown option is wrong usage', async () => {
  const result = await runMain(['--knode', 'a']);
  expect(result).toMatchObject({ exitCode: 2, stdout: '' });
  expect(result.stderr).toContain("unknown option '--knode'");
});
