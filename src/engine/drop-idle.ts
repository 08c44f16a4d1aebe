import { idleChainLimit, idleChains } from '../diff/idle-chains.ts';
import type { Wanted } from '../diff/installed.ts';
import { wantChain, wantSet } from '../diff/wanted.ts';
import { isDispatchChainName } from '../phases/5-plan/dispatch-chains.ts';
import type { Chain } from '../phases/5-plan/ruleset.ts';
import { setsOf } from '../sets-of.ts';
import type { FamilyState } from './family-state.ts';

/**
 * Lets go of dispatch chains that nobody needs when they have become too many, or when a set that they use goes; and
 * then of endpoint maps that no chain reads.
 */
export function dropIdle({ installed, chains: needed }: FamilyState, wanted: Wanted): void {
  const unused = [...installed.chains.values()].filter(({ name }) => isDispatchChainName(name) && !needed.has(name));
  const isLeaving = (set: string): boolean => wanted.sets.has(set) && wanted.sets.get(set) === undefined;
  if (unused.length <= idleChainLimit && ![...wanted.sets.keys()].some(isLeaving)) {
    return;
  }
  const idle = idleChains(unused, {
    set: (name) => !isLeaving(name),
    chain: (name) => needed.has(name),
  });
  for (const chain of unused) {
    if (!idle.includes(chain)) {
      wantChain(wanted, chain.name, undefined);
    }
  }
  const kept = [...needed.keys()].map((name) => wanted.chains.get(name) ?? installed.chains.get(name));
  const read = new Set([...kept, ...idle].flatMap(setsRead));
  for (const [name, { declaration }] of installed.sets) {
    if (declaration.key.includes('index') && !read.has(name)) {
      wantSet(wanted, name, undefined);
    }
  }
}

function setsRead(chain: Chain | undefined): string[] {
  return chain?.rules.flatMap(setsOf) ?? [];
}
