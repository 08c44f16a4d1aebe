/**
 * What one node owes its clients in one family, derived from the Kubernetes objects without the code that makes rules.
 * Types only; addresses are canonical text.
 */

import type { Cidr } from '../../net/address.ts';
import type { Family, Protocol } from '../../net/network.ts';
import type { LocalDetector } from '../../phases/3-model/model.ts';

/** An endpoint that may get connections. */
export interface ExpectedEndpoint {
  /** `10.244.1.5:8080`, `[fd00::5]:8080`: what tells endpoints of a service port apart. */
  readonly text: string;
  readonly address: string;
  readonly port: number;
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
  /** Whether any endpoint of the cluster could serve; without one connections are rejected. */
  readonly hasAny: boolean;
  /** For clients of policy Cluster, and for pods and the node whatever the external policy. */
  readonly cluster: readonly ExpectedEndpoint[];
  /** Those on this node, for policy Local. */
  readonly local: readonly ExpectedEndpoint[];
  readonly internalLocal: boolean;
  readonly externalLocal: boolean;
  /** 0 without affinity. */
  readonly affinitySeconds: number;
  /** Who may use its load balancer IPs; undefined is everybody. */
  readonly allowed: readonly Cidr[] | undefined;
}

/** An address and port, or a node port, where a Service is to be found. */
export interface ExpectedFrontend {
  readonly kind: 'cluster-ip' | 'load-balancer-ip' | 'external-ip' | 'node-port';
  /** Undefined for a node port. */
  readonly address: string | undefined;
  readonly port: number;
  readonly service: ExpectedService;
}

/** Everything that decides about packets of one family. */
export interface Expectations {
  readonly family: Family;
  /** By `address protocol port`, and by `protocol port`: the owner where several Services claim one. */
  readonly ips: ReadonlyMap<string, ExpectedFrontend>;
  readonly nodePorts: ReadonlyMap<string, ExpectedFrontend>;
  /** The frontends that each Service owns, by `namespace/name`, as far as it has affinity. */
  readonly siblings: ReadonlyMap<string, readonly ExpectedFrontend[]>;
  /** Service ports, `namespace/name/protocol/port name`, that want a frontend which another one owns. */
  readonly losers: ReadonlySet<string>;
  /** Every cluster IP that a service port has, owner or not. */
  readonly clusterIPs: ReadonlySet<string>;
  /** `address protocol port` of endpoints that run here, or may, and so could meet themselves. */
  readonly hairpins: ReadonlySet<string>;
  readonly serviceCIDRs: readonly Cidr[];
  readonly nodeAddresses: readonly string[];
  /** Which of the node's addresses accept node ports; `all` leaves out loopback. */
  readonly nodePortAddresses: 'all' | ReadonlySet<string>;
  /** Undefined where pods cannot be told from others; a CIDR for the detectors by source. */
  readonly detector: LocalDetector | undefined;
  readonly podCidr: Cidr | undefined;
  readonly masqueradeAll: boolean;
  /** The one bit of the mark that asks for masquerading, as a number. */
  readonly masqueradeMark: number;
  /**
   * `address protocol port` of endpoints at which the rules refuse connections, or may: cluster IPs, and endpoint addresses that are
   * frontends as well. A connection is refused there though a Service has sent it.
   */
  readonly guardedEndpoints: ReadonlySet<string>;
}
