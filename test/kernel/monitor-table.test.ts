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
      onEnd: (reason) => events.push(`end: ${reason}`),
      wait: () => Promise.reject(new Error('there is nothing to wait for')),
    },
    end.signal,
  );
  const once = ['ip by 9 (nft)', 'ip by 9 (nft)', 'ip by 9 (nft)', 'end: undefined'];
  expect(events.slice(0, 2 * once.length)).toEqual([...once, ...once]);
  expect(starts).toBe(3);
});

test('a transaction that adds a table with the name of a mark is reported with it, also if it changes nothing else', async () => {
  const events: string[] = [];
  const end = new AbortController();
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
      onEnd: () => end.abort(),
      wait: () => Promise.resolve(),
    },
    end.signal,
  );
  expect(events).toEqual([' mark-1 9', 'ip mark-2 9', 'ip undefined 9']);
});
