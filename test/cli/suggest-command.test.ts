import { describe, expect, test } from 'vitest';
import { createFakeNft } from '../support/fake-nft.ts';
import type { CommandResult } from '../support/run-main.ts';
import { runCommand } from './run-command.ts';

async function run(args: readonly string[]): Promise<CommandResult> {
  return runCommand(args, { run: createFakeNft().run });
}

describe('a word that is no command is a path', () => {
  const noSuchFile = (name: string): string =>
    `${name}:1:1: error file-not-found: there is no such file or folder\n1 error: no ruleset\n`;

  test.each([
    ['aply', '(Did you mean the command svc2nft apply?)\n'],
    ['claen', '(Did you mean the command svc2nft clean?)\n'],
    ['DIFF', '(Did you mean the command svc2nft diff?)\n'],
    ['cluster.yaml', ''],
    ['apply.yaml', ''],
  ])('%s', async (word, hint) => {
    expect(await run([word])).toEqual({ exitCode: 1, stdout: '', stderr: `${noSuchFile(word)}${hint}` });
  });

  test('a command after an option is none', async () => {
    const { stderr, exitCode } = await run(['--table', 'mine', 'apply']);
    expect(stderr).toBe(`${noSuchFile('apply')}(The command comes first: svc2nft apply ...)\n`);
    expect(exitCode).toBe(1);
  });

  test('who says compile means a path', async () => {
    expect((await run(['compile', 'aply'])).stderr).toBe(noSuchFile('aply'));
  });
});
