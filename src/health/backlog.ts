import type { Family } from '../net/network.ts';

/** Since when changes wait to be in the kernel. Times are in milliseconds, from any start. */
export interface Backlog {
  /** Adds a request. */
  add(request: number, at: number): void;
  /**
   * Takes a request out that ended. A family in sync holds everything up to it; what one that is not lacks, it lacks until it is in
   * sync again. Families that are not named stay as they are.
   */
  settle(request: number, at: number, families: ReadonlyMap<Family, { readonly isInSync: boolean }>): void;
  /** Since when a family lacks something; undefined when it lacks nothing. */
  oldest(family: Family): number | undefined;
}

/** Without any request. */
export function createBacklog(): Backlog {
  /** The times of those that have not ended, by their numbers, the oldest first. */
  const waiting = new Map<number, number>();
  /** Since when families lack what could not be carried out. */
  const lacking = new Map<Family, number>();
  return {
    add: (request, at) => {
      waiting.set(request, at);
    },
    settle: (request, at, families) => {
      const since = waiting.get(request) ?? at;
      waiting.delete(request);
      for (const [family, { isInSync }] of families) {
        if (isInSync) {
          lacking.delete(family);
        } else if (!lacking.has(family)) {
          lacking.set(family, since);
        }
      }
    },
    oldest: (family) => {
      const [first] = waiting.values();
      return lacking.get(family) ?? first;
    },
  };
}
