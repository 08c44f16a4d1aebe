import { isDeepStrictEqual } from 'node:util';
import type { Chain } from '../phases/5-plan/ruleset.ts';
import { setsOf } from '../sets-of.ts';
import type { Wanted } from './installed.ts';

/** What happens to chains: names to flush and to delete, chains to make, and those of which the rules are written. */
export interface ChainChanges {
  readonly flushed: readonly string[];
  readonly gone: readonly string[];
  readonly fresh: readonly Chain[];
  readonly written: readonly Chain[];
}

/**
 * Changes `installed` to what is wanted. A chain's rules are written all together, as single rules can only be replaced
 * by handle. A chain is never given another hook: see foreignHooks.
 *
 * @param replaced names of sets that are deleted and made again: whoever uses them has to let go in between.
 */
export function changeChains(
  installed: Map<string, Chain>,
  wanted: Wanted['chains'],
  replaced: ReadonlySet<string>,
): ChainChanges {
  const flushed: string[] = [];
  const gone: string[] = [];
  const fresh: Chain[] = [];
  const written: Chain[] = [];
  for (const [name, chain] of withUsersOf(replaced, installed, wanted)) {
    const before = installed.get(name);
    if (before && chain && isDeepStrictEqual(before.rules, chain.rules) && !usesAny(chain, replaced)) {
      continue;
    }
    if (before && before.rules.length > 0) {
      flushed.push(name);
    }
    if (chain) {
      installed.set(name, chain);
      written.push(chain);
    } else if (before) {
      installed.delete(name);
      gone.push(name);
    }
    if (chain && !before) {
      fresh.push(chain);
    }
  }
  return { flushed, gone, fresh, written };
}

/** The chains that are wanted, and those that nobody spoke of but that use a replaced set. */
function withUsersOf(
  replaced: ReadonlySet<string>,
  installed: ReadonlyMap<string, Chain>,
  wanted: Wanted['chains'],
): Wanted['chains'] {
  if (replaced.size === 0) {
    return wanted;
  }
  const users = [...installed.values()].filter((chain) => !wanted.has(chain.name) && usesAny(chain, replaced));
  return new Map([...wanted, ...users.map((chain) => [chain.name, chain] as const)]);
}

function usesAny({ rules }: Chain, sets: ReadonlySet<string>): boolean {
  return sets.size > 0 && rules.some((rule) => setsOf(rule).some((name) => sets.has(name)));
}
