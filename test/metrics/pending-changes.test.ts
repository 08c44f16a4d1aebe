import { beforeEach, describe, expect, test } from 'vitest';
import type { SyncQueued } from '../../src/health/observation.ts';
import { createPendingChanges, type PendingChanges } from '../../src/metrics/pending-changes.ts';
import { familySync, syncDone } from '../health/sync-done.ts';

let pending: PendingChanges;

beforeEach(() => {
  pending = createPendingChanges();
});

function queue(request: number): SyncQueued {
  const queued: SyncQueued = { kind: 'sync-queued', request, at: 10 * request, services: 1, endpointSlices: 2 };
  expect(pending.observe(queued)).toEqual([]);
  return queued;
}

const failed = [familySync('ip'), familySync('ip6', { isInSync: false })];

describe('changes', () => {
  test('arrive with their request', () => {
    const [first, second] = [queue(1), queue(2)];
    expect(pending.list()).toEqual([first, second]);
    expect(pending.observe(syncDone(1, 15))).toEqual([first]);
    expect(pending.list()).toEqual([second]);
    expect(pending.observe(syncDone(2, 25, { isShared: true }))).toEqual([second]);
    expect(pending.list()).toEqual([]);
  });

  test.each([
    ['failed', failed],
    ['ended in a bug', undefined],
  ])('of a request that %s arrive with the next one', (_, families) => {
    const [first, second] = [queue(1), queue(2)];
    expect(pending.observe(syncDone(1, 15, { families }))).toEqual([]);
    expect(pending.list()).toEqual([first, second]);
    expect(pending.observe(syncDone(2, 25))).toEqual([first, second]);
  });

  test('that came before the objects were complete are not on their way', () => {
    queue(1);
    expect(pending.observe(syncDone(1, 15, { families: [] }))).toEqual([]);
    expect(pending.list()).toEqual([]);
  });

  test('are none of a comparison', () => {
    expect(pending.observe(syncDone(7, 15))).toEqual([]);
  });
});
