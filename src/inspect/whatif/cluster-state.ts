/**
 * What all nodes of a cluster do with new connections to each service port, from phases 3 and 4, without rulesets: that of most service
 * ports is the same on all nodes, so that a hundred nodes cost little more than one.
 */

import { verdictKeyOf } from '../../frontends/frontend-address.ts';
import type { Snapshot } from '../../kubernetes/objects.ts';
import { zoneLabel } from '../../kubernetes/services.ts';
import { type Family, nameOfFamily } from '../../net/network.ts';
import { withDefaults } from '../../options.ts';
import { buildModel } from '../../phases/3-model/build-model.ts';
import type { Endpoint, FrontendKind, ServicePort } from '../../phases/3-model/model.ts';
import { type Selection, selectEndpoints } from '../../phases/4-select/select-endpoints.ts';
import { type BareClaim, resolveClaims } from '../../phases/5-plan/claims.ts';
import { displayName } from '../../phases/5-plan/names.ts';

/** What becomes of a new connection. */
export interface NodeOutcome {
  /** `refused`: an answer says so; `dropped`: none comes. */
  readonly verdict: 'served' | 'refused' | 'dropped';
  /** Each gets the same share; none unless it is served. */
  readonly endpoints: readonly Endpoint[];
  /** Whether endpoints see the client's address. */
  readonly keepsSource: boolean;
}

/** A Node, and its zone; empty if it has none. */
export interface PlacedNode {
  readonly name: string;
  readonly zone: string;
}

/** What all nodes do for one kind of clients. */
export type OutcomeOn = (node: PlacedNode) => NodeOutcome;

/** An address and port, or node port, at which a service port is reached. */
interface HeldFrontend {
  readonly kind: FrontendKind;
  /** Undefined for a node port. */
  readonly address: string | undefined;
  readonly port: number;
}

/** One service port in one family. */
export interface PortState {
  readonly servicePort: ServicePort;
  readonly family: Family;
  /** Those that no other Service has. */
  readonly frontends: readonly HeldFrontend[];
  /** For Pods and nodes that connect to the cluster IP; undefined where another Service has that. */
  readonly internal: OutcomeOn | undefined;
  /** For clients outside that connect to a node port, load balancer or external IP, by the node on which they arrive. */
  readonly external: OutcomeOn | undefined;
}

/** All that is compared of a cluster. */
export interface ClusterState {
  readonly nodes: readonly PlacedNode[];
  /** By family, name and protocol. */
  readonly ports: ReadonlyMap<string, PortState>;
  /** The zone of each node that has one. */
  readonly zones: ReadonlyMap<string, string>;
}

/** The state of a cluster from its valid objects. */
export function readClusterState(snapshot: Snapshot): ClusterState {
  const nodes = snapshot.nodes.map(({ object: { metadata } }) => ({
    name: metadata.name,
    zone: metadata.labels?.[zoneLabel] ?? '',
  }));
  // The views of no node: where endpoints are local is decided for each node below.
  const { views } = buildModel({ ...snapshot, nodes: [] }, withDefaults({}));
  const ports = views.flatMap(({ family, servicePorts }) => {
    const held = holdersOf(servicePorts);
    return servicePorts.map((servicePort) => readPort(servicePort, family, held.get(servicePort) ?? []));
  });
  return {
    nodes,
    ports: new Map(ports.map((port) => [idOf(port), port])),
    zones: new Map(nodes.filter(({ zone }) => zone !== '').map(({ name, zone }) => [name, zone])),
  };
}

function idOf({ servicePort, family }: PortState): string {
  return `${displayName(servicePort)}/${servicePort.protocol} ${nameOfFamily(family)}`;
}

