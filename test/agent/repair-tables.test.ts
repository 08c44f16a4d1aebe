import { beforeEach, expect, test } from 'vitest';
import { trackWriters } from '../../src/agent/own-writers.ts';
import { repairFromMonitor } from '../../src/agent/repair-tables.ts';
import type { Observation } from '../../src/health/observation.ts';
import type { ProgramResult, RunningProgram, RunProgram } from '../../src/kernel/run-program.ts';

/** In milliseconds. */
let time: number;
let waits: { readonly end: number; readonly resolve: () => void }[];
let log: { readonly at: number; readonly message: string; readonly details: unknown }[];
let repairs: { readonly at: number; readonly families: readonly string[]; readonly isQuiet: boolean }[];
/** How long a repair takes. */
let duration: number;
let seen: Observation[];
let print: (text: string) => void;
let complain: (text: string) => void;

const wait = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => waits.push({ end: time + milliseconds, resolve }));

beforeEach(async () => {
  time = 0;
  waits = [];
  log = [];
  repairs = [];
  seen = [];
  duration = 20;
  const ended: ProgramResult = {
    exitCode: 0,
    signal: undefined,
    stdout: '',
    stderr: '',
    missing: false,
    denied: false,
  };
  const run: RunProgram = (_program, _args, _input, { interact } = {}) =>
    new Promise((resolve) => {
      if (!interact) {
        resolve(ended);
      }
      interact?.({
        // After many lines it is replaced.
        kill: () => resolve({ ...ended, exitCode: undefined, signal: 'SIGKILL' }),
        onStdout: (listener) => {
          print = listener;
        },
        onStderr: (listener) => {
          complain = listener;
        },
      } as RunningProgram);
    });
  void repairFromMonitor(
    {
      recheck: () => Promise.resolve(),
      resync: (families = [], isQuiet = false) => {
        repairs.push({ at: time, families, isQuiet });
        return wait(duration);
      },
    },
    { table: 'svc2nft', run, writers: trackWriters(run) },
    {
      log: (_level, message, details) => log.push({ at: time, message, details }),
      wait,
      signal: new AbortController().signal,
      now: () => time,
      observe: (observation) => seen.push(observation),
    },
  );
  await new Promise(setImmediate);
});

/** Lets time pass, and what it ends go on. */
async function pass(milliseconds: number): Promise<void> {
  const until = time + milliseconds;
  for (;;) {
    const next = waits.filter(({ end }) => end <= until).sort((one, other) => one.end - other.end)[0];
    if (!next) {
      break;
    }
    waits.splice(waits.indexOf(next), 1);
    time = next.end;
    next.resolve();
    await new Promise(setImmediate);
  }
  time = until;
}

function change(family: 'ip' | 'ip6' = 'ip', process = 'nft'): void {
  print(`flush chain ${family} svc2nft services\n# new generation 2 by process 9 (${process})\n`);
}

const first = 'another program changed our rules; repairing them';
const again = 'other programs go on changing our rules; repairing them';

test('changes are repaired at once, those that come meanwhile together, and each is logged', async () => {
  change();
  expect(repairs).toEqual([{ at: 0, families: ['ip'], isQuiet: false }]);
  await pass(5);
  change('ip6');
  change('ip');
  await pass(995);
  expect(repairs.slice(1)).toEqual([{ at: 20, families: ['ip6', 'ip'], isQuiet: false }]);
  change();
  expect(repairs.at(-1)).toEqual({ at: 1_000, families: ['ip'], isQuiet: false });
  expect(log).toMatchObject(
    [0, 5, 5, 1_000].map((at) => ({ at, message: first, details: { process: 'nft', pid: 9 } })),
  );
  expect(seen).toEqual(['ip', 'ip6', 'ip', 'ip'].map((family) => ({ kind: 'foreign-change', families: [family] })));
});

test.each([20, 2_000])(
  'a program that changes the rules every 10 ms does not keep repairs of %d ms going on without a pause',
  async (milliseconds) => {
    duration = milliseconds;
    for (const end = time + 600_000; time < end; await pass(10)) {
      change();
    }
    const spent = repairs.length * milliseconds;
    expect(spent).toBeLessThan(10_000 + 600_000 / 4 + milliseconds);
    expect(repairs.length).toBeGreaterThan(milliseconds === 20 ? 500 : 70);
    expect(repairs.length).toBeLessThan(700);
    // When it is over, the next change is repaired at once.
    await pass(60_000);
    const before = repairs.length;
    change();
    expect(repairs).toHaveLength(before + 1);
  },
);

test('a program that goes on is logged ten times, then counted once a minute; so are the repairs', async () => {
  for (let count = 0; count < 18_000; count += 1) {
    change('ip', count % 2 === 0 ? 'nft' : 'odd');
    await pass(10);
  }
  await pass(60_000);
  expect(log.slice(0, 10)).toEqual(
    Array.from({ length: 10 }, (_, index) => expect.objectContaining({ at: 10 * index, message: first })),
  );
  expect(log.slice(10)).toEqual(
    [60_000, 120_000, 180_000].map((at) => ({
      at,
      message: again,
      details: { times: expect.any(Number), processes: expect.stringMatching(/^(nft, odd|odd, nft)$/) },
    })),
  );
  const counted = log.slice(10).map(({ details }) => (details as { times: number }).times);
  expect(counted.reduce((sum, times) => sum + times, 10)).toBe(18_000);
  expect(repairs.filter(({ isQuiet }) => !isQuiet).length).toBeLessThanOrEqual(10);
  await pass(60_000);
  change();
  expect(log.at(-1)).toMatchObject({ message: first });
  expect(repairs.at(-1)).toMatchObject({ isQuiet: false });
});

test('events that nft monitor loses make all tables be repaired, within the same bounds', async () => {
  duration = 1_000;
  for (const end = time + 120_000; time < end; await pass(10)) {
    complain('netlink: Error: No buffer space available\n');
  }
  expect(repairs[0]).toMatchObject({ at: 0, families: ['ip', 'ip6'] });
  expect(repairs.length).toBeLessThan(45);
  expect(log.length).toBeLessThan(15);
});
