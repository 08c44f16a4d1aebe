import { describe, expect, test } from 'vitest';
import { createFakeNft } from '../support/fake-nft.ts';
import { currentManual } from './manual/current-manual.ts';
import { runCommand } from './run-command.ts';

const commands = currentManual.commands.map(({ name }) => name);

/** What `--help` prints, on a terminal of this width or, without it, into a pipe. */
async function help(args: readonly string[], columns?: number): Promise<string> {
  const terminal = columns === undefined ? {} : { terminals: ['stdout'] as const, columns };
  const result = await runCommand([...args, '--help'], { run: createFakeNft().run, ...terminal });
  expect(result).toMatchObject({ exitCode: 0, stderr: '' });
  return result.stdout;
}

/** The first words of the lines without indentation that end in a colon, and of the usage. */
function headings(text: string): readonly string[] {
  return text.split('\n').flatMap((line) => /^(Usage|[A-Z][a-z ]+):( svc2nft.*)?$/.exec(line)?.[1] ?? []);
}

describe.each(commands)('%s --help', (name) => {
  test('describes, shows the usage, then groups of options, exit codes, and examples last', async () => {
    const text = await help([name]);
    const found = headings(text);
    const { description } = currentManual.commands.find((command) => command.name === name) ?? {};
    expect(text.replace(/\s+/g, ' ').startsWith(`${description} Usage: svc2nft ${name} `)).toBe(true);
    expect(found[0]).toBe('Usage');
    expect(found.slice(-3)).toEqual(['General', 'Exit codes', 'Examples']);
    expect(found).not.toContain('Options');
    expect(text.slice(text.indexOf('\nExamples:'))).toContain(`svc2nft ${name}`);
  });

  test.each([undefined, 60, 100, 120])('fits a width of %s', async (columns) => {
    const lines = (await help([name], columns)).split('\n');
    const words = lines.filter((line) => line.length > (columns ?? 80));
    // Only a word without a space may be longer than the line that it is on.
    expect(words.filter((line) => line.trim().includes(' '))).toEqual([]);
  });
});

test.each([undefined, 60, 100])('definitions fill their lines, at a width of %s', async (columns) => {
  const lines = (await Promise.all(commands.map((name) => help([name], columns)))).join('\n').split('\n');
  const width = columns ?? 80;
  const pairs = lines.slice(1).map((line, index) => [lines[index] ?? '', line] as const);
  const continued = pairs.filter(([before, line]) => /^ {20,}\S/.test(line) && /\S {2,}\S|^ {20,}/.test(before));
  expect(continued.length).toBeGreaterThan(20);
  // The next word would not fit.
  expect(continued.filter(([before, line]) => `${before} ${line.trim().split(' ')[0]}`.length <= width)).toEqual([]);
});

test('a wider terminal gets longer lines, up to 120 columns', async () => {
  const longest = async (columns?: number): Promise<number> =>
    Math.max(...(await help(['list'], columns)).split('\n').map((line) => line.length));
  expect(await longest()).toBe(80);
  expect(await longest(100)).toBeGreaterThan(80);
  expect(await longest(300)).toBeGreaterThan(100);
  expect(await longest(300)).toBeLessThanOrEqual(120);
});

test('an example on several lines is one command for a shell, and its remark is a comment', async () => {
  const text = await help(['verify'], 60);
  const examples = text.slice(text.indexOf('Examples:\n') + 'Examples:\n'.length).replaceAll(' \\\n     ', '');
  const typed = examples.split('\n').flatMap((line) => (/^ {2}#/.test(line) || line === '' ? [] : line.trim()));
  const { examples: defined = [] } = currentManual.commands.find(({ name }) => name === 'verify') ?? {};
  expect(typed).toEqual(defined.map((line) => line.replace(/ {2,}.*$/, '')));
  expect(examples).toContain('\n  # check what is loaded; needs root\n');
});

test('options without which a command does not run are marked as required, and no others', async () => {
  for (const { name, options } of currentManual.commands) {
    const text = (await help([name], 120)).replace(/\s+/g, ' ');
    for (const { flags, description, required } of options) {
      expect([name, flags, text.includes(`${flags} ${description} (required)`)]).toEqual([name, flags, required]);
    }
  }
  const required = currentManual.commands.flatMap(({ options }) => options.filter((option) => option.required));
  expect(required.map(({ flags }) => flags)).toEqual(['--from <client>', '--to <target>']);
});

test.each([60, 80, 100])('a pipe begins a line of an example that has several, at %d columns', async (columns) => {
  const texts = await Promise.all([[], ...commands.map((name) => [name])].map((args) => help(args, columns)));
  const examples = texts.map((text) => text.slice(text.indexOf('\nExamples:'))).join('');
  const lines = examples.split('\n').filter((line) => / \| (svc2nft|nft|jq) /.test(` ${line.trim()} `));
  expect(lines.length).toBeGreaterThan(4);
  const isWhole = (line: string): boolean => /^ {2}\S/.test(line) && !line.endsWith('\\');
  expect(lines.filter((line) => !isWhole(line) && !line.trim().startsWith('| '))).toEqual([]);
  // The value of an option is on its line.
  expect(examples).toContain('| nft -f -\n');
});

describe('svc2nft --help', () => {
  test('has the commands in groups, and one table of exit codes', async () => {
    const text = await help([]);
    expect(headings(text)).toEqual([
      'Usage',
      'Compile and apply',
      'Inspect',
      'Other',
      'General',
      'Exit codes',
      'Examples',
    ]);
    for (const name of commands) {
      expect(text).toMatch(new RegExp(`^  ${name} +[a-z]`, 'm'));
    }
  });

  test.each([undefined, 60, 100])('fits a width of %s', async (columns) => {
    const text = await help([], columns);
    expect(text.split('\n').filter((line) => line.length > (columns ?? 80))).toEqual([]);
  });

  test('the table says for each command what its own help says', async () => {
    const table = (await help([], 120)).replace(/\s+/g, ' ');
    for (const [code, words] of [
      ['0', 'diff: no difference; migrate: nobody notices; verify: correct; doctor, status: no problem'],
      ['1', 'list: also an unknown name (the rest is still listed)'],
      ['1', 'diff, migrate: differences; verify: faults; doctor, status: a problem'],
      ['2', 'wrong usage; diff, migrate and verify: also bad input'],
      ['3', 'nft or the kernel refused; apply: or a Service had to be left out'],
      ['4', 'no permission, or nft not found'],
    ]) {
      expect(table).toContain(words);
      expect(table).toMatch(new RegExp(` ${code} `));
    }
    for (const { name, exitCodes } of currentManual.commands) {
      const own = await help([name], 120);
      for (const { code, meaning } of exitCodes) {
        expect(own.replace(/\s+/g, ' ')).toContain(` ${code} ${meaning}`);
      }
    }
  });
});
