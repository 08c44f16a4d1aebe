import type { Chain } from '../nft/ruleset.ts';
import { setsOf, targetsOf } from '../nft/ruleset-parts.ts';
import { isDispatchChainName } from '../phases/5-plan/dispatch-chains.ts';

/** So many chains for numbers of endpoints that nobody has at the moment are kept at most. */
export const idleChainLimit = 64;

/**
 * Of the chains that nobody goes to any more, those that may stay because a Service will soon have so many endpoints
 * again: to add a chain makes the kernel validate the whole table, 70 ms at 30,000 Services, and Linux before 6.2
 * refuses to delete a chain in the transaction that takes the last element which leads to it. None when they have become
 * too many.
 *
 * @param unused chains that are not wanted.
 * @param stays whether a set or chain that such a chain uses stays by itself.
 */
export function idleChains(
  unused: readonly Chain[],
  stays: { readonly set: (name: string) => boolean; readonly chain: (name: string) => boolean },
): Chain[] {
  let idle = unused.filter(
    // An empty rule is one that was not understood.
    ({ name, rules }) =>
      isDispatchChainName(name) && rules.every((rule) => rule.length > 0 && setsOf(rule).every(stays.set)),
  );
  // Who goes to a chain that has to go, goes with it.
  for (let count = -1; count !== idle.length; ) {
    count = idle.length;
    const names = new Set(idle.map(({ name }) => name));
    idle = idle.filter((chain) =>
      chain.rules
        .flat()
        .flatMap(targetsOf)
        .every((name) => names.has(name) || stays.chain(name)),
    );
  }
  return idle.length > idleChainLimit ? [] : idle;
}
