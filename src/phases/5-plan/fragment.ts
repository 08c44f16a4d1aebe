/**
 * The types of phase 5: what planning depends on, and what one service port contributes to the ruleset. Types only.
 */

import type { Family, Protocol } from '../../net/network.ts';
import type { Chain, Element, EndpointList, SetDeclaration } from '../../nft/ruleset.ts';
import type {
  Endpoint,
  FrontendKind,
  LocalDetector,
  LocalhostNodePorts,
  NodePortAddresses,
  ServicePort,
} from '../3-model/model.ts';
import type { EndpointMapKey, FrontendScheme } from './names.ts';

/** What the ruleset of one family depends on besides Services: the node and its settings. */
export interface PlanContext {
  readonly family: Family;
  /** The mark bit that requests masquerading, as a number with that bit set. */
  readonly mark: number;
  readonly masqueradeAll: boolean;
  readonly detector: LocalDetector | undefined;
  readonly nodePortAddresses: NodePortAddresses;
  readonly localhostNodePorts: LocalhostNodePorts;
  /** The node's own address of the family, undefined when it has none. */
  readonly primaryAddress: string | undefined;
  /** The range of the pods on the node, undefined when it is not known. */
  readonly podCIDR: string | undefined;
  /** Whether an endpoint on the node that connects to itself has to be recognized outside of that range (masquerade.ts). */
  readonly isStray: (endpoint: Endpoint) => boolean;
  /** Whether affinity uses maps that rules write to (shared-affinity.ts) or sets for each endpoint. */
  readonly sharedAffinity: boolean;
  /** Whether the maps of dispatch count connections (dispatch.ts). */
  readonly counters: boolean;
}

/** Elements, or the endpoints of a frontend, and the set they belong to. */
export type Placement = ElementPlacement | ListPlacement;

/** Elements of a set. */
export interface ElementPlacement {
  readonly set: SetDeclaration;
  readonly elements: readonly Element[];
}

/** The endpoints of a frontend in an endpoint map. */
export interface ListPlacement {
  readonly set: SetDeclaration;
  readonly list: EndpointList;
}

/** One address and port, or node port, of a service port, in the forms that keys need. */
export interface PlannedFrontend {
  readonly scheme: FrontendScheme;
  /** Its key in endpoint maps and affinity sets: `10.96.0.1 . 80` or `30080`. */
  readonly key: string;
  /** Its key in verdict maps, with the protocol: `10.96.0.1 . tcp . 80` or `tcp . 30080`. */
  readonly verdictKey: string;
  /** Whether it is the cluster IP, to which the internal traffic policy applies. */
  readonly internal: boolean;
  readonly comment: string;
}

/**
 * A chain that a frontend's verdict goes to. It is shared by all Services with the same numbers of endpoints: the
 * packet's own address and port select the Service's elements in the map.
 */
export interface DispatchChain extends Omit<EndpointMapKey, 'scope'> {
  /**
   * `cluster` and `local` pick an endpoint of that list. `external` masquerades and picks from cluster.
   * `external-local` keeps the source: pods and the node pick from cluster, all others from local.
   */
  readonly entry: 'cluster' | 'local' | 'external' | 'external-local';
  /** How many endpoints each list has; 0 where the entry does not use it, and for an empty local list. */
  readonly clusterCount: number;
  readonly localCount: number;
  /** Whether a client's pin comes before the random choice. */
  readonly affinity: boolean;
}

/** Frontends with affinity of one protocol, kind of key and timeout: they share a set. */
export interface AffinityGroup {
  readonly protocol: Protocol;
  readonly frontend: FrontendScheme;
  readonly seconds: number;
}

/** Everything that a service port has at one address (or node port) and port; only one service port can hold it. */
export interface Claim {
  /** The key in the verdict maps, `10.96.0.1 . tcp . 80` or `tcp . 30080`: equal for claims to the same place. */
  readonly verdictKey: string;
  readonly kind: FrontendKind;
  /** Undefined for a node port. */
  readonly address: string | undefined;
  readonly servicePort: ServicePort;
  /** Whether any endpoint could answer there. */
  readonly served: boolean;
  readonly placements: readonly Placement[];
  /** The chain that its verdict goes to, unless that is one of the fragment's affinityChains. */
  readonly chain: DispatchChain | undefined;
  readonly affinity: AffinityGroup | undefined;
}

/** One service port's part of the ruleset. */
export interface Fragment {
  /** Elements that other fragments may have as well: cluster IPs and hairpin connections. */
  readonly shared: readonly ElementPlacement[];
  readonly claims: readonly Claim[];
  /** Whether any of its endpoints is a stray one (PlanContext). */
  readonly hasStrays: boolean;
  /** Sets and chains that only this service port uses; empty unless it has affinity per endpoint. */
  readonly affinitySets: readonly SetDeclaration[];
  readonly affinityChains: readonly Chain[];
}
