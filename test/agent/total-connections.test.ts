import { expect, test } from 'vitest';
import { totalConnections } from '../../src/agent/total-connections.ts';
import type { RunProgram } from '../../src/kernel/run-program.ts';
import { countedFrontend, listCountedMap } from '../support/counted-maps.ts';

/** Totals of tables in family ip whose map of IPs has these elements. */
function start() {
  let time = 0;
  let elements: readonly unknown[] | undefined = [];
  const runs: string[] = [];
  const run: RunProgram = async (_, args) => {
    const map = args.at(-1) ?? '';
    runs.push(map);
    const isThere = elements !== undefined && map === 'service-ips';
    return {
      exitCode: isThere ? 0 : 1,
      signal: undefined,
      stdout: isThere ? listCountedMap(map, elements ?? []) : '',
      stderr: elements === undefined ? 'Error: Operation not permitted' : 'Error: No such file or directory',
      missing: false,
      denied: false,
    };
  };
  const read = totalConnections({
    compile: { families: ['ip'], table: 'svc2nft' },
    run,
    now: () => time,
    signal: new AbortController().signal,
  });
  return {
    runs,
    totals: async () => Object.fromEntries((await read()).map(({ service, total }) => [service, total])),
    /** What the kernel has five seconds later; undefined where it cannot be read. */
    later: (next: readonly unknown[] | undefined, milliseconds = 5_000) => {
      elements = next;
      time += milliseconds;
    },
  };
}

const web = (packets: number, chain?: string): unknown => countedFrontend('10.96.0.1', 'shop/web', packets, chain);

test('begins with 0, and counts on over elements that start again', async () => {
  const { totals, later } = start();
  later([web(100)]);
  expect(await totals()).toEqual({ web: 0 });
  later([web(130)]);
  expect(await totals()).toEqual({ web: 30 });
  later([web(4, 'tcp-cluster-2')]);
  expect(await totals()).toEqual({ web: 34 });
  later([web(5, 'tcp-cluster-2'), countedFrontend('10.96.0.2', 'shop/cart', 2)]);
  expect(await totals()).toEqual({ web: 35, cart: 2 });
  later([]);
  expect(await totals()).toEqual({});
});

test('reads nothing before somebody asks, and not again for those who ask soon or at the same time', async () => {
  const { totals, later, runs } = start();
  later([web(1)]);
  expect(runs).toEqual([]);
  await Promise.all([totals(), totals()]);
  expect(runs).toEqual(['service-ips', 'service-nodeports']);
  later([web(2)], 4_999);
  expect(await totals()).toEqual({ web: 0 });
  expect(runs).toHaveLength(2);
  later([web(3)], 1);
  expect(await totals()).toEqual({ web: 2 });
  expect(runs).toHaveLength(4);
});

test('keeps what it knows while the kernel cannot be read', async () => {
  const { totals, later } = start();
  later([web(1)]);
  await totals();
  later([web(3)]);
  await totals();
  later(undefined);
  expect(await totals()).toEqual({ web: 2 });
  later([web(9)]);
  expect(await totals()).toEqual({ web: 8 });
});
