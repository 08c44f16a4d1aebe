import type { Endpoint, NodeView, ServicePort } from '../3-model/model.ts';

/** What happens to a new connection that no endpoint may take: an ICMP error, or silence. */
export type RefusalVerdict = 'reject' | 'drop';

/** Which endpoints one service port uses on this node. Lists keep the order of the service port's endpoints. */
export interface Selection {
  /** For traffic with policy Cluster. */
  readonly cluster: readonly Endpoint[];
  /** For traffic with policy Local. */
  readonly local: readonly Endpoint[];
  /** cluster and local together. */
  readonly reachable: readonly Endpoint[];
  /** Whether traffic can reach the service port other than by its cluster IP. */
  readonly exposed: boolean;
  /** Whether any endpoint, wherever it runs, could take a connection. */
  readonly hasEndpoints: boolean;
  /** What refuses traffic to the cluster IP; undefined when endpoints take it. */
  readonly internalRefusal: RefusalVerdict | undefined;
  /** What refuses outside traffic to external IPs, load balancer IPs and the node port; undefined when endpoints take it. */
  readonly externalRefusal: RefusalVerdict | undefined;
}

/**
 * Chooses the endpoints of a service port for a node.
 *
 * Policy Cluster: the ready endpoints that the hints allow; when no endpoint is ready, all that are serving while they
 * terminate (KEP-1669). Policy Local: the ready ones of this node, else its serving and terminating ones; hints do not
 * apply (Service spec.internalTrafficPolicy, spec.externalTrafficPolicy). Each falls back independently of the other.
 * Nothing to use at all is a rejection; endpoints elsewhere but none here, under policy Local, is a drop.
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

/** The endpoints of either list, in the order of all. */
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

function isUsable(endpoint: Endpoint): boolean {
  return endpoint.ready || isServingWhileTerminating(endpoint);
}

/** Serving alone is not enough: an unready endpoint that is not terminating gets no traffic. */
function isServingWhileTerminating(endpoint: Endpoint): boolean {
  return endpoint.serving && endpoint.terminating;
}

/** Where the node is; an empty text is unknown. */
interface NodeTopology {
  readonly nodeName: string;
  readonly zone: string;
}

/**
 * Which of the ready endpoints (at least one) the slice's hints leave for this node (EndpointSlice endpoints[].hints): those hinted
 * for the node when every one has a node hint and some have this node's, else the same with zones, else all. A failed
 * test for nodes still leaves the one for zones. The hints alone decide; trafficDistribution is the slice
 * controller's business.
 */
function filterByTopology(ready: readonly Endpoint[], { nodeName, zone }: NodeTopology): readonly Endpoint[] {
  return (
    filterByHints(ready, nodeName, (endpoint) => endpoint.nodeHints) ??
    filterByHints(ready, zone, (endpoint) => endpoint.zoneHints) ??
    ready
  );
}

/** Those hinted for `here`, or undefined when one has no hint at all or none has this one. */
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

/** A service port with the endpoints that it uses on the node. */
interface SelectedPort {
  readonly servicePort: ServicePort;
  readonly selection: Selection;
}

/** A node's view of a family with every service port's endpoints chosen, in the order of its service ports. */
export interface SelectedView {
  readonly view: NodeView;
  readonly ports: readonly SelectedPort[];
}

/** Chooses the endpoints of every service port of a view. */
export function selectView(view: NodeView): SelectedView {
  const ports = view.servicePorts.map((servicePort) => ({
    servicePort,
    selection: selectEndpoints(servicePort, view),
  }));
  return { view, ports };
}
