/**
 * Services and endpoints of one family: the result of phase 3, which phases 4 and 5 read. Types only. Addresses are
 * canonical, lists are sorted, and defaults are applied.
 */

import type { Document } from '../../diagnostics/document.ts';
import type { Cidr } from '../../net/address.ts';
import type { EndpointAddress, Family, Protocol } from '../../net/network.ts';

/** An address and port to which connections of a service port may go. */
export interface Endpoint {
  readonly endpointAddress: EndpointAddress;
  /** The conditions of the slice, with the API's defaults for absent ones. */
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  /** The node that it runs on; empty if the slice does not say. */
  readonly nodeName: string;
  /** Whether that is the node that the ruleset is for. */
  readonly local: boolean;
  readonly zoneHints: readonly string[];
  readonly nodeHints: readonly string[];
}

/** One entry of spec.ports of one Service in one family; identified by namespace, name, portName and protocol. */
export interface ServicePort {
  readonly namespace: string;
  readonly name: string;
  /** Empty for the only port of a Service. */
  readonly portName: string;
  readonly protocol: Protocol;
  readonly port: number;
  readonly clusterIP: string;
  /** 0 when the port has none. */
  readonly nodePort: number;
  /** Those that are served. */
  readonly externalIPs: readonly string[];
  /** Addresses of status.loadBalancer.ingress that this node translates (ipMode VIP). */
  readonly loadBalancerIPs: readonly string[];
  /** CIDRs that may reach loadBalancerIPs; if empty, all may. No CIDR contains another. */
  readonly sourceRanges: readonly Cidr[];
  readonly internalPolicy: 'Cluster' | 'Local';
  readonly externalPolicy: 'Cluster' | 'Local';
  /** Seconds that a client stays with its endpoint after its last new connection; 0 without affinity. */
  readonly affinitySeconds: number;
  /** metadata.creationTimestamp, or empty. Of two Services that claim one address, the older gets it. */
  readonly createdAt: string;
  /** Sorted bytewise by `address:port`. */
  readonly endpoints: readonly Endpoint[];
  /** The Service object, and the index in its spec.ports. */
  readonly document: Document;
  readonly index: number;
}

/** How clients reach a service port: at which of the Service's addresses, or at a port of the node. */
export type FrontendKind = 'ClusterIP' | 'LoadBalancer' | 'ExternalIP' | 'NodePort';

/** How packets from pods of this node are recognized. */
export type LocalDetector =
  | { readonly kind: 'source'; readonly cidr: string }
  /** An interface name, or with `prefix` the start of the names. */
  | { readonly kind: 'interface'; readonly name: string; readonly prefix: boolean };

/** Which of the node's addresses accept node ports. */
export type NodePortAddresses =
  | { readonly kind: 'all' }
  | { readonly kind: 'listed'; readonly addresses: readonly string[] };

/**
 * What becomes of node ports at loopback addresses, which rules cannot translate: `untouched`, so that they are like any other
 * port; `refused`; or `served`, where an agent listens for TCP, and the other protocols are refused.
 */
export type LocalhostNodePorts = 'untouched' | 'refused' | 'served';

/** A node and its settings, for one family. */
export interface NodeSettings {
  readonly family: Family;
  /** Empty if no node is known; then no endpoint is local. */
  readonly nodeName: string;
  readonly zone: string;
  /** All addresses of the node, without loopback addresses, the primary one first. */
  readonly addresses: readonly string[];
  /** The first of them, if there is one. */
  readonly primaryAddress: string | undefined;
  readonly nodePortAddresses: NodePortAddresses;
  readonly localhostNodePorts: LocalhostNodePorts;
  /** Undefined if pods cannot be recognized. */
  readonly detector: LocalDetector | undefined;
  /** The range of the pods on this node (Node spec.podCIDRs); undefined if it is not known. */
  readonly podCIDR: string | undefined;
  /** Whether spec.externalIPs of Services are served. */
  readonly servesExternalIPs: boolean;
  /** Sorted, none contains another. */
  readonly serviceCIDRs: readonly string[];
}

/** Everything about one node and one family. */
export interface NodeView extends NodeSettings {
  /** Sorted by namespace, name, portName, protocol. */
  readonly servicePorts: readonly ServicePort[];
}
