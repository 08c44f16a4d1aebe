import {
  endpointState,
  type LeftOutReason,
  leftOutReasons,
  leftOutTexts,
  locateEndpoint,
  refusedToo,
} from '../../frontends/endpoints.ts';
import type { Frontend } from '../../frontends/frontend.ts';
import { frontendHostText } from '../../frontends/frontend-address.ts';
import { claimsOf } from '../../frontends/frontend-claims.ts';
import { readFrontends } from '../../frontends/read-frontends.ts';
import { type RulesetFacts, readRulesetFacts } from '../../frontends/read-ruleset-facts.ts';
import type { EndpointSources } from '../../kubernetes/endpoint-sources.ts';
import type { Locations } from '../../kubernetes/locations.ts';
import { getNamespaced, type Namespaced, setNamespaced } from '../../kubernetes/namespaced-map.ts';
import { type ServiceNote, unservedText } from '../../kubernetes/service-notes.ts';
import { whyNoEndpoints } from '../../kubernetes/why-no-endpoints.ts';
import { collectAll } from '../../lib/lists.ts';
import { compareText, countOf } from '../../lib/text.ts';
import { sortByAddress } from '../../net/address.ts';
import { nameOfFamily } from '../../net/network.ts';
import type { Ruleset } from '../../nft/ruleset.ts';
import type { Endpoint, NodeView, ServicePort } from '../../phases/3-model/model.ts';
import type { Graph, GraphEndpoint, GraphServicePort, Route, UnservedService } from './graph.ts';
import { listRoutes, type Routes } from './list-routes.ts';

/** What a graph is drawn from. */
export interface GraphSources {
  /** One for each family, and the ruleset at the same index. */
  readonly views: readonly NodeView[];
  readonly rulesets: readonly Ruleset[];
  readonly locations: Locations;
  /** Why service ports have no endpoints. */
  readonly endpointSources: EndpointSources;
  /** About all Services of the snapshot; those without rules are drawn from them. */
  readonly notes: readonly ServiceNote[];
}

/** Whether a Service is to be drawn. */
export type IsSelected = (service: Pick<ServicePort, 'namespace' | 'name'>) => boolean;

/**
 * The frontends, service ports and endpoints of a node. What is served, and with which shares, comes from the rulesets
 * alone; views and locations say where endpoints run, and with the other sources why something is refused.
 */
export function buildGraph(sources: GraphSources, isSelected: IsSelected = () => true): Graph {
  const { views, rulesets } = sources;
  const servicePorts = collectAll(views, (view) => {
    const ruleset = rulesets.find(({ family }) => family === view.family);
    const frontends = readFrontends(ruleset);
    const refuses = ruleset ? readRulesetFacts(ruleset, view.addresses).refuses : (): boolean => false;
    return view.servicePorts
      .filter(isSelected)
      .map((servicePort) => drawPort(servicePort, { ...sources, view, frontends, refuses }));
  });
  const [view] = views;
  return {
    nodeName: view?.nodeName ?? '',
    zone: view?.zone ?? '',
    nodePortAddresses: Object.fromEntries(views.flatMap(nodePortAddressOf)),
    servicePorts: servicePorts.sort(compareGraphPorts),
    unserved: listUnservedServices(sources).filter(isSelected),
  };
}

function nodePortAddressOf({ family, nodePortAddresses, primaryAddress }: NodeView): (readonly [string, string])[] {
  const address = nodePortAddresses.kind === 'all' ? primaryAddress : nodePortAddresses.addresses[0];
  return address === undefined ? [] : [[family, address]];
}

