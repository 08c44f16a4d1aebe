import type { Wanted } from '../diff/installed.ts';
import { wantChain, wantSet } from '../diff/wanted.ts';
import type { PlannedPort } from './family-state.ts';

/** Changes the sets and chains that service ports have for themselves: affinity over IPv6 on an nft without its flat form. */
export function changeOwned(
  wanted: Wanted,
  { removed, added }: { readonly removed: readonly PlannedPort[]; readonly added: readonly PlannedPort[] },
): void {
  for (const { fragment } of removed) {
    for (const { name } of fragment.ownedSets) {
      wantSet(wanted, name, undefined);
    }
    for (const { name } of fragment.ownedChains) {
      wantChain(wanted, name, undefined);
    }
  }
  for (const { fragment } of added) {
    for (const set of fragment.ownedSets) {
      wantSet(wanted, set.name, set);
    }
    for (const chain of fragment.ownedChains) {
      wantChain(wanted, chain.name, chain);
    }
  }
}
