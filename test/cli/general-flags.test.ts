import { describe, expect, test } from 'vitest';
import { answering, createFakeNft, listTable, says } from '../support/fake-nft.ts';
import type { CommandResult } from '../support/run-main.ts';
import { type CommandWorld, runCommand } from './run-command.ts';
import { shop } from './shop.ts';

const rules = ['--cluster-cidr', '10.244.0.0/16', '--family', 'ip'];

/** Runs a command on the shop. */
function run(args: readonly string[], world: Partial<CommandWorld> = {}): Promise<CommandResult> {
  return runCommand(args, { input: shop(), run: createFakeNft().run, ...world });
}

describe('color', () => {
  const explained = ['explain', '-', ...rules, '--from', 'outside', '--to', '10.96.0.10:80'];
  const refused = ['compile', '-', '--node', 'worker-9'];
  const onTerminal = { terminals: ['stdout', 'stderr'] } as const;

  /** Whether stdout of one command and stderr of another have color. */
  async function colors(flags: readonly string[], world: Partial<CommandWorld>): Promise<readonly boolean[]> {
    const { stdout } = await run([...explained, ...flags], world);
    const { stderr } = await run([...refused, ...flags], world);
    return [stdout, stderr].map((text) => text.includes('\u001b['));
  }

  test.each<[flags: string[], env: Record<string, string>, terminal: boolean, pipe: boolean]>([
    [[], {}, true, false],
    [['--color', 'auto'], {}, true, false],
    [['--color', 'always'], {}, true, true],
    [['--color=never'], {}, false, false],
    [[], { NO_COLOR: '1' }, false, false],
    [[], { NO_COLOR: '' }, true, false],
    [[], { TERM: 'dumb' }, false, false],
    [[], { FORCE_COLOR: '1' }, true, true],
    [[], { FORCE_COLOR: '3' }, true, true],
    [[], { FORCE_COLOR: 'true' }, true, true],
    [[], { FORCE_COLOR: '' }, true, false],
    [[], { FORCE_COLOR: '0' }, false, false],
    [[], { FORCE_COLOR: 'false' }, false, false],
    [[], { FORCE_COLOR: '1', NO_COLOR: '1', TERM: 'dumb' }, true, true],
    [['--color', 'always'], { NO_COLOR: '1', FORCE_COLOR: '0' }, true, true],
    [['--color', 'never'], { FORCE_COLOR: '1' }, false, false],
  ])('%j with %j: %s on a terminal, %s in a pipe', async (flags, env, terminal, pipe) => {
    expect(await colors(flags, { env, ...onTerminal })).toEqual([terminal, terminal]);
    expect(await colors(flags, { env })).toEqual([pipe, pipe]);
  });

  test.each([[['--color', 'yes']], [['--color']], [['--color', 'never', '--color', 'always']]])(
    '%j is wrong usage',
    async (flags) => {
      expect(await run(['list', '-', ...flags])).toMatchObject({ exitCode: 2, stdout: '' });
    },
  );

  test('every command takes the flags, the default one too', async () => {
    const { stdout: help } = await run(['--help']);
    const [list = ''] = help.split('\nExit codes:');
    const commands = [...list.matchAll(/^ {2}([a-z]+) +[a-z]/gm)].map(([, name = '']) => name);
    expect(commands.length).toBeGreaterThan(10);
    for (const command of commands) {
      expect((await run([command, '--help'])).stdout).toMatch(/ {2}--color <when> .* {2}--diagnostics <format> /s);
    }
    const { stdout } = await run(['--color', 'always', '--diagnostics=json', ...rules]);
    expect(stdout).toContain('table ip svc2nft');
  });
});

/** A line of `--diagnostics json`. */
interface Line {
  readonly severity: string;
  readonly code: string | null;
  readonly message: string;
  readonly object: object | null;
  readonly file: string | null;
  readonly line: number | null;
  readonly column: number | null;
}

const keys = ['severity', 'code', 'message', 'object', 'file', 'line', 'column'];

/** Runs a command with `--diagnostics json`, whose every line on stderr must be such an object. */
async function messages(args: readonly string[], world: Partial<CommandWorld> = {}): Promise<Line[]> {
  const { stderr } = await run([...args, '--diagnostics', 'json'], world);
  const lines = stderr.split('\n');
  expect(lines.pop()).toBe('');
  const parsed = lines.map((line) => JSON.parse(line) as Line);
  expect(parsed.filter((line) => Object.keys(line).join() !== keys.join())).toEqual([]);
  return parsed;
}

