import {
  endpointState,
  type LeftOutReason,
  leftOutReasons,
  leftOutTexts,
  locateEndpoint,
} from '../../frontends/endpoints.ts';
import type { Frontend } from '../../frontends/frontend.ts';
import { frontendHostText } from '../../frontends/frontend-address.ts';
import { claimsOf } from '../../frontends/frontend-claims.ts';
import { readFrontends } from '../../frontends/read-frontends.ts';
import type { Locations } from '../../kubernetes/locations.ts';
import { collectAll } from '../../lib/lists.ts';
import { compareText } from '../../lib/text.ts';
import { sortByAddress } from '../../net/address.ts';
import type { Ruleset } from '../../nft/ruleset.ts';
import type { Endpoint, NodeView, ServicePort } from '../../phases/3-model/model.ts';
import type { Graph, GraphEndpoint, GraphServicePort } from './graph.ts';
import { listRoutes, type Routes } from './list-routes.ts';

/** What a graph is drawn from. */
interface GraphSources {
  /** One for each family, and the ruleset at the same index. */
  readonly views: readonly NodeView[];
  readonly rulesets: readonly Ruleset[];
  readonly locations: Locations;
}

/** Whether a service port is to be drawn. */
export type IsSelected = (servicePort: ServicePort) => boolean;

/**
 * The frontends, service ports and endpoints of a node. What is served, and with which shares, comes from the rulesets
 * alone; views and locations say where endpoints run.
 */
export function buildGraph({ views, rulesets, locations }: GraphSources, isSelected: IsSelected = () => true): Graph {
  const servicePorts = collectAll(views, (view) => {
    const frontends = readFrontends(rulesets.find(({ family }) => family === view.family));
    return view.servicePorts
      .filter(isSelected)
      .map((servicePort) => drawPort(servicePort, { view, frontends, locations }));
  });
  const [view] = views;
  return {
    nodeName: view?.nodeName ?? '',
    zone: view?.zone ?? '',
    servicePorts: servicePorts.sort(compareGraphPorts),
  };
}

interface PortContext {
  readonly view: NodeView;
  readonly frontends: ReadonlyMap<string, Frontend>;
  readonly locations: Locations;
}

function drawPort(servicePort: ServicePort, { view, frontends, locations }: PortContext): GraphServicePort {
  const { namespace, name, portName, protocol, port } = servicePort;
  const claims = claimsOf(servicePort, frontends);
  const { routes, routesOf, routesTo } = listRoutes(claims, { recognizesPods: view.detector !== undefined });
  return {
    family: view.family,
    namespace,
    name,
    portName,
    protocol,
    port,
    affinitySeconds: Math.max(0, ...claims.map(({ held }) => held?.affinitySeconds ?? 0)),
    frontends: claims.map(({ kind, address, heldBy = '', held }) => ({
      kind,
      address: frontendHostText(address, view.family),
      heldBy,
      sourceRanges: held?.sourceRanges ?? null,
      routes: held ? routesOf(held) : [],
    })),
    routes,
    endpoints: graphEndpoints(servicePort, { view, locations, routesTo }),
  };
}

function compareGraphPorts(a: GraphServicePort, b: GraphServicePort): number {
  return (
    compareText(a.namespace, b.namespace) ||
    compareText(a.name, b.name) ||
    compareText(a.portName, b.portName) ||
    compareText(a.protocol, b.protocol) ||
    compareText(a.family, b.family)
  );
}

/** What is known about the endpoints of a service port. */
interface EndpointContext {
  readonly view: NodeView;
  readonly locations: Locations;
  readonly routesTo: Routes['routesTo'];
}

/** All endpoints of a service port, with where they run and why some get no connections. */
function graphEndpoints(servicePort: ServicePort, context: EndpointContext): GraphEndpoint[] {
  const { view, locations, routesTo } = context;
  const reasonOf = leftOutReasons(servicePort, { isLocalOnly: !usesAllNodes(servicePort), nodeName: view.nodeName });
  const endpoints = servicePort.endpoints.map((endpoint) => {
    const { endpoint: endpointAddress, pod, node, zone } = locateEndpoint(endpoint, locations);
    const routes = routesTo.get(endpointAddress) ?? [];
    return {
      endpointAddress,
      pod,
      nodeName: node,
      zone: (endpoint.local && view.zone) || zone,
      local: endpoint.local,
      state: shownState(endpoint),
      routes,
      leftOut: routes.length > 0 ? '' : wordsFor(reasonOf(endpoint), routesTo),
    };
  });
  return sortByAddress(endpoints, ({ endpointAddress }) => endpointAddress);
}

/** The page counts endpoints that terminate as such, whether they still serve or not. */
function shownState(endpoint: Endpoint): GraphEndpoint['state'] {
  const state = endpointState(endpoint);
  if (state === 'not-ready') {
    return 'not ready';
  }
  return state === 'not-serving' ? 'terminating' : state;
}

/** Where no endpoint gets connections, hints are not the reason. */
function wordsFor(reason: LeftOutReason, routesTo: Routes['routesTo']): string {
  const isHint = reason === 'other-node' || reason === 'other-zone';
  return isHint && routesTo.size === 0 ? 'no frontend leads here' : leftOutTexts[reason];
}

function usesAllNodes({ internalPolicy, nodePort, externalIPs, loadBalancerIPs }: ServicePort): boolean {
  return internalPolicy === 'Cluster' || nodePort !== 0 || externalIPs.length > 0 || loadBalancerIPs.length > 0;
}
