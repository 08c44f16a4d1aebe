import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fitMessages, terminalWidth } from '../../src/cli/output/fit-text.ts';
import { progressOn } from '../../src/cli/output/report-diagnostics.ts';
import { joinLines, wrapLine } from '../../src/lib/text.ts';
import { createFakeNft } from '../support/fake-nft.ts';
import type { CommandResult } from '../support/run-main.ts';
import { runCommand } from './run-command.ts';
import { shop } from './shop.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'svc2nft-test-'));
  writeFileSync(join(folder, 'shop.json'), shop());
  writeFileSync(join(folder, 'new.json'), shop({ cart: Array.from({ length: 9 }, (_, index) => `10.244.9.${index}`) }));
  writeFileSync(join(folder, 'bad.json'), shop().replace('"port":80', '"port":80000'));
  writeFileSync(join(folder, 'empty.nft'), 'table ip svc2nft {\n}\ntable ip6 svc2nft {\n}\n');
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Runs a command on files of the folder, FOLDER/a; with columns on a terminal of that width, else into pipes. */
async function run(args: readonly string[], columns?: number, env = {}): Promise<CommandResult> {
  const given = args.map((arg) => arg.replace('FOLDER', folder));
  const terminal = columns === undefined ? {} : { terminals: ['stdout', 'stderr'] as const, columns };
  return runCommand(given, { run: createFakeNft().run, env: { NO_COLOR: '1', ...env }, ...terminal });
}

/** Lines that have several words and are longer than the terminal is wide. */
function tooLong(text: string, columns: number): string[] {
  return text.split('\n').filter((line) => line.length > columns && line.trim().includes(' '));
}

/** The words of a text, without the lines of files with a caret below them, which are cut on a terminal. */
function wordsOf(text: string): string[] {
  const lines = text.split('\n');
  const isExcerpt = (index: number): boolean =>
    /^ *\^$/.test(lines[index] ?? '') || /^ *\^$/.test(lines[index + 1] ?? '');
  return lines
    .filter((_, index) => !isExcerpt(index))
    .join(' ')
    .split(/\s+/);
}

const widths = [40, 60, 80];

describe.each<[string, string[]]>([
  [
    'texts of verify',
    ['verify', 'FOLDER/shop.json', '--ruleset', 'FOLDER/empty.nft', '--cluster-cidr', '10.244.0.0/16'],
  ],
  ['texts of diff', ['diff', 'FOLDER/shop.json', 'FOLDER/new.json', '--cluster-cidr', '10.244.0.0/16']],
  ['texts of doctor', ['doctor']],
  ['what apply did', ['apply', 'FOLDER/shop.json', '--cluster-cidr', '10.244.0.0/16']],
  ['warnings', ['compile', 'FOLDER/shop.json', '--file', '/dev/null']],
  ['errors', ['compile', 'FOLDER/bad.json']],
  ['errors of usage', ['list', 'FOLDER/shop.json', '--sort-by', '.metadata.creationTimestamp']],
])('%s', (_, args) => {
  test.each(widths)('fit a terminal of %d columns, and say the same', async (columns) => {
    const piped = await run(args);
    const fitted = await run(args, columns);
    expect(tooLong(piped.stdout + piped.stderr, 40)).not.toEqual([]);
    expect(tooLong(fitted.stdout + fitted.stderr, columns)).toEqual([]);
    expect(fitted.exitCode).toBe(piped.exitCode);
    expect(wordsOf(fitted.stdout)).toEqual(wordsOf(piped.stdout));
    expect(wordsOf(fitted.stderr)).toEqual(wordsOf(piped.stderr));
  });

  test.each(widths)('break at the same places in color, at %d columns', async (columns) => {
    const plain = await run(args, columns);
    const colored = await run([...args, '--color', 'always'], columns);
    expect(stripVTControlCharacters(colored.stdout)).toBe(plain.stdout);
    expect(stripVTControlCharacters(colored.stderr)).toBe(plain.stderr);
  });

  test('stay on their lines as JSON', async () => {
    const json = ['--diagnostics', 'json'];
    expect((await run([...args, ...json], 40)).stderr).toBe((await run([...args, ...json])).stderr);
  });
});

test.each([40, 60, 80])('the caret is below its character, at %d columns', async (columns) => {
  const { stderr } = await run(['compile', 'FOLDER/bad.json'], columns);
  const lines = stderr.split('\n');
  const at = lines.findIndex((line) => /^ *\^$/.test(line));
  expect(lines[at - 1]?.slice(lines[at]?.indexOf('^'))).toMatch(/^80000/);
});

test.each([40, 70, 100, undefined])('progress of reading overwrites its line, at %s columns', (columns) => {
  const written: string[] = [];
  const write = (text: string): boolean => written.push(text) > 0;
  const show = progressOn({ stderr: { write, isTTY: true, ...(columns && { columns }) } });
  show('dump.yaml', 1e6, 5e7);
  show('dump.yaml', 5e7, 5e7);
  expect(written.every((text) => text.startsWith('\rreading dump.yaml: '))).toBe(true);
  expect(written.map((text) => text.endsWith('\n'))).toEqual([false, true]);
  expect(Math.max(...written.map((text) => text.trim().length))).toBeLessThan(columns ?? 1_000);
  expect(written[0]?.includes('kubectl get -o json)')).toBe(columns === undefined || columns === 100);
});

test.each([[[40, 80, 60]], [[80, 40]], [[60, undefined, 60]]])(
  'messages fit a terminal that is resized: %j',
  (sizes) => {
    const written: string[] = [];
    const terminal = { isTTY: true, columns: sizes[0], write: (text: string) => written.push(text) > 0 };
    const stderr = fitMessages(terminal);
    const message = `warning: ${'word '.repeat(60).trim()}`;
    for (const columns of sizes) {
      terminal.columns = columns;
      stderr.write(`${message}\n`);
      expect(terminalWidth(stderr)).toBe(columns);
      expect(written.at(-1)).toBe(columns === undefined ? `${message}\n` : joinLines(wrapLine(message, columns)));
    }
    expect(new Set(written).size).toBe(new Set(sizes).size);
  },
);

test('progress fits a terminal that is resized', () => {
  const written: string[] = [];
  const terminal = { isTTY: true, columns: 80, write: (text: string) => written.push(text) > 0 };
  const show = progressOn({ stderr: fitMessages(terminal) });
  for (const columns of [70, 30, 60]) {
    terminal.columns = columns;
    show('dump.yaml', 1e6, 5e7);
    expect(written.at(-1)).toHaveLength(columns);
  }
});

test('further lines of a finding are below its first word', async () => {
  const { stdout } = await run(['doctor'], 60);
  const heads = stdout.split('\n').filter((line) => /^(problem|warning|note|ok) /.test(line));
  const others = stdout.split('\n').filter((line) => line.startsWith(' '));
  expect(heads.length).toBeGreaterThan(5);
  expect(others.length).toBeGreaterThan(5);
  expect(others.filter((line) => !/^ {9}( {2})?\S/.test(line))).toEqual([]);
});

test('wide terminals get lines of at most 120 columns', async () => {
  const { stderr } = await run(['compile', 'FOLDER/shop.json', '--file', '/dev/null'], 500);
  const longest = Math.max(...stderr.split('\n').map((line) => line.length));
  expect(longest).toBeGreaterThan(100);
  expect(longest).toBeLessThanOrEqual(120);
});
