import { expect, test } from 'vitest';
import { createSyncer } from '../../src/agent/create-syncer.ts';
import type { ServiceProxy } from '../../src/apply/create-service-proxy.ts';

test('an exception counts as an attempt, is logged as a bug, and is tried again', async () => {
  const lines: string[] = [];
  const waits: number[] = [];
  const proxy = { isReady: () => true, update: () => Promise.reject(new Error('odd')) } as unknown as ServiceProxy;
  const syncer = createSyncer(proxy, {
    log: (level, message) => lines.push(`${level} ${message}`),
    signal: new AbortController().signal,
    wait: (milliseconds) => {
      waits.push(milliseconds);
      return new Promise(() => undefined);
    },
    random: () => 0.5,
    now: () => 0,
  });
  syncer.update({ complete: true });
  await syncer.firstAttempt;
  expect(lines).toEqual(['error bug in svc2nft']);
  expect(waits).toEqual([30_000]);
  expect(syncer.isInSync()).toBe(false);
});
