import { describe, expect, test } from 'vitest';
import { runMain } from '../support/run-main.ts';

test.each([
  ['bash', 'source <(svc2nft completion bash)'],
  ['zsh', 'source <(svc2nft completion zsh)'],
  ['fish', 'svc2nft completion fish | source'],
])('the script for %s says how to install it (test/cli/manual runs the scripts)', async (shell, installation) => {
  const { exitCode, stdout, stderr } = await runMain(['completion', shell]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  const comment = stdout.split('\n').filter((line) => line.startsWith('#'));
  expect(comment.slice(0, 5).join('\n')).toContain(installation);
  expect(stdout).toContain('nodeport-addresses');
});

test('zsh sets no space after a word that only begins a value, and one after each other word', async () => {
  const { stdout } = await runMain(['completion', 'zsh']);
  const actionsOf = (flag: string) =>
    stdout
      .split('\n')
      .flatMap((line) => (line.includes(`)--${flag}=[`) ? (/:(\{.*\})' \\$/.exec(line)?.[1] ?? []) : []));
  expect(actionsOf('from')).toContain(`{compadd -- outside node; compadd -S "" -- '\\''pod\\:'\\''}`);
  expect(new Set(actionsOf('ruleset'))).toEqual(new Set(['{compadd -- kernel; _files}']));
});

const refused = (word: string): string => `error: unknown shell "${word}"; expected bash, zsh or fish\n(see --help)\n`;
const missing = "error: missing required argument 'bash|zsh|fish'\n(see --help)\n";

describe('misuse', () => {
  test.each<[args: string[], stderr: string]>([
    [[], missing],
    [[''], refused('')],
    [['sh'], refused('sh')],
    [['tcsh'], refused('tcsh')],
    [['BASH'], refused('BASH')],
    [['/bin/bash'], refused('/bin/bash')],
    [['\u001b[2Jbash'], refused('\\u001b[2Jbash')],
    [['bash', 'zsh'], "error: too many arguments for 'completion'. Expected 1 argument but got 2.\n(see --help)\n"],
    [['--bash'], "error: unknown option '--bash'\n(see --help)\n"],
    [['--hepl'], "error: unknown option '--hepl'\n(Did you mean --help?)\n(see --help)\n"],
    [['bash', '-o', 'file'], "error: unknown option '-o'\n(see --help)\n"],
    [['bash', '--node', 'worker-1'], "error: unknown option '--node'\n(see --help)\n"],
  ])('%j is wrong usage', async (args, stderr) => {
    expect(await runMain(['completion', ...args])).toEqual({ exitCode: 2, stdout: '', stderr });
  });
});
