/**
 * What one node must do in one family, derived from the Kubernetes objects without the code that plans rules. Types
 * only; addresses are canonical text.
 */

import type { Cidr } from '../../net/address.ts';
import type { Family, Protocol } from '../../net/network.ts';
import type { FrontendKind, LocalDetector } from '../../phases/3-model/model.ts';

/** An endpoint that may get connections. */
export interface ExpectedEndpoint {
  /** `10.244.1.5:8080`, `[fd00::5]:8080`; unique within a service port. */
  readonly text: string;
  readonly address: string;
  readonly port: number;
  /** Where its EndpointSlice says that it runs; empty if that does not say. */
  readonly nodeName: string;
}

/** One port of one Service. */
export interface ExpectedService {
  /** `shop/web:http`, or `shop/web` for an unnamed port. */
  readonly label: string;
  readonly namespace: string;
  readonly name: string;
  readonly portName: string;
  readonly protocol: Protocol;
  readonly createdAt: string;
  /** Whether any endpoint in the cluster can serve; without one, connections are rejected. */
  readonly hasAny: boolean;
  /** Those for policy Cluster, and for pods and the node whatever the external policy. */
  readonly cluster: readonly ExpectedEndpoint[];
  /** Those on this node, for policy Local. */
  readonly local: readonly ExpectedEndpoint[];
  readonly internalLocal: boolean;
  readonly externalLocal: boolean;
  /** 0 without affinity. */
  readonly affinitySeconds: number;
  /** Sources that may use its load balancer IPs; undefined if all may. */
  readonly allowed: readonly Cidr[] | undefined;
}

/** An address and port, or a node port, at which a Service is reached. */
export interface ExpectedFrontend {
  readonly kind: FrontendKind;
  /** Undefined for a node port. */
  readonly address: string | undefined;
  readonly port: number;
  readonly service: ExpectedService;
}

/** Everything that decides the fate of packets in one family. */
export interface Expectations {
  readonly family: Family;
  /** Empty if no node is known. */
  readonly nodeName: string;
  /** By `address protocol port`, and by `protocol port`: the owner if several Services claim one. */
  readonly ips: ReadonlyMap<string, ExpectedFrontend>;
  readonly nodePorts: ReadonlyMap<string, ExpectedFrontend>;
  /** The frontends of each Service with affinity, by `namespace/name`. */
  readonly siblings: ReadonlyMap<string, readonly ExpectedFrontend[]>;
  /** What other Services claim, by the keys of `ips` and `nodePorts`; only where several Services claim one. */
  readonly contested: ReadonlyMap<string, readonly ExpectedFrontend[]>;
  /** Service ports, `namespace/name/protocol/port name`, that claim a frontend which another one owns. */
  readonly losers: ReadonlySet<string>;
  /** Every cluster IP that a service port has, owner or not. */
  readonly clusterIPs: ReadonlySet<string>;
  /** Addresses of endpoints that run here, or may, and so may reach themselves. */
  readonly hairpins: ReadonlySet<string>;
  /** Those whose EndpointSlice names this node, which are all for kube-proxy; and with protocol and port, as its set has them. */
  readonly hairpinsOfNode: ReadonlySet<string>;
  readonly hairpinKeysOfNode: ReadonlySet<string>;
  /** Those to which the rule for them applies: where all endpoints that run here are in the node's range of pods, that range. */
  readonly hairpinRange: Cidr | undefined;
  /** Whether spec.externalIPs of Services are served. */
  readonly servesExternalIPs: boolean;
  readonly serviceCIDRs: readonly Cidr[];
  readonly nodeAddresses: readonly string[];
  /** Which of the node's addresses accept node ports; `all` leaves out loopback. */
  readonly nodePortAddresses: 'all' | ReadonlySet<string>;
  /** Health check node ports of load balancers with policy Local, each with its Service, `namespace/name`. */
  readonly healthCheckPorts: ReadonlyMap<number, string>;
  /** The protocols whose node ports loopback addresses refuse. */
  readonly refusedAtLocalhost: ReadonlySet<Protocol>;
  /** Undefined if pods cannot be distinguished from other clients; `podCidr` is that of a detector by source. */
  readonly detector: LocalDetector | undefined;
  readonly podCidr: Cidr | undefined;
  readonly masqueradeAll: boolean;
  /** The bit of the packet mark that requests masquerading, as a number. */
  readonly masqueradeMark: number;
  /**
   * `address protocol port` of endpoints that are cluster IPs or frontends themselves: the rules may refuse what they
   * sent there.
   */
  readonly guardedEndpoints: ReadonlySet<string>;
}
