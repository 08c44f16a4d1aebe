import type { Endpoint, NodeView, ServicePort } from '../3-model/model.ts';

/** What happens to a new connection for which there is no endpoint: an answer that refuses it, or nothing. */
export type RefusalVerdict = 'reject' | 'drop';

/** The endpoints that one service port uses on this node, in the order of its endpoints. */
export interface Selection {
  /** For traffic with policy Cluster. */
  readonly cluster: readonly Endpoint[];
  /** For traffic with policy Local. */
  readonly local: readonly Endpoint[];
  /** cluster and local together. */
  readonly reachable: readonly Endpoint[];
  /** Whether it has frontends other than the cluster IP. */
  readonly exposed: boolean;
  /** Whether any endpoint, on any node, could take a connection. */
  readonly hasEndpoints: boolean;
  /** How traffic to the cluster IP is refused; undefined if endpoints take it. */
  readonly internalRefusal: RefusalVerdict | undefined;
  /** How external traffic to external IPs, load balancer IPs and the node port is refused; undefined if endpoints take it. */
  readonly externalRefusal: RefusalVerdict | undefined;
}

/**
 * The endpoints of a service port that a node uses.
 *
 * Policy Cluster: the ready endpoints that the hints allow; if no endpoint is ready, all that are terminating but still
 * serving (KEP-1669). Policy Local: the ready endpoints of this node, or else its terminating, serving ones; hints do not
 * apply (Service spec.internalTrafficPolicy, spec.externalTrafficPolicy). Each falls back independently of the other.
 * Without any usable endpoint, connections are rejected; under policy Local, with endpoints on other nodes only, dropped.
 */
export function selectEndpoints(servicePort: ServicePort, node: NodeTopology): Selection {
  const { endpoints, internalPolicy, externalPolicy } = servicePort;
  const exposed = isExposed(servicePort);
  const usesCluster = internalPolicy === 'Cluster' || exposed;
  const usesLocal = internalPolicy === 'Local' || (externalPolicy === 'Local' && exposed);
  const cluster = usesCluster ? selectCluster(endpoints, node) : [];
  const local = usesLocal ? selectLocal(endpoints) : [];
  const hasEndpoints = usesLocal ? endpoints.some(isUsable) : cluster.length > 0;
  const refusalFor = (policy: 'Cluster' | 'Local'): RefusalVerdict | undefined => {
    if (!hasEndpoints) {
      return 'reject';
    }
    return policy === 'Local' && local.length === 0 ? 'drop' : undefined;
  };
  return {
    cluster,
    local,
    reachable: union(endpoints, cluster, local),
    exposed,
    hasEndpoints,
    internalRefusal: refusalFor(internalPolicy),
    externalRefusal: refusalFor(externalPolicy),
  };
}

function isExposed({ nodePort, loadBalancerIPs, externalIPs }: ServicePort): boolean {
  return nodePort !== 0 || loadBalancerIPs.length > 0 || externalIPs.length > 0;
}

/** The endpoints that are in either list, in the order of `all`. */
function union(
  all: readonly Endpoint[],
  cluster: readonly Endpoint[],
  local: readonly Endpoint[],
): readonly Endpoint[] {
  if (cluster.length === 0 || local.length === 0) {
    return local.length === 0 ? cluster : local;
  }
  const chosen = new Set([...cluster, ...local]);
  return all.filter((endpoint) => chosen.has(endpoint));
}

function selectCluster(endpoints: readonly Endpoint[], node: NodeTopology): readonly Endpoint[] {
  const ready = endpoints.every(isReady) ? endpoints : endpoints.filter(isReady);
  return ready.length > 0 ? filterByTopology(ready, node) : endpoints.filter(isServingWhileTerminating);
}

function selectLocal(endpoints: readonly Endpoint[]): readonly Endpoint[] {
  const local = endpoints.filter((endpoint) => endpoint.local);
  const ready = local.filter(isReady);
  return ready.length > 0 ? ready : local.filter(isServingWhileTerminating);
}

function isReady(endpoint: Endpoint): boolean {
  return endpoint.ready;
}

/** Whether connections may go to an endpoint: one that terminates and still serves is used while none is ready. */
export function isUsable(endpoint: Endpoint): boolean {
  return endpoint.ready || isServingWhileTerminating(endpoint);
}

/** Serving alone is not enough: an unready endpoint that is not terminating gets no traffic. */
function isServingWhileTerminating(endpoint: Endpoint): boolean {
  return endpoint.serving && endpoint.terminating;
}

/** The node and its zone; empty if unknown. */
interface NodeTopology {
  readonly nodeName: string;
  readonly zone: string;
}

/**
 * The ready endpoints (at least one) that hints allow on this node (EndpointSlice endpoints[].hints): those hinted for
 * the node if every endpoint has a node hint and some hint at this node; else the same with zones; else all.
 * Only the hints count: trafficDistribution is for the slice controller.
 */
function filterByTopology(ready: readonly Endpoint[], { nodeName, zone }: NodeTopology): readonly Endpoint[] {
  return (
    filterByHints(ready, nodeName, (endpoint) => endpoint.nodeHints) ??
    filterByHints(ready, zone, (endpoint) => endpoint.zoneHints) ??
    ready
  );
}

/** Those hinted for `here`; undefined if one has no hint or none has this one. */
function filterByHints(
  ready: readonly Endpoint[],
  here: string,
  hintsOf: (endpoint: Endpoint) => readonly string[],
): readonly Endpoint[] | undefined {
  if (ready.some((endpoint) => hintsOf(endpoint).length === 0)) {
    return undefined;
  }
  const hinted = ready.filter((endpoint) => hintsOf(endpoint).includes(here));
  return hinted.length > 0 ? hinted : undefined;
}

/** A service port and the endpoints that it uses on the node. */
interface SelectedPort {
  readonly servicePort: ServicePort;
  readonly selection: Selection;
}

/** A node's view of a family with the endpoints of every service port selected, in the order of its service ports. */
export interface SelectedView {
  readonly view: NodeView;
  readonly ports: readonly SelectedPort[];
}

/** Selects the endpoints of every service port of a view. */
export function selectView(view: NodeView): SelectedView {
  const ports = view.servicePorts.map((servicePort) => ({
    servicePort,
    selection: selectEndpoints(servicePort, view),
  }));
  return { view, ports };
}
