import { describe, expect, test } from 'vitest';
import { completeForKubectl } from '../../../src/cli/manual/complete-words.ts';
import { createFakeNft } from '../../support/fake-nft.ts';
import { runCommand } from '../run-command.ts';
import { currentManual } from './current-manual.ts';

/** The words that are offered, and what kubectl may do besides. */
function complete(...line: readonly string[]): { words: string[]; directive: string } {
  const lines = completeForKubectl(currentManual, line).trimEnd().split('\n');
  return { words: lines.slice(0, -1).map((one) => one.replace(/\t.*/, '')), directive: lines.at(-1) ?? '' };
}

const noFiles = ':4';
const files = ':0';
const begun = ':6';
const commands = currentManual.commands.map(({ name }) => name);

describe('the words after kubectl svc2nft', () => {
  test.each<[line: readonly string[], words: readonly string[], directive: string]>([
    [[''], commands, files],
    [[], commands, files],
    [['expl'], ['explain'], files],
    [['./du'], [], files],
    [['--vers'], ['--version'], noFiles],
    [['list', '--ku'], ['--kubeconfig'], noFiles],
    [['list', '--kubeconfig', ''], [], files],
    [['list', '-o', ''], ['table', 'wide', 'json', 'yaml', 'name'], noFiles],
    [['list', '-o', 'j'], ['json'], noFiles],
    [['list', '--output=y'], ['yaml'], noFiles],
    [['list', '--live=y'], [], noFiles],
    [['list', ''], [], files],
    [['list', 'dump.yaml', ''], [], files],
    [['list', '--', '--o'], [], files],
    [['list', '-', '--outp'], ['--output'], noFiles],
    [['explain', '--from', 'p'], ['pod:'], begun],
    [['explain', '--from', ''], ['outside', 'node', 'pod:'], noFiles],
    [['verify', '--ruleset', 'k'], ['kernel'], files],
    [['help', 'ver'], ['verify', 'version'], noFiles],
    [['help', 'verify', ''], [], noFiles],
    [['completion', ''], ['bash', 'zsh', 'fish'], noFiles],
    // Words of the command that runs by default.
    [['dump.yaml', '--stri'], ['--strict'], noFiles],
    [['--target-nft', '1.1'], ['1.1.3'], noFiles],
  ])('%j may be %j', (line, words, directive) => {
    expect(complete(...line)).toEqual({ words, directive });
  });

  test('are told with what they are', () => {
    expect(completeForKubectl(currentManual, ['lis'])).toBe('list\tlist the frontends of Services on this node\n:0\n');
  });

  test('are asked for by the name of the executable', async () => {
    const run = (line: readonly string[]) =>
      runCommand(line, { run: createFakeNft().run, program: 'kubectl_complete-svc2nft' });
    expect(await run(['clean', '--fam'])).toEqual({
      exitCode: 0,
      stdout: '--family\tonly those of one family\n:4\n',
      stderr: '',
    });
    expect(await run(['clean', '--family', ''])).toMatchObject({ exitCode: 0, stdout: 'ip\nip6\n:4\n' });
  });
});
