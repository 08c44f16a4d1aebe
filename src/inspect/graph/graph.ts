/** Which endpoints serve which Services on one node, to be drawn. Types only; plain data, sorted; texts are not escaped. */

import type { Family, Protocol } from '../../net/network.ts';
import type { FrontendKind } from '../../phases/3-model/model.ts';

/** The rulesets of a node, all families together. */
export interface Graph {
  /** Empty when no node was named. */
  readonly nodeName: string;
  readonly zone: string;
  /** Where node ports are open, a canonical address for each family; none where they are closed or it is not known. */
  readonly nodePortAddresses: Readonly<Partial<Record<Family, string>>>;
  /** Sorted by namespace, name, portName, protocol, family. */
  readonly servicePorts: readonly GraphServicePort[];
  /** Services that the node does not serve, sorted by namespace and name. */
  readonly unserved: readonly UnservedService[];
}

/** A Service without rules: headless, ExternalName and the like. */
export interface UnservedService {
  readonly namespace: string;
  readonly name: string;
  /** Why, as a clause: `it is headless ...`. */
  readonly reason: string;
}

/** One entry of spec.ports of a Service, in one family. */
export interface GraphServicePort {
  readonly family: Family;
  readonly namespace: string;
  readonly name: string;
  /** Empty for the only port of a Service. */
  readonly portName: string;
  readonly protocol: Protocol;
  readonly port: number;
  /** How long a client keeps its endpoint; 0 without affinity. */
  readonly affinitySeconds: number;
  readonly frontends: readonly GraphFrontend[];
  readonly routes: readonly Route[];
  /** All that the slices have, used or not; sorted by endpoint address. */
  readonly endpoints: readonly GraphEndpoint[];
}

/** Where clients connect to. */
export interface GraphFrontend {
  /** `External` is a load balancer IP or an external IP where only the rules are known, and they do not say which. */
  readonly kind: FrontendKind | 'External';
  /** `10.96.0.10:80`, `[fd00::1]:80`, `*:30080`. */
  readonly address: string;
  /** The service port that has this frontend in the ruleset if it is another one, else empty. */
  readonly heldBy: string;
  /** CIDRs that may use it; null where all clients may. */
  readonly sourceRanges: readonly string[] | null;
  /** Indices of the routes that start here; none where another service port has the frontend. */
  readonly routes: readonly number[];
}

/** What happens to some clients of a service port: each of `endpoints` gets an equal share, or all are refused. */
export interface Route {
  /** Which clients: `internal` (pods and the node), `external`, `cluster IP`, `other frontends` than that; empty for all. */
  readonly clients: string;
  /** How many endpoints share the connections; 0 where they are refused. */
  readonly endpoints: number;
  /** As a drawing shows it; null where they reach an endpoint. */
  readonly refusal: 'rejected' | 'dropped' | 'untranslated' | 'not understood' | null;
  /** Why they are refused, as a clause; empty where they are not. */
  readonly reason: string;
}

/** One address and port that may answer for a service port. */
export interface GraphEndpoint {
  /** `10.244.1.11:8080`. */
  readonly endpointAddress: string;
  /** `namespace/name`, or empty where unknown. */
  readonly pod: string;
  readonly nodeName: string;
  readonly zone: string;
  /** Whether it runs on the node that the rulesets are for. */
  readonly local: boolean;
  readonly state: 'ready' | 'not ready' | 'terminating';
  /** Indices of the routes that lead here. */
  readonly routes: readonly number[];
  /** Why none does; empty where one does. */
  readonly leftOut: string;
}
