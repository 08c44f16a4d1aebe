/**
 * One service port's part of the ruleset: a pure function of the service port, its selection and the node.
 * Types only.
 */
import type { ServicePort } from '../3-model/model.ts';
import type { DispatchChain } from './dispatch-chains.ts';
import type { StickyFrontend } from './pin-chains.ts';
import type { Chain, Element, EndpointList, SetDeclaration } from './ruleset.ts';

/** Elements, or the endpoints of a frontend, and the set they belong to. */
export type Placement = ElementPlacement | ListPlacement;

export interface ElementPlacement {
  readonly set: SetDeclaration;
  readonly elements: readonly Element[];
}

export interface ListPlacement {
  readonly set: SetDeclaration;
  readonly list: EndpointList;
}

/** How a frontend came to its address; of two service ports that want one address the earlier kind here gets it. */
export type FrontendKind = 'cluster IP' | 'load balancer IP' | 'external IP' | 'node port';

/** Everything that a service port has at one address (or node port) and port; it belongs to one service port only. */
export interface Claim {
  /** The key in the verdict maps, `10.96.0.1 . tcp . 80` or `tcp . 30080`: equal for those who want the same. */
  readonly key: string;
  readonly kind: FrontendKind;
  /** Absent for a node port. */
  readonly address: string | undefined;
  readonly servicePort: ServicePort;
  /** Whether any endpoint could answer there. */
  readonly served: boolean;
  readonly placements: readonly Placement[];
  /** The chain that its verdict goes to, unless that is one of the fragment's own. */
  readonly chain: DispatchChain | undefined;
  readonly sticky: StickyFrontend | undefined;
}

/** One service port's part. */
export interface Fragment {
  /** Elements that other fragments may have as well. */
  readonly shared: readonly ElementPlacement[];
  readonly claims: readonly Claim[];
  readonly ownedSets: readonly SetDeclaration[];
  readonly ownedChains: readonly Chain[];
}
