/** What the engine remembers of one family. Types only; all of it follows from the objects and what is installed. */

import type { Installed } from '../diff/installed.ts';
import type { Namespaced } from '../kubernetes/namespaced-map.ts';
import type { Element, SetDeclaration } from '../nft/ruleset.ts';
import type { NodeSettings, ServicePort } from '../phases/3-model/model.ts';
import type { AffinityGroup, Claim, DispatchChain, Fragment, PlanContext } from '../phases/5-plan/fragment.ts';

/** A service port with its part of the ruleset. */
export interface PlannedPort {
  readonly servicePort: ServicePort;
  readonly fragment: Fragment;
}

/** An element that several service ports may have, and one that has it. */
export interface Sharer {
  readonly servicePort: ServicePort;
  readonly set: SetDeclaration;
  readonly element: Element;
}

/** How many hold something. */
export interface Use<T> {
  readonly what: T;
  count: number;
}

/** One family's part of the engine. */
export interface FamilyState {
  /** Absent until the first load. */
  settings: NodeSettings | undefined;
  context: PlanContext | undefined;
  /** The table in the kernel, provided that all commands given out were carried out. */
  installed: Installed;
  readonly ports: Namespaced<readonly PlannedPort[]>;
  /** All who want a key of the verdict maps, held by the first after resolveClaims. */
  readonly claims: Map<string, readonly Claim[]>;
  /** By set and key. */
  readonly sharers: Map<string, readonly Sharer[]>;
  /** Dispatch chains that held claims need, by name. */
  readonly chains: Map<string, Use<DispatchChain>>;
  /** Kinds of sticky frontends that held claims have, by the name of their set. */
  readonly sticky: Map<string, Use<AffinityGroup>>;
}
