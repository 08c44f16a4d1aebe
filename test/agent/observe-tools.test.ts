import { describe, expect, test } from 'vitest';
import { createHub, observeAnswers, observeTransactions } from '../../src/agent/observe-tools.ts';
import type { ClusterConnection } from '../../src/cluster/cluster-connection.ts';
import type { Observation } from '../../src/health/observation.ts';
import type { RunProgram } from '../../src/kernel/run-program.ts';
import { portFailure } from '../health/sync-done.ts';

test('a hub tells all observers, each from the time that it is added', () => {
  const seen: string[] = [];
  const hub = createHub();
  hub.observe({ kind: 'monitor-ended' });
  hub.add(({ kind }) => seen.push(`a ${kind}`));
  hub.observe({ kind: 'port-failed', failure: portFailure });
  hub.add(({ kind }) => seen.push(`b ${kind}`));
  hub.observe({ kind: 'monitor-ended' });
  expect(seen).toEqual(['a port-failed', 'a monitor-ended', 'b monitor-ended']);
});

test('transactions are told, with the time that nft took, and no other program', async () => {
  const seen: Observation[] = [];
  let time = 0;
  const run: RunProgram = async (_, __, input) => {
    time += 5;
    return {
      exitCode: input === 'bad' ? 1 : 0,
      signal: undefined,
      stdout: '',
      stderr: '',
      missing: false,
      denied: false,
    };
  };
  const observed = observeTransactions(
    run,
    (observation) => seen.push(observation),
    () => time,
  );
  await observed('nft', ['-f', '-'], 'good');
  await observed('nft', ['-f', '-'], 'bad');
  await observed('nft', ['-c', '-f', '-'], 'good');
  await observed('conntrack', ['-f', '-'], undefined);
  expect(seen).toEqual([
    { kind: 'transaction', duration: 5, isDone: true },
    { kind: 'transaction', duration: 5, isDone: false },
  ]);
});

describe('answers of the API server', () => {
  function connectionThat(answers: () => Promise<{ status: number }>): [ClusterConnection, Observation[]] {
    const seen: Observation[] = [];
    const connection = { server: 'https://10.0.0.1', get: answers, close: async () => undefined };
    return [observeAnswers(connection as unknown as ClusterConnection, (one) => seen.push(one)), seen];
  }

  test('are told with their status', async () => {
    const [connection, seen] = connectionThat(async () => ({ status: 410 }));
    expect(await connection.get('/api', new AbortController().signal)).toEqual({ status: 410 });
    expect([seen, connection.server]).toEqual([[{ kind: 'api-answer', status: 410 }], 'https://10.0.0.1']);
  });

  test('that do not come are told without one, unless the request was ended here', async () => {
    const [connection, seen] = connectionThat(() => Promise.reject(new Error('reset')));
    const end = new AbortController();
    await expect(connection.get('/api', end.signal)).rejects.toThrow('reset');
    end.abort();
    await expect(connection.get('/api', end.signal)).rejects.toThrow('reset');
    expect(seen).toEqual([{ kind: 'api-answer', status: undefined }]);
  });
});
