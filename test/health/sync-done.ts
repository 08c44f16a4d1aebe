import type { FamilySync, Observation } from '../../src/health/observation.ts';
import type { PortFailure } from '../../src/health/service-health.ts';
import type { Family } from '../../src/net/network.ts';

type SyncDone = Extract<Observation, { readonly kind: 'sync-done' }>;

/** A request that was carried out for both families. */
export function syncDone(request: number, at: number, rest: Partial<SyncDone> = {}): SyncDone {
  return {
    ...{
      kind: 'sync-done',
      request,
      at,
      isShared: false,
      duration: 2,
      healthChecks: [],
      localhostPorts: [],
      triggers: [],
    },
    families: [familySync('ip'), familySync('ip6')],
    ...rest,
  };
}

/** A table that took a change. */
export function familySync(family: Family, rest: Partial<FamilySync> = {}): FamilySync {
  return { family, isInSync: true, isFull: false, isRepaired: false, ...rest };
}

/** The port for health checks of a Service that another program has. */
export const portFailure: PortFailure = {
  ...{ namespace: 'shop', name: 'web', family: 'ip', port: 31_000 },
  reason: '192.0.2.11:31000: another socket uses it',
  attempts: 1,
};
