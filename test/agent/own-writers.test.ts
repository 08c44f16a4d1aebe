import { expect, test } from 'vitest';
import { trackWriters } from '../../src/agent/own-writers.ts';
import type { ProgramResult, RunProgram } from '../../src/kernel/run-program.ts';

const done: ProgramResult = { exitCode: 0, signal: undefined, stdout: '', stderr: '', missing: false, denied: false };

/** Writers whose programs only remember what they get; one that stays runs until `end`. */
function startWriters() {
  const calls: string[] = [];
  const ends: (() => void)[] = [];
  const run: RunProgram = (program, args, input, { interact } = {}) => {
    calls.push([program, ...args, ...(input === undefined ? [] : ['<', input])].join(' '));
    if (!interact) {
      return Promise.resolve(done);
    }
    const nothing = (): void => undefined;
    const write = (text: string): void => void calls.push(text);
    interact({ pid: 7, write, end: nothing, kill: nothing, onStdout: nothing, onStderr: nothing });
    return new Promise((resolve) => {
      ends.push(() => resolve(done));
    });
  };
  const writers = trackWriters(run, 'x');
  return { writers, calls, ends };
}

const mark = (number: number): string => `svc2nft-agent-x-${number}`;
const marking = (number: number, separator: string): string =>
  `add table ip ${mark(number)}${separator}delete table ip ${mark(number)}${separator}`;

test('each transaction of an nft of its own is marked, and nothing else is', async () => {
  const { writers, calls } = startWriters();
  await writers.run('nft', ['-f', '-'], 'add table ip a\n');
  await writers.run('nft', ['-f', '-'], 'add table ip b\n');
  await writers.run('nft', ['--check', '-f', '-'], 'add table ip c\n');
  await writers.run('nft', ['-nj', 'list', 'table', 'ip', 'a']);
  await writers.run('conntrack', ['-L']);
  expect(calls).toEqual([
    `nft -f - < ${marking(1, '\n')}add table ip a\n`,
    `nft -f - < ${marking(2, '\n')}add table ip b\n`,
    'nft --check -f - < add table ip c\n',
    'nft -nj list table ip a',
    'conntrack -L',
  ]);
  expect(writers.isOwn({ pid: 55, mark: mark(1) })).toBe(true);
  // Another process may have this number by now.
  expect(writers.isOwn({ pid: 55, mark: undefined })).toBe(false);
});

test('an nft that stays marks its lines until its number is known', async () => {
  const { writers, calls, ends } = startWriters();
  let write = (_text: string): void => undefined;
  const ended = writers.run('nft', ['-i'], undefined, {
    interact: (child) => {
      ({ write } = child);
    },
  });
  write('\nquestion 1\n');
  write('add table ip a\nquestion 2\n');
  write('add table ip b\nquestion 3\n');
  expect(writers.isOwn({ pid: 55, mark: undefined })).toBe(false);
  expect(writers.isOwn({ pid: 55, mark: mark(1) })).toBe(true);
  write('add table ip c\nquestion 4\n');
  expect(writers.isOwn({ pid: 55, mark: undefined })).toBe(true);
  expect(writers.isOwn({ pid: undefined, mark: undefined })).toBe(false);
  expect(calls).toEqual([
    'nft -i',
    '\nquestion 1\n',
    `${marking(1, '; ')}add table ip a\nquestion 2\n`,
    `${marking(1, '; ')}add table ip b\nquestion 3\n`,
    'add table ip c\nquestion 4\n',
  ]);
  ends[0]?.();
  await ended;
});

test('agents have marks of their own', () => {
  const run: RunProgram = () => Promise.resolve(done);
  const prefixes = [trackWriters(run).markPrefix, trackWriters(run).markPrefix];
  expect(prefixes[0]).toMatch(/^svc2nft-agent-[0-9a-f-]{13}-$/);
  expect(prefixes[0]).not.toBe(prefixes[1]);
});