/** Services without rules in any family, each once: the same object may be in several files. */
function listUnservedServices({ notes, views }: GraphSources): UnservedService[] {
  const known: Namespaced<true> = new Map();
  for (const { namespace, name } of collectAll(views, ({ servicePorts }) => servicePorts)) {
    setNamespaced(known, namespace, name, true);
  }
  const families = views.map(({ family }) => nameOfFamily(family)).join(' or ');
  const services = notes.flatMap(({ namespace, name, unserved }) => {
    if (getNamespaced(known, namespace, name)) {
      return [];
    }
    setNamespaced(known, namespace, name, true);
    return { namespace, name, reason: unserved ? unservedText(unserved) : `it has no cluster IP for ${families}` };
  });
  return services.sort((a, b) => compareText(a.namespace, b.namespace) || compareText(a.name, b.name));
}

interface PortContext extends Pick<GraphSources, 'locations' | 'endpointSources'> {
  readonly view: NodeView;
  readonly frontends: ReadonlyMap<string, Frontend>;
  readonly refuses: RulesetFacts['refuses'];
}

function drawPort(servicePort: ServicePort, context: PortContext): GraphServicePort {
  const { view, frontends, locations, refuses } = context;
  const { namespace, name, portName, protocol, port } = servicePort;
  const claims = claimsOf(servicePort, frontends);
  const { routes, routesOf, routesTo } = listRoutes(claims, {
    recognizesPods: view.detector !== undefined,
    whyRefused: (refusal, { isClusterIP }) => whyRefused(refusal, { servicePort, isClusterIP, context }),
  });
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
    endpoints: graphEndpoints(servicePort, { view, locations, routesTo, refuses }),
  };
}

/** What connections are refused at. */
interface RefusedAt {
  readonly servicePort: ServicePort;
  readonly isClusterIP: boolean;
  readonly context: PortContext;
}

/** Each refusal has one cause (selectEndpoints): no usable endpoint at all is rejected, none on this node is dropped. */
function whyRefused(refusal: NonNullable<Route['refusal']>, at: RefusedAt): string {
  switch (refusal) {
    case 'rejected':
      return whyRejected(at);
    case 'dropped': {
      const here = at.context.view.nodeName || 'this node';
      return `${at.isClusterIP ? 'internal' : 'external'}TrafficPolicy is Local and no endpoint on ${here} can receive connections`;
    }
    case 'untranslated':
      return 'no rule translates the address';
    case 'not understood':
      return 'the rules are not those that svc2nft writes';
  }
}

function whyRejected({ servicePort, context: { view, endpointSources } }: RefusedAt): string {
  const { length } = servicePort.endpoints;
  if (length === 0) {
    return whyNoEndpoints(servicePort, view.family, endpointSources).text();
  }
  return length === 1 ? 'the only endpoint is not ready' : `none of the ${countOf(length, 'endpoint')} is ready`;
}

/** The order of service ports in a graph. */
export function compareGraphPorts(a: GraphServicePort, b: GraphServicePort): number {
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
  readonly refuses: RulesetFacts['refuses'];
}

/** All endpoints of a service port, with where they run and why some get no connections. */
function graphEndpoints(servicePort: ServicePort, context: EndpointContext): GraphEndpoint[] {
  const { view, locations, routesTo, refuses } = context;
  const reasonOf = leftOutReasons(servicePort, { isLocalOnly: !usesAllNodes(servicePort), nodeName: view.nodeName });
  const wordsOf = (routes: readonly number[], endpoint: Endpoint): string =>
    routes.length > 0 ? '' : wordsFor(reasonOf(endpoint), routesTo);
  const endpoints = servicePort.endpoints.map((endpoint) => {
    const { endpoint: endpointAddress, pod, node, zone } = locateEndpoint(endpoint, locations);
    const picked = routesTo.get(endpointAddress) ?? [];
    const isRefused = picked.length > 0 && refuses(servicePort.protocol, endpoint.endpointAddress);
    return {
      endpointAddress,
      pod,
      nodeName: node,
      zone: (endpoint.local && view.zone) || zone,
      local: endpoint.local,
      state: shownState(endpoint),
      routes: isRefused ? [] : picked,
      leftOut: isRefused ? refusedToo : wordsOf(picked, endpoint),
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
