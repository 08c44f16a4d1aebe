import { describe, expect, test } from 'vitest';
import { runMain } from '../support/run-main.ts';

test('help alone prints the same as --help', async () => {
  const result = await runMain(['help']);
  expect(result).toMatchObject({ exitCode: 0, stderr: '' });
  expect(result).toEqual(await runMain(['--help']));
});

test.each(['compile', 'diff', 'explain', 'doctor', 'completion', 'help'])('help %s is its --help', async (name) => {
  const result = await runMain(['help', name]);
  expect(result).toMatchObject({ exitCode: 0, stderr: '' });
  expect(result.stdout).toContain(`Usage: svc2nft ${name} `);
  expect(result).toEqual(await runMain([name, '--help']));
});

const commands =
  'compile, diff, apply, clean, agent, resolve, lab, expose, explain, list, verify, graph, whatif, migrate, dns, top, status, doctor, collect, completion, version, help';

describe('misuse', () => {
  test.each<[args: string[], stderr: string]>([
    [['explian'], 'error: unknown command "explian"; did you mean svc2nft explain?\n(see --help)\n'],
    [['DIFF'], 'error: unknown command "DIFF"; did you mean svc2nft diff?\n(see --help)\n'],
    [['hlep'], 'error: unknown command "hlep"; did you mean svc2nft help?\n(see --help)\n'],
    [['plan'], 'error: unknown command "plan"; did you mean svc2nft diff?\n(see --help)\n'],
    [['dump.yaml'], `error: unknown command "dump.yaml"; the commands are ${commands}\n(see --help)\n`],
    [[''], `error: unknown command ""; the commands are ${commands}\n(see --help)\n`],
    [['a\nb'], `error: unknown command "a\\nb"; the commands are ${commands}\n(see --help)\n`],
    [['\u001b[2J'], `error: unknown command "\\u001b[2J"; the commands are ${commands}\n(see --help)\n`],
    [['diff', 'apply'], "error: too many arguments for 'help'. Expected 1 argument but got 2.\n(see --help)\n"],
    [['--diff'], "error: unknown option '--diff'\n(see --help)\n"],
    [['diff', '--family', 'ip'], "error: unknown option '--family'\n(see --help)\n"],
  ])('%j is wrong usage', async (args, stderr) => {
    expect(await runMain(['help', ...args])).toEqual({ exitCode: 2, stdout: '', stderr });
  });
});
