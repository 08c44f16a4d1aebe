import type { Frontend } from '../../frontends/frontend.ts';
import { pushTo } from '../../lib/lists.ts';
import { type EndpointAddress, endpointText } from '../../net/network.ts';
import type { GraphFrontend, Route } from './graph.ts';

/** The routes of a service port, with where they start and where they lead. */
export interface Routes {
  readonly routes: readonly Route[];
  /** Indices of the routes that start at a frontend. */
  readonly routesOf: (frontend: Frontend) => readonly number[];
  /** Indices of the routes that lead to an endpoint, by its endpoint address. */
  readonly routesTo: ReadonlyMap<string, readonly number[]>;
}

/** A frontend, and what the ruleset does there; undefined where it does nothing for its service port. */
interface RoutedFrontend {
  readonly kind: GraphFrontend['kind'];
  readonly held: Frontend | undefined;
}

/** What routes depend on besides the frontends. */
interface RouteContext {
  /** Whether the node can recognize pods. */
  readonly recognizesPods: boolean;
  /** Why connections are refused, as a clause; policies differ between the cluster IP and other frontends. */
  readonly whyRefused: (refusal: NonNullable<Route['refusal']>, at: { readonly isClusterIP: boolean }) => string;
}

/**
 * What happens to connections at the frontends of one service port. Frontends and clients with equal endpoints, or an equal
 * refusal for the same reason, share a route.
 */
export function listRoutes(claims: readonly RoutedFrontend[], { recognizesPods, whyRefused }: RouteContext): Routes {
  const drafts = new Map<string, Draft>();
  for (const { kind, held } of claims) {
    const isClusterIP = kind === 'ClusterIP';
    for (const end of held ? endsOf(held, isClusterIP) : []) {
      const reason = end.refusal && whyRefused(end.refusal, { isClusterIP });
      const key = reason === null ? end.endpointAddresses.map(endpointText).join() : `${end.refusal}: ${reason}`;
      const draft = drafts.get(key) ?? { ...end, reason: reason ?? '', traffic: new Set(), frontends: new Set() };
      for (const traffic of end.traffic) {
        draft.traffic.add(traffic);
      }
      draft.frontends.add(end.frontend);
      drafts.set(key, draft);
    }
  }
  const ordered = [...drafts.values()];
  const naming = { recognizesPods, all: ordered.map(({ traffic }) => traffic) };
  return {
    routes: ordered.map(({ traffic, endpointAddresses, refusal, reason }) => ({
      clients: nameClients(traffic, naming),
      endpoints: endpointAddresses.length,
      refusal,
      reason,
    })),
    routesOf: (frontend) => ordered.flatMap(({ frontends }, index) => (frontends.has(frontend) ? index : [])),
    routesTo: routesToEndpoints(ordered),
  };
}

/** What happens to some of the traffic to one frontend. */
interface End {
  readonly frontend: Frontend;
  readonly traffic: readonly Traffic[];
  readonly endpointAddresses: readonly EndpointAddress[];
  readonly refusal: Route['refusal'];
}

interface Draft extends Pick<End, 'endpointAddresses' | 'refusal'> {
  readonly reason: string;
  readonly traffic: Set<Traffic>;
  readonly frontends: Set<Frontend>;
}

function endsOf(frontend: Frontend, isClusterIP: boolean): End[] {
  const { all, local, policy, refusal } = frontend;
  const end = (traffic: readonly Traffic[], endpointAddresses: readonly EndpointAddress[] = []): End => ({
    frontend,
    traffic: isClusterIP ? ['cluster IP'] : traffic,
    endpointAddresses,
    refusal: endpointAddresses.length > 0 ? null : wordOf(refusal),
  });
  if (all && (local || refusal !== null) && policy === 'local endpoints, source kept') {
    return [end(['internal'], all), end(['external'], local)];
  }
  return [end(['internal', 'external'], all ?? local)];
}

/** `dropped` of `dropped-for-external`. */
function wordOf(refusal: Frontend['refusal']): NonNullable<Route['refusal']> {
  switch (refusal) {
    case 'rejected':
    case 'rejected-for-external':
      return 'rejected';
    case 'dropped':
    case 'dropped-for-external':
      return 'dropped';
    case 'untranslated':
    case 'untranslated-for-external':
      return 'untranslated';
    case 'not-understood':
    case 'not-understood-for-external':
    case null:
      return 'not understood';
  }
}

function routesToEndpoints(ordered: readonly Draft[]): Map<string, number[]> {
  const routesTo = new Map<string, number[]>();
  for (const [index, { endpointAddresses }] of ordered.entries()) {
    for (const endpointAddress of endpointAddresses.map(endpointText)) {
      pushTo(routesTo, endpointAddress, index);
    }
  }
  return routesTo;
}

/** Connections that rules distinguish: to the cluster IP, and to other frontends from pods and the node, or from others. */
type Traffic = 'cluster IP' | 'internal' | 'external';

/** What names depend on besides the traffic. */
interface Naming {
  /** Whether the node can recognize pods; if not, only the node itself is an internal client. */
  readonly recognizesPods: boolean;
  /** The traffic of all routes. */
  readonly all: readonly ReadonlySet<Traffic>[];
}

/** A short name for the clients of a route, which distinguishes it from the other routes; empty where it is the only one. */
function nameClients(traffic: ReadonlySet<Traffic>, { recognizesPods, all }: Naming): string {
  if (all.length === 1) {
    return '';
  }
  // Clients of a cluster IP are pods and the node, as a rule.
  const namesClusterIP = (one: ReadonlySet<Traffic>): boolean =>
    one.has('cluster IP') && !(one.has('internal') && recognizesPods);
  // The policies for external clients do not apply at the cluster IP; "other" needs a route that names it.
  const elsewhere = all.some(namesClusterIP) ? ' at other frontends' : '';
  const internal = recognizesPods ? 'internal' : 'node';
  if (traffic.has('internal') && !traffic.has('cluster IP')) {
    return traffic.has('external') ? 'other frontends' : `${internal}${elsewhere}`;
  }
  return [
    ...(namesClusterIP(traffic) ? ['cluster IP'] : []),
    ...(traffic.has('internal') ? [internal] : []),
    ...(traffic.has('external') ? [`external${elsewhere}`] : []),
  ].join(', ');
}
