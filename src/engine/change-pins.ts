import type { Wanted } from '../diff/installed.ts';
import { wantChain, wantSet } from '../diff/wanted.ts';
import type { FragmentContext } from '../phases/5-plan/fragment-context.ts';
import { stickySetName } from '../phases/5-plan/names.ts';
import { collectSticky, pinSets, planPinChains, type StickyFrontend } from '../phases/5-plan/pin-chains.ts';

/** Changes the sets and chains that keep pins, when there are other kinds of sticky frontends than before. */
export function changePins(
  wanted: Wanted,
  context: FragmentContext,
  { before, after }: { readonly before: readonly StickyFrontend[]; readonly after: readonly StickyFrontend[] },
): void {
  const kinds = new Set(before.map(setNameOf));
  if (before.length === after.length && after.every((kind) => kinds.has(setNameOf(kind)))) {
    return;
  }
  const sticky = collectSticky(after);
  for (const kind of before) {
    if (!sticky.some((other) => setNameOf(other) === setNameOf(kind))) {
      wantSet(wanted, setNameOf(kind), undefined);
    }
  }
  for (const { name } of pinSets(collectSticky(before))) {
    wantSet(wanted, name, undefined);
  }
  for (const set of pinSets(sticky)) {
    wantSet(wanted, set.name, set);
  }
  for (const { name } of planPinChains(collectSticky(before), context)) {
    wantChain(wanted, name, undefined);
  }
  for (const chain of planPinChains(sticky, context)) {
    wantChain(wanted, chain.name, chain);
  }
}

function setNameOf({ protocol, frontend, seconds }: StickyFrontend): string {
  return stickySetName(protocol, frontend, seconds);
}
