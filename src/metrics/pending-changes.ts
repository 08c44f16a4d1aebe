import type { Observation, SyncQueued } from '../health/observation.ts';

/** Changes on their way to the kernel. */
export interface PendingChanges {
  /** Takes what happens; returns the requests whose changes are in the kernel because of it. */
  observe(observation: Observation): readonly SyncQueued[];
  /** Those that are on their way, the oldest first. */
  list(): readonly SyncQueued[];
}

/** How many requests are kept that could not be carried out. */
const mostLate = 10_000;

/** Without any change. What comes before the objects are complete is not on its way. */
export function createPendingChanges(): PendingChanges {
  const waiting = new Map<number, SyncQueued>();
  let late: SyncQueued[] = [];
  return {
    observe: (observation) => {
      if (observation.kind === 'sync-queued') {
        waiting.set(observation.request, observation);
      }
      if (observation.kind !== 'sync-done') {
        return [];
      }
      const { request, families } = observation;
      const queued = waiting.get(request) ?? [];
      waiting.delete(request);
      if (families?.length === 0) {
        return [];
      }
      late = late.concat(queued);
      if (!families?.every(({ isInSync }) => isInSync)) {
        late = late.slice(0, mostLate);
        return [];
      }
      const arrived = late;
      late = [];
      return arrived;
    },
    list: () => [...late, ...waiting.values()],
  };
}
