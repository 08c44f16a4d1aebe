import { collectAll } from '../collect-all.ts';
import { compareText } from '../compare-text.ts';
import type { NodeView, ServicePort } from '../phases/3-model/model.ts';
import type { Ruleset } from '../phases/5-plan/ruleset.ts';
import type { Places } from '../places/places.ts';
import type { Frontend } from '../report/frontend.ts';
import { readFrontends } from '../report/read-frontends.ts';
import type { Graph, GraphServicePort } from './graph.ts';
import { listEndpoints } from './list-endpoints.ts';
import { listFrontends } from './list-frontends.ts';
import { listRoutes } from './list-routes.ts';

/** What a graph is made of. */
export interface GraphSources {
  /** One for each family, and the ruleset at the same index. */
  readonly views: readonly NodeView[];
  readonly rulesets: readonly Ruleset[];
  readonly places: Places;
}

/** Which of the service ports are wanted. */
export type IsWanted = (servicePort: ServicePort) => boolean;

/**
 * Reads from the rulesets who serves whom, and from views and places where that is. What is served, and with which
 * shares, comes from the rulesets alone.
 */
export function buildGraph({ views, rulesets, places }: GraphSources, isWanted: IsWanted = () => true): Graph {
  const servicePorts = collectAll(views, (view) => {
    const frontends = readFrontends(rulesets.find(({ family }) => family === view.family));
    return view.servicePorts.filter(isWanted).map((servicePort) => drawPort(servicePort, { view, frontends, places }));
  });
  const [view] = views;
  return {
    nodeName: view?.nodeName ?? '',
    zone: view?.zone ?? '',
    servicePorts: servicePorts.sort(compareServicePorts),
  };
}

interface PortContext {
  readonly view: NodeView;
  readonly frontends: ReadonlyMap<string, Frontend>;
  readonly places: Places;
}

function drawPort(servicePort: ServicePort, { view, frontends, places }: PortContext): GraphServicePort {
  const { namespace, name, portName, protocol, port } = servicePort;
  const claimed = listFrontends(servicePort, frontends);
  const { routes, routesOf, routesTo } = listRoutes(claimed, { tellsPods: view.detector !== undefined });
  return {
    family: view.family,
    namespace,
    name,
    portName,
    protocol,
    port,
    affinitySeconds: Math.max(0, ...claimed.map(({ held }) => held?.affinitySeconds ?? 0)),
    frontends: claimed.map(({ kind, place, heldBy, held }) => ({
      kind,
      place,
      heldBy,
      sourceRanges: held?.sourceRanges ?? null,
      routes: held ? routesOf(held) : [],
    })),
    routes,
    endpoints: listEndpoints(servicePort, { view, places, routesTo }),
  };
}

function compareServicePorts(a: GraphServicePort, b: GraphServicePort): number {
  return (
    compareText(a.namespace, b.namespace) ||
    compareText(a.name, b.name) ||
    compareText(a.portName, b.portName) ||
    compareText(a.protocol, b.protocol) ||
    compareText(a.family, b.family)
  );
}
