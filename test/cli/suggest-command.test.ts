import { describe, expect, test } from 'vitest';
import { createFakeNft } from '../support/fake-nft.ts';
import type { CommandResult } from '../support/run-main.ts';
import { runCommand } from './run-command.ts';

async function run(args: readonly string[]): Promise<CommandResult> {
  return runCommand(args, { run: createFakeNft().run });
}

describe('an unknown word is a path', () => {
  const noSuchFile = (name: string): string =>
    `${name}: error file-not-found: no such file or folder\n1 error: no ruleset\n`;

  test.each([
    ['aply', '(Did you mean the command svc2nft apply?)\n'],
    ['claen', '(Did you mean the command svc2nft clean?)\n'],
    ['DIFF', '(Did you mean the command svc2nft diff?)\n'],
    ['lsit', '(Did you mean the command svc2nft list?)\n'],
    ['hlep', '(Did you mean the command svc2nft help?)\n'],
    ['version', '(Did you mean svc2nft --version?)\n'],
    ['cluster.yaml', ''],
    ['apply.yaml', ''],
  ])('%s', async (word, hint) => {
    expect(await run([word])).toEqual({ exitCode: 1, stdout: '', stderr: `${noSuchFile(word)}${hint}` });
  });

  test('a command after an option is a path', async () => {
    const { stderr, exitCode } = await run(['--table', 'mine', 'apply']);
    expect(stderr).toBe(`${noSuchFile('apply')}(The command comes first: svc2nft apply ...)\n`);
    expect(exitCode).toBe(1);
  });

  test('a command after -- is a command', async () => {
    const expected = "error: too many arguments for 'clean'. Expected 0 arguments but got 1.\n(see --help)\n";
    expect(await run(['--', 'clean', 'dump.yaml'])).toEqual({ exitCode: 2, stdout: '', stderr: expected });
  });

  test('a word after compile is a path', async () => {
    expect((await run(['compile', 'aply'])).stderr).toBe(noSuchFile('aply'));
  });

  test.each([
    ['explian', "error: unknown option '--to'\n(see --help)\n(Did you mean the command svc2nft explain?)\n"],
    ['explain', ''],
    ['dump.yaml', "error: unknown option '--to'\n(see --help)\n"],
    ['compile', "error: unknown option '--to'\n(see --help)\n"],
  ])('%s with an option that compile does not have', async (word, stderr) => {
    const result = await run([word, '--to', '10.96.0.10:80']);
    expect(result).toMatchObject({ exitCode: 2, stdout: '' });
    expect(result.stderr).toContain(stderr);
    expect(result.stderr.includes('Did you mean')).toBe(stderr.includes('Did you mean'));
  });
});
