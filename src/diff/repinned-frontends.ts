import type { Protocol, Socket } from '../network.ts';
import { endpointMapName } from '../phases/5-plan/names.ts';
import { protocols } from '../protocols.ts';
import type { InstalledSet } from './installed.ts';
import { frontendKey } from './part-pins.ts';

/** The endpoint lists that a frontend picks from; an absent one is not asked. */
export interface FrontendLists {
  readonly cluster: readonly Socket[] | undefined;
  readonly local: readonly Socket[] | undefined;
}

/**
 * Of which endpoints the clients of a frontend must choose anew although the endpoint may still be pinned: `all`, or
 * some. A pin does not say which list it came from: when the policy changes from Cluster to Local, a client from outside
 * would stay with an endpoint on another node, which now sees the client's own address and answers around this node.
 */
function repinned(before: FrontendLists, after: FrontendLists): 'all' | readonly Socket[] {
  const changesPolicy =
    (before.cluster === undefined) !== (after.cluster === undefined) ||
    (before.local === undefined) !== (after.local === undefined);
  if (changesPolicy) {
    return 'all';
  }
  const stays = new Set(after.local?.map(({ address, port }) => `${address} ${port}`));
  return before.local?.filter(({ address, port }) => !stays.has(`${address} ${port}`)) ?? [];
}

/** The same as keys that partPins understands: the frontend, or the frontend with an endpoint behind it. */
export function repinnedKeys(frontend: string, before: FrontendLists, after: FrontendLists): string[] {
  const endpoints = repinned(before, after);
  return endpoints === 'all' ? [frontend] : endpoints.map(({ address, port }) => `${frontend} . ${address} . ${port}`);
}

type Sets = ReadonlyMap<string, Pick<InstalledSet, 'lists'>>;

/** Between two states of a table: whose clients must choose anew, whether there is affinity or not. */
export function repinnedFrontends(before: Sets, after: Sets): Set<string> {
  const found = new Set<string>();
  for (const protocol of protocols) {
    for (const frontend of ['address', 'nodeport'] as const) {
      for (const key of keysOf(before, protocol, frontend)) {
        const listsBefore = listsAt(before, protocol, frontend, key);
        const listsAfter = listsAt(after, protocol, frontend, key);
        for (const repinnedKey of repinnedKeys(frontendKey(protocol, key), listsBefore, listsAfter)) {
          found.add(repinnedKey);
        }
      }
    }
  }
  return found;
}

function keysOf(sets: Sets, protocol: Protocol, frontend: 'address' | 'nodeport'): Set<string> {
  const scopes = ['cluster', 'local'] as const;
  return new Set(
    scopes.flatMap((scope) => [...(sets.get(endpointMapName({ protocol, frontend, scope }))?.lists.keys() ?? [])]),
  );
}

function listsAt(sets: Sets, protocol: Protocol, frontend: 'address' | 'nodeport', key: string): FrontendLists {
  const listOf = (scope: 'cluster' | 'local'): readonly Socket[] | undefined =>
    sets.get(endpointMapName({ protocol, frontend, scope }))?.lists.get(key);
  return { cluster: listOf('cluster'), local: listOf('local') };
}
