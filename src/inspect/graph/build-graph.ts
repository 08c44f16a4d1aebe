import { type LeftOutReason, leftOutJudge, placeEndpoint } from '../../frontends/endpoints.ts';
import type { Frontend } from '../../frontends/frontend.ts';
import { readFrontends } from '../../frontends/read-frontends.ts';
import type { Places } from '../../kubernetes/locations.ts';
import { collectAll } from '../../lib/lists.ts';
import { compareText } from '../../lib/text.ts';
import { endpointText } from '../../net/network.ts';
import type { Ruleset } from '../../nft/ruleset.ts';
import type { Endpoint, FrontendKind, NodeView, ServicePort } from '../../phases/3-model/model.ts';
import { displayName, elementComment } from '../../phases/5-plan/names.ts';
import type { Graph, GraphEndpoint, GraphServicePort } from './graph.ts';
import { listRoutes, type Routes } from './list-routes.ts';

/** What a graph is made of. */
interface GraphSources {
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

/** A place that a service port wants. */
export interface ClaimedFrontend {
  readonly kind: FrontendKind;
  readonly place: string;
  /** What the ruleset does there for this service port; undefined where it does nothing for it. */
  readonly held: Frontend | undefined;
  /** The service port that has the place instead; empty where none has. */
  readonly heldBy: string;
}

/** Every place that a service port wants, each once, with what the ruleset made of it. */
function listFrontends(servicePort: ServicePort, frontends: ReadonlyMap<string, Frontend>): readonly ClaimedFrontend[] {
  const { clusterIP, loadBalancerIPs, externalIPs, nodePort, protocol, port } = servicePort;
  const addresses: (readonly [FrontendKind, string])[] = [
    ['ClusterIP', clusterIP],
    ...loadBalancerIPs.map((address) => ['LoadBalancer', address] as const),
    ...externalIPs.map((address) => ['ExternalIP', address] as const),
  ];
  const claimed = new Map<string, ClaimedFrontend>();
  for (const [kind, address] of addresses) {
    const key = `${address} . ${protocol} . ${port}`;
    // An address may be external and load balancer IP at once; the ruleset has it as the former kind here.
    if (!claimed.has(key)) {
      claimed.set(key, { kind, place: endpointText({ address, port }), ...holderOf(frontends.get(key), servicePort) });
    }
  }
  if (nodePort !== 0) {
    const key = `${protocol} . ${nodePort}`;
    const holder = holderOf(frontends.get(key), servicePort);
    claimed.set(key, { kind: 'NodePort', place: `node port ${nodePort}`, ...holder });
  }
  return [...claimed.values()];
}

function holderOf(found: Frontend | undefined, servicePort: ServicePort): Pick<ClaimedFrontend, 'held' | 'heldBy'> {
  const isOwn = found?.name === elementComment(displayName(servicePort)) && found.protocol === servicePort.protocol;
  return isOwn ? { held: found, heldBy: '' } : { held: undefined, heldBy: found?.name ?? '' };
}

/** What is known of the endpoints of a service port besides themselves. */
interface EndpointContext {
  readonly view: NodeView;
  readonly places: Places;
  readonly routesTo: Routes['routesTo'];
}

/** All endpoints of a service port with their places, and why nobody is sent to some of them. */
function listEndpoints(servicePort: ServicePort, context: EndpointContext): GraphEndpoint[] {
  const { view, places, routesTo } = context;
  const judge = leftOutJudge(servicePort, { isLocalOnly: !usesAllNodes(servicePort), nodeName: view.nodeName });
  return servicePort.endpoints.map((endpoint) => {
    const { endpoint: endpointAddress, pod, node, zone } = placeEndpoint(endpoint, places);
    const routes = routesTo.get(endpointAddress) ?? [];
    return {
      endpointAddress,
      pod,
      nodeName: node,
      zone: (endpoint.local && view.zone) || zone,
      local: endpoint.local,
      state: stateOf(endpoint),
      routes,
      leftOut: routes.length > 0 ? '' : wordsFor(judge(endpoint), routesTo),
    };
  });
}

function stateOf({ ready, terminating }: Endpoint): GraphEndpoint['state'] {
  if (ready) {
    return 'ready';
  }
  return terminating ? 'terminating' : 'not ready';
}

const words: Readonly<Record<LeftOutReason, string>> = {
  'not ready': 'not ready',
  'not serving': 'no longer serving',
  terminating: 'terminating',
  'not local': 'not on this node',
  'other node': 'hinted for other nodes',
  'other zone': 'hinted for other zones',
};

/** Where nobody is sent to any endpoint, hints are not what keeps them from one. */
function wordsFor(reason: LeftOutReason, routesTo: Routes['routesTo']): string {
  const isHint = reason === 'other node' || reason === 'other zone';
  return isHint && routesTo.size === 0 ? 'no frontend leads here' : words[reason];
}

function usesAllNodes({ internalPolicy, nodePort, externalIPs, loadBalancerIPs }: ServicePort): boolean {
  return internalPolicy === 'Cluster' || nodePort !== 0 || externalIPs.length > 0 || loadBalancerIPs.length > 0;
}
