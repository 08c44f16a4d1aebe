import type { Socket } from '../network.ts';
import type { Refusal } from '../report/family-changes.ts';
import type { Frontend } from '../report/frontend.ts';
import { socketText } from '../socket-text.ts';
import type { Route } from './graph.ts';
import type { ClaimedFrontend } from './list-frontends.ts';
import { nameClients, type Traffic } from './name-clients.ts';

/** The routes of a service port, and who takes them. */
export interface Routes {
  readonly routes: readonly Route[];
  /** Indices of the routes that start at a frontend. */
  readonly routesOf: (frontend: Frontend) => readonly number[];
  /** Indices of the routes that lead to an endpoint, by its socket. */
  readonly routesTo: ReadonlyMap<string, readonly number[]>;
}

/**
 * What the frontends of one service port do with connections. Frontends and clients with equal endpoints, or an equal
 * refusal, share a route.
 *
 * @param tellsPods whether the node can tell pods from others.
 */
export function listRoutes(
  claimed: readonly ClaimedFrontend[],
  { tellsPods }: { readonly tellsPods: boolean },
): Routes {
  const drafts = new Map<string, Draft>();
  for (const { kind, held } of claimed) {
    for (const end of held ? endsOf(held, kind === 'cluster IP') : []) {
      const key = end.refusal ?? end.sockets.map(socketText).join();
      const draft = drafts.get(key) ?? { ...end, traffic: new Set(), frontends: new Set() };
      for (const traffic of end.traffic) {
        draft.traffic.add(traffic);
      }
      draft.frontends.add(end.frontend);
      drafts.set(key, draft);
    }
  }
  const ordered = [...drafts.values()];
  return {
    routes: ordered.map(({ traffic, sockets, refusal }) => ({
      clients: nameClients(traffic, { tellsPods, isOnly: ordered.length === 1 }),
      endpoints: sockets.length,
      refusal,
    })),
    routesOf: (frontend) => ordered.flatMap(({ frontends }, index) => (frontends.has(frontend) ? index : [])),
    routesTo: routesToEndpoints(ordered),
  };
}

/** What becomes of some traffic to one frontend. */
interface End {
  readonly frontend: Frontend;
  readonly traffic: readonly Traffic[];
  readonly sockets: readonly Socket[];
  readonly refusal: Refusal | null;
}

interface Draft extends Pick<End, 'sockets' | 'refusal'> {
  readonly traffic: Set<Traffic>;
  readonly frontends: Set<Frontend>;
}

function endsOf(frontend: Frontend, isClusterIP: boolean): End[] {
  const { all, local, policy, refusal } = frontend;
  const everybody: readonly Traffic[] = isClusterIP ? ['cluster IP'] : ['insiders', 'outside'];
  const outside: readonly Traffic[] = isClusterIP ? ['cluster IP'] : ['outside'];
  const end = (traffic: readonly Traffic[], sockets: readonly Socket[] = []): End => ({
    frontend,
    traffic,
    sockets,
    refusal: sockets.length > 0 ? null : wordOf(refusal),
  });
  if (all && (local || refusal !== null) && policy === 'local endpoints, source kept') {
    return [end(['insiders'], all), end(outside, local)];
  }
  return [end(everybody, all ?? local)];
}

/** `dropped` of `dropped from outside`. */
function wordOf(refusal: Frontend['refusal']): Refusal {
  switch (refusal) {
    case 'rejected':
    case 'rejected from outside':
      return 'rejected';
    case 'dropped':
    case 'dropped from outside':
      return 'dropped';
    case 'untranslated':
    case 'untranslated from outside':
      return 'untranslated';
    case 'not understood':
    case 'not understood from outside':
    case null:
      return 'not understood';
  }
}

function routesToEndpoints(ordered: readonly Draft[]): Map<string, number[]> {
  const routesTo = new Map<string, number[]>();
  for (const [index, { sockets }] of ordered.entries()) {
    for (const socket of sockets.map(socketText)) {
      const routes = routesTo.get(socket);
      if (routes) {
        routes.push(index);
      } else {
        routesTo.set(socket, [index]);
      }
    }
  }
  return routesTo;
}