/** The frontends that each service port has for itself. */
function holdersOf(servicePorts: readonly ServicePort[]): ReadonlyMap<ServicePort, HeldFrontend[]> {
  const holders = new Map<ServicePort, HeldFrontend[]>(servicePorts.map((servicePort) => [servicePort, []]));
  for (const { servicePort, kind, address } of resolveClaims(servicePorts.flatMap(claimsOf)).held) {
    holders
      .get(servicePort)
      ?.push({ kind, address, port: address === undefined ? servicePort.nodePort : servicePort.port });
  }
  return holders;
}

function claimsOf(servicePort: ServicePort): BareClaim[] {
  const { protocol, port, nodePort, clusterIP, loadBalancerIPs, externalIPs } = servicePort;
  const served = selectEndpoints(servicePort, nowhere).hasEndpoints;
  const at = (kind: FrontendKind, address: string | undefined): BareClaim => ({
    verdictKey: verdictKeyOf({ address, protocol, port: address === undefined ? nodePort : port }),
    kind,
    address,
    servicePort,
    served,
  });
  return [
    at('ClusterIP', clusterIP),
    ...loadBalancerIPs.map((address) => at('LoadBalancer', address)),
    ...externalIPs.map((address) => at('ExternalIP', address)),
    ...(nodePort > 0 ? [at('NodePort', undefined)] : []),
  ];
}

const nowhere = { nodeName: '', zone: '' };

function readPort(servicePort: ServicePort, family: Family, frontends: readonly HeldFrontend[]): PortState {
  const select = selector(servicePort);
  const isHeld = (isInternal: boolean): boolean => frontends.some(({ kind }) => (kind === 'ClusterIP') === isInternal);
  const outcomes = (isInternal: boolean): OutcomeOn | undefined =>
    isHeld(isInternal) ? cached(select, (selection) => outcomeOf(servicePort, selection, isInternal)) : undefined;
  return { servicePort, family, frontends, internal: outcomes(true), external: outcomes(false) };
}

/** The selection on each node, the same object for nodes that differ in nothing that matters. */
function selector(servicePort: ServicePort): (node: PlacedNode) => Selection {
  const { endpoints, internalPolicy, externalPolicy } = servicePort;
  const isLocal = internalPolicy === 'Local' || externalPolicy === 'Local';
  const hasHints = endpoints.some(({ nodeHints, zoneHints }) => nodeHints.length + zoneHints.length > 0);
  const special = new Set([
    ...(isLocal ? endpoints.map(({ nodeName }) => nodeName) : []),
    ...(hasHints ? endpoints.flatMap(({ nodeHints }) => nodeHints) : []),
  ]);
  const selections = new Map<string, Selection>();
  return ({ name, zone }) => {
    const key = special.has(name) ? `node ${name}` : `zone ${hasHints ? zone : ''}`;
    const known = selections.get(key);
    if (known) {
      return known;
    }
    const placed = isLocal
      ? endpoints.map((endpoint) => ({ ...endpoint, local: name !== '' && endpoint.nodeName === name }))
      : endpoints;
    const selection = selectEndpoints({ ...servicePort, endpoints: placed }, { nodeName: name, zone });
    selections.set(key, selection);
    return selection;
  };
}

function cached(select: (node: PlacedNode) => Selection, outcome: (selection: Selection) => NodeOutcome): OutcomeOn {
  const outcomes = new Map<Selection, NodeOutcome>();
  return (node) => {
    const selection = select(node);
    const known = outcomes.get(selection) ?? outcome(selection);
    outcomes.set(selection, known);
    return known;
  };
}

function outcomeOf(
  { internalPolicy, externalPolicy }: ServicePort,
  { cluster, local, internalRefusal, externalRefusal }: Selection,
  isInternal: boolean,
): NodeOutcome {
  const refusal = isInternal ? internalRefusal : externalRefusal;
  if (refusal) {
    return { verdict: refusal === 'drop' ? 'dropped' : 'refused', endpoints: [], keepsSource: false };
  }
  const isLocal = (isInternal ? internalPolicy : externalPolicy) === 'Local';
  return { verdict: 'served', endpoints: isLocal ? local : cluster, keepsSource: isInternal || isLocal };
}
