/**
 * One service port's part of the ruleset: a pure function of the service port, its selection and the node.
 * Types only.
 */

import type { Chain, Element, EndpointList, SetDeclaration } from '../../nft/ruleset.ts';
import type { CompileOptions } from '../../options.ts';
import type { FrontendKind, NodeSettings, ServicePort } from '../3-model/model.ts';
import type { StickyFrontend } from './affinity.ts';
import type { DispatchChain } from './dispatch-chains.ts';
import type { FixedContext } from './fixed-chains.ts';

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

/** What every fragment depends on besides its service port: the node's settings. */
export interface FragmentContext extends FixedContext {
  /** The node's own address of the family, undefined when it has none. */
  readonly primaryAddress: string | undefined;
  /** Whether affinity may use maps that rules write to; see owned-affinity.ts. */
  readonly flatAffinity: boolean;
}

/** The context of a family on a node. */
export function fragmentContext(settings: NodeSettings, options: CompileOptions): FragmentContext {
  return {
    family: settings.family,
    mark: 2 ** options.masqueradeBit,
    masqueradeAll: options.masqueradeAll,
    detector: settings.detector,
    nodePortAddresses: settings.nodePortAddresses,
    primaryAddress: settings.primaryAddress,
    flatAffinity: settings.family === 'ip' || options.targetNft === '1.1.3',
  };
}
