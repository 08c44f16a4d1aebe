import { expect, test } from 'vitest';
import { monitorTable } from '../../src/kernel/monitor-table.ts';
import type { RunProgram } from '../../src/kernel/run-program.ts';

/** An nft that prints the same lines at each start, and goes on until it is killed. */
function fakeMonitor(lines: readonly string[], onStart: () => void): RunProgram {
  return (_program, _args, _input, { interact } = {}) =>
    new Promise((resolve) => {
      const end = (signal: string): void =>
        resolve({ exitCode: undefined, signal, stdout: '', stderr: '', missing: false, denied: false });
      interact?.({
        pid: 7,
        write: () => undefined,
        end: () => undefined,
        kill: () => end('SIGKILL'),
        onStdout: (listener) => queueMicrotask(() => listener(lines.map((line) => `${line}\n`).join(''))),
        onStderr: () => undefined,
      });
      onStart();
    });
}

const change = ['add element ip svc2nft cluster-ips { 10.96.0.1 }', '# new generation 2 by process 9 (nft)'];

test('nft monitor is replaced after so many lines, and those before are reported', async () => {
  const events: string[] = [];
  const end = new AbortController();
  let starts = 0;
  const run = fakeMonitor([...change, ...change, ...change], () => {
    starts += 1;
    if (starts === 3) {
      end.abort();
    }
  });
  await monitorTable(
    run,
    {
      table: 'svc2nft',
      markPrefix: 'mark-',
      lines: 4,
      onChange: ({ families, pid, name }) => events.push(`${[...families].join()} by ${pid} (${name})`),
      onLoss: () => events.push('loss'),
      onStart: () => events.push('start'),
      onEnd: (reason) => events.push(`end: ${reason}`),
      wait: () => Promise.reject(new Error('there is nothing to wait for')),
    },
    end.signal,
  );
  const once = ['start', 'ip by 9 (nft)', 'ip by 9 (nft)', 'ip by 9 (nft)'];
  expect(events.slice(0, 2 * once.length)).toEqual([...once, ...once]);
  expect(starts).toBe(3);
});

test('a transaction that adds a table with the name of a mark is reported with it, also if it changes nothing else', async () => {
  const events: string[] = [];
  const end = new AbortController();
  let starts = 0;
  const lines = [
    ...['add table ip mark-1', 'delete table ip mark-1', '# new generation 2 by process 9 (nft)'],
    ...['add table ip mark-2', 'delete table ip mark-2', ...change],
    ...change,
    ...['add table ip other', '# new generation 5 by process 9 (nft)'],
    ...['add table ip6 mark-3', '# new generation 6 by process 9 (nft)'],
  ];
  await monitorTable(
    fakeMonitor(lines, () => undefined),
    {
      table: 'svc2nft',
      markPrefix: 'mark-',
      lines: lines.length,
      onChange: ({ families, mark, pid }) => events.push(`${[...families].join()} ${mark} ${pid}`),
      onLoss: () => undefined,
      onStart: () => {
        starts += 1;
        if (starts === 2) {
          end.abort();
        }
      },
      onEnd: () => undefined,
      wait: () => Promise.resolve(),
    },
    end.signal,
  );
  expect(events.slice(0, 3)).toEqual([' mark-1 9', 'ip mark-2 9', 'ip undefined 9']);
  expect(events).toHaveLength(6);
});

/** Waits that are only remembered; the last one ends the monitor. */
async function delaysOf(count: number, run: RunProgram): Promise<number[]> {
  const delays: number[] = [];
  const reasons: string[] = [];
  const end = new AbortController();
  await monitorTable(
    run,
    {
      table: 'svc2nft',
      markPrefix: 'mark-',
      onChange: () => undefined,
      onLoss: () => undefined,
      onStart: () => undefined,
      onEnd: (reason) => reasons.push(reason),
      wait: async (milliseconds) => {
        delays.push(milliseconds);
        if (delays.length === count) {
          end.abort();
        }
      },
    },
    end.signal,
  );
  expect(reasons).toEqual(delays.map(() => 'Error'));
  return delays;
}

const failed = { exitCode: 1, signal: undefined, stdout: '', stderr: 'Error', missing: false, denied: false };

test('an nft monitor that ends at once is started less and less often', async () => {
  const delays = await delaysOf(9, () => Promise.resolve(failed));
  expect(delays).toEqual([1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000, 15_000, 15_000]);
});

test('one that has worked is started again after a second', async () => {
  let starts = 0;
  const delays = await delaysOf(5, (_program, _args, _input, { interact } = {}) => {
    starts += 1;
    if (starts === 4) {
      interact?.({
        pid: 7,
        write: () => undefined,
        end: () => undefined,
        kill: () => undefined,
        onStdout: (listener) => listener('# new generation 2\n'),
        onStderr: () => undefined,
      });
    }
    return Promise.resolve(failed);
  });
  expect(delays).toEqual([1_000, 2_000, 4_000, 1_000, 2_000]);
});

test('one that starts while the signal is aborted ends', async () => {
  const end = new AbortController();
  const never = (): never => {
    throw new Error('nothing happened');
  };
  const monitor = fakeMonitor([], () => undefined);
  const run: RunProgram = async (...args) => {
    end.abort();
    // Its listener is called before nft runs.
    await Promise.resolve();
    return monitor(...args);
  };
  await monitorTable(
    run,
    {
      table: 'svc2nft',
      markPrefix: 'mark-',
      onChange: never,
      onLoss: never,
      onStart: never,
      onEnd: never,
      wait: never,
    },
    end.signal,
  );
  expect(end.signal.aborted).toBe(true);
});
