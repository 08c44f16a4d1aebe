import type { FamilySync, Observation } from '../../src/health/observation.ts';
import type { Family } from '../../src/net/network.ts';

type SyncDone = Extract<Observation, { readonly kind: 'sync-done' }>;

/** A request that was carried out for both families. */
export function syncDone(request: number, at: number, rest: Partial<SyncDone> = {}): SyncDone {
  return {
    ...{ kind: 'sync-done', request, at, isShared: false, duration: 2, healthChecks: [], triggers: [] },
    families: [familySync('ip'), familySync('ip6')],
    ...rest,
  };
}

/** A table that took a change. */
export function familySync(family: Family, rest: Partial<FamilySync> = {}): FamilySync {
  return { family, isInSync: true, isFull: false, isRepaired: false, ...rest };
}
