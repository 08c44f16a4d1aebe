import { invariant } from '../invariant.ts';
import type { Chain, Element } from '../phases/5-plan/ruleset.ts';
import type { IndexedRuleset, IndexedSet } from './indexed-ruleset.ts';

/** What stays the same during one walk. */
export interface WalkContext {
  readonly ruleset: IndexedRuleset;
  readonly localAddresses: ReadonlySet<string>;
  /** The source that masquerading gives; undefined where the node is not known to have one. */
  readonly ownAddress: string | undefined;
  /** Whether outcomes tell their steps, which costs more than the walk itself. */
  readonly keepsSteps: boolean;
  /** Told of every element that a lookup finds, in any branch. */
  readonly onElement: ((element: Element) => void) | undefined;
}

/** Whether an address, in canonical text, is one of the node's own. */
export function isLocal(address: string, { localAddresses }: WalkContext): boolean {
  return localAddresses.has(address) || address === '::1' || address.startsWith('127.');
}

/** The set of this name; an indexed ruleset refers to no other. */
export function setOf(name: string, { ruleset }: WalkContext): IndexedSet {
  const set = ruleset.sets.get(name);
  invariant(set, `an indexed ruleset has no set ${name}`);
  return set;
}

/** The chain of this name; an indexed ruleset refers to no other. */
export function chainOf(name: string, { ruleset }: WalkContext): Chain {
  const chain = ruleset.chains.get(name);
  invariant(chain, `an indexed ruleset has no chain ${name}`);
  return chain;
}