describe('--diagnostics json', () => {
  test('a diagnostic with its object and place', async () => {
    const input = shop().replaceAll('},{', '},\n{').replace('"port":80,', '"port":70000,');
    const [first, ...others] = await messages(['compile', '-', ...rules], { input });
    expect(first).toEqual({
      severity: 'error',
      code: 'invalid-port',
      message: 'spec.ports[0].port is 70000; a port is a number from 1 to 65535',
      object: { kind: 'Service', namespace: 'shop', name: 'cart' },
      file: '<stdin>',
      line: 2,
      column: expect.any(Number),
    });
    expect(others.map(({ severity, message }) => [severity, message])).toEqual([['note', '1 error: no ruleset']]);
  });

  test('a warning about settings has no place', async () => {
    const [warning] = await messages(['compile', '-', '--family', 'ip']);
    expect(warning).toMatchObject({
      severity: 'warning',
      code: 'no-local-detector',
      object: null,
      file: null,
      line: null,
    });
  });

  test('an error of nft is one message, with all its lines', async () => {
    const { run: nft } = createFakeNft(answering(listTable.ip, says.notPermitted));
    const lines = await messages(['apply', '-', ...rules], { run: nft });
    expect(lines.map(({ severity, code }) => [severity, code])).toEqual([['error', null]]);
    expect(lines[0]?.message).toBe(
      'table ip svc2nft: nft: no-permission\nnetlink: Error: cache initialization failed: Operation not permitted\nRun svc2nft as root, or with CAP_NET_ADMIN in the network namespace.',
    );
  });

  test.each([
    [
      'ignored kinds',
      ['compile', '-', ...rules],
      shop().replace('"kind":"Node"', '"kind":"Other"'),
      'note',
      'ignored kinds: Other (1)',
    ],
    [
      'a Service that is not there',
      ['list', '-', ...rules, '--service', 'crat'],
      shop(),
      'error',
      'no Service named "crat" (did you mean cart?)',
    ],
    ['no file', ['verify', 'no-such-file'], '', 'error', 'no such file or folder'],
    ['a file of rules', ['list', '--ruleset', 'no-such-file'], '', 'error', 'no such file or folder'],
    ['wrong usage', ['graph', '--knode', 'a'], '', 'error', "unknown option '--knode'"],
    ['a wrong value', ['clean', '--table', 'a b'], '', 'error', '"a b" is not a valid table name'],
    ['a mistyped command', ['aply'], '', 'error', ''],
  ])('%s', async (_, args, input, severity, message) => {
    const lines = await messages(args, { input });
    expect(lines.filter((line) => line.severity === severity && line.message.includes(message))).not.toEqual([]);
  });

  test('progress does not disturb it', async () => {
    let time = 0;
    const now = (): number => {
      time += 2_000;
      return time;
    };
    const lines = await messages(['apply', '-', ...rules], { now });
    expect(lines.map(({ severity, message }) => `${severity}: ${message}`)).toContain(
      'note: running nft --version ...',
    );
  });

  test('stdout stays the same', async () => {
    const { stdout } = await run(['list', '-', ...rules]);
    expect((await run(['list', '-', ...rules, '--diagnostics=json'])).stdout).toBe(stdout);
  });

  test('nothing controls a terminal', async () => {
    const hostile = 'a\u001b[2J\u202e\u{e0001}\u2028';
    const input = JSON.stringify({ apiVersion: 'v1', kind: 'Service', metadata: { namespace: 'shop', name: hostile } });
    const { stderr } = await run(['compile', '-', '--diagnostics', 'json'], { input, terminals: ['stderr'] });
    expect(stderr.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}]/u);
    const names = stderr
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { object?: { name?: string } }).object?.name);
    expect(names).toContain(hostile);
  });

  test.each([[['--diagnostics', 'xml']], [['--diagnostics']], [['--diagnostics=json', '--diagnostics=text']]])(
    '%j is wrong usage',
    async (flags) => {
      expect(await run(['list', '-', ...flags])).toMatchObject({ exitCode: 2, stdout: '' });
    },
  );
});
