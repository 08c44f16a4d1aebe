/** The frontends of a node as `svc2nft list -o json` prints them. Types only; plain data. */

import type { EndpointLocation, EndpointState, LeftOutReason } from '../../frontends/endpoints.ts';
import type { FrontendState } from '../../frontends/frontend.ts';
import type { Family } from '../../net/network.ts';
import type { FrontendKind } from '../../phases/3-model/model.ts';

/**
 * How a Service came to an address. `External` is a load balancer IP or an external IP where only the rules are known, and
 * they do not say which: they recognize load balancer IPs by their source ranges.
 */
export type FrontendType = FrontendKind | 'External';

/** An endpoint of a frontend. Texts are empty where unknown. */
export interface EndpointRow extends EndpointLocation {
  /**
   * Whether it runs on this node. From the rules alone, one whose slice names no node counts as local: the rules allow for
   * it to run here. Null where the rules do not show it, as those of iptables at Services without a policy Local.
   */
  readonly local: boolean | null;
  /** Null from the rules alone, which do not know. */
  readonly state: EndpointState | null;
  /** Which clients' connections it may get: pods and the node are internal, the others external. */
  readonly usedBy: 'all' | 'external' | 'internal' | 'none';
  /** Null where some clients use it. `refused-endpoint`: the rules pick it, and then refuse it as an address of Services. */
  readonly leftOut: LeftOutReason | 'refused-endpoint' | null;
}

/**
 * One address and port, or node port, of a service port in one family. A Service without any rules has one row for each of
 * its ports, or one if it has none, in which everything is null that follows from rules.
 */
export interface FrontendRow {
  readonly namespace: string;
  readonly service: string;
  /** The name of the service port, empty for an unnamed one. In the kernel names are cut where all three have 128 bytes. */
  readonly portName: string | null;
  readonly protocol: string | null;
  /** The number of the service port; null where it is not known, as for node ports from the rules alone. */
  readonly port: number | null;
  readonly family: Family | null;
  readonly type: FrontendType | null;
  /** `10.96.0.10:80/tcp`, `[fd00::1]:80/tcp`; node ports `*:30080/tcp`, over IPv6 `[*]:30080/tcp`. */
  readonly frontend: string | null;
  /** internalTrafficPolicy or externalTrafficPolicy, whichever applies here; null where the rules do not show it. */
  readonly policy: 'Cluster' | 'Local' | null;
  /** What happens to connections that no endpoint takes; null where all clients reach one. */
  readonly refusal: FrontendState['refusal'];
  /** The service port that has the address in place of this one. */
  readonly heldBy: string | null;
  /** Seconds that a client keeps its endpoint; 0 without affinity. */
  readonly affinitySeconds: number;
  /** CIDRs that may use it; null where all clients may. */
  readonly sourceRanges: readonly string[] | null;
  /** How many endpoints some clients may reach, and how many of them are local, which is null where it is not known. */
  readonly endpointsUsed: number;
  readonly endpointsLocal: number | null;
  /** Sorted by address and port, as numbers. From the rules alone only those in use are known. */
  readonly endpoints: readonly EndpointRow[];
  /** What is worth knowing, in few words each. */
  readonly remarks: readonly string[];
}

/** What holds for all frontends of one table. */
export interface TableRow {
  readonly family: Family;
  readonly table: string;
  /**
   * Where node ports are open: addresses of the node, or for all of them `0.0.0.0/0` or `::/0`, as KubeProxyConfiguration's
   * nodePortAddresses has it; empty where they are open nowhere; null where the rules do not show it.
   */
  readonly nodePortAddresses: readonly string[] | null;
}

/** All frontends of a node. */
export interface Inventory {
  /** The node's name; empty where it is unknown, as from the rules alone. */
  readonly node: string;
  readonly tables: readonly TableRow[];
  /** Sorted by namespace, Service, port name, protocol, family, type, frontend and port. */
  readonly items: readonly FrontendRow[];
}
