import { describe, expect, test } from 'vitest';
import { createFakeNft } from '../support/fake-nft.ts';
import type { CommandResult } from '../support/run-main.ts';
import { currentManual } from './manual/current-manual.ts';
import { runCommand } from './run-command.ts';

async function run(args: readonly string[]): Promise<CommandResult> {
  const nft = createFakeNft();
  const result = await runCommand(args, { run: nft.run });
  expect(nft.calls).toEqual([]);
  return result;
}

const names = currentManual.commands.map(({ name }) => name);
const list = `the commands are ${names.join(', ')}`;

/** Wrong usage, with this message. */
const wrongUsage = (message: string): CommandResult => ({
  exitCode: 2,
  stdout: '',
  stderr: `error: ${message}\n(see --help)\n`,
});

describe('an unknown word is an unknown command', () => {
  test.each([
    ['aply', 'did you mean svc2nft apply?'],
    ['DIFF', 'did you mean svc2nft diff?'],
    ['lsit', 'did you mean svc2nft list?'],
    ['hlep', 'did you mean svc2nft help?'],
    ['doktor', 'did you mean svc2nft doctor?'],
    // By what it means.
    ['plan', 'did you mean svc2nft diff?'],
    ['preview', 'did you mean svc2nft diff?'],
    ['get', 'did you mean svc2nft list?'],
    ['ls', 'did you mean svc2nft list?'],
    ['show', 'did you mean svc2nft list?'],
    ['Describe', 'did you mean svc2nft explain?'],
    ['trace', 'did you mean svc2nft explain?'],
    ['why', 'did you mean svc2nft explain?'],
    ['check', 'did you mean svc2nft verify?'],
    ['validate', 'did you mean svc2nft verify?'],
    ['lint', 'did you mean svc2nft verify?'],
    ['render', 'did you mean svc2nft compile?'],
    ['draw', 'did you mean svc2nft graph?'],
    // A mistake must not lead to what deletes.
    ['delete', 'svc2nft clean removes the tables from the kernel'],
    ['destroy', 'svc2nft clean removes the tables from the kernel'],
    ['remove', 'svc2nft clean removes the tables from the kernel'],
    ['claen', list],
    ['Clean', list],
    ['cleam', list],
    ['xyz', list],
    ['services-and-slices', list],
    ['constructor', list],
  ])('%s', async (word, advice) => {
    expect(await run([word])).toEqual(wrongUsage(`unknown command "${word}"; ${advice}`));
    expect(await run([word, 'dump.yaml', '--node', 'worker-1'])).toEqual(
      wrongUsage(`unknown command "${word}"; ${advice}`),
    );
  });

  test('with options that compile does not have', async () => {
    expect(await run(['explian', '--to', '10.96.0.10:80'])).toEqual(
      wrongUsage('unknown command "explian"; did you mean svc2nft explain?'),
    );
  });

  test('and nothing in it reaches the terminal', async () => {
    const { stderr } = await run(['\u001b[2J\u202e']);
    expect(stderr).toContain('unknown command "\\u001b[2J\\u202e"; the commands are');
  });

  test('after options, too', async () => {
    expect(await run(['--table', 'mine', 'aply'])).toEqual(
      wrongUsage('unknown command "aply"; did you mean svc2nft apply?'),
    );
  });
});

describe('a word is a path', () => {
  test.each(['cluster.yaml', 'apply.yaml', './aply', 'manifests/aply', '.hidden'])(
    '%s looks like one',
    async (word) => {
      expect(await run([word])).toEqual({
        exitCode: 1,
        stdout: '',
        stderr: `${word}: error file-not-found: no such file or folder\n1 error: no ruleset\n`,
      });
    },
  );

  test.each(['docs', 'LICENSE', 'fixtures'])('%s exists', async (word) => {
    const { stderr } = await run([word]);
    expect(stderr).not.toContain('unknown command');
  });

  test.each([[['compile', 'aply']], [['-f', 'aply']], [['list', 'get']]])('%j names it as one', async (args) => {
    const { stderr, exitCode } = await run(args);
    expect(stderr).toMatch(/^(aply|get): error file-not-found: no such file or folder\n/);
    expect(exitCode).toBe(1);
  });
});

describe('a command that is not the first word', () => {
  test.each([
    [['--table', 'mine', 'apply'], 'apply'],
    [['dump.yaml', 'list'], 'list'],
    [['--node', 'worker-1', 'dump.yaml', 'clean'], 'clean'],
  ])('%j', async (args, name) => {
    expect(await run(args)).toEqual(wrongUsage(`the command comes first: svc2nft ${name} ...`));
  });

  test.each([
    [['-n', 'shop', 'list', 'dump.yaml'], 'list'],
    [['--service', 'web', 'graph'], 'graph'],
  ])('%j, with an option that only it has', async (args, name) => {
    const { stderr, exitCode, stdout } = await run(args);
    expect(stderr).toContain('unknown option');
    expect(stderr).toContain(`the command comes first: svc2nft ${name} ...\n`);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  });

  test('after -- it is a command', async () => {
    const { stderr, exitCode } = await run(['--', 'clean', 'dump.yaml']);
    expect(stderr).toMatch(/^error: .*too many arguments/);
    expect(exitCode).toBe(2);
  });
});
