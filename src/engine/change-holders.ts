import type { Wanted } from '../diff/installed.ts';
import { wantChain, wantElement, wantList, wantSet } from '../diff/wanted.ts';
import { collectDispatchChains } from '../phases/5-plan/collect-dispatch-chains.ts';
import { dispatchChainName, planDispatchChain } from '../phases/5-plan/dispatch-chains.ts';
import type { Claim } from '../phases/5-plan/fragment.ts';
import type { FragmentContext } from '../phases/5-plan/fragment-context.ts';
import { stickySetName } from '../phases/5-plan/names.ts';
import type { Handover } from './change-claims.ts';
import { changePins } from './change-pins.ts';
import type { FamilyState } from './family-state.ts';
import { changeUse } from './use-counts.ts';

/** Changes what is installed for each address and port that belongs to another claim now. */
export function changeHolders(
  state: FamilyState,
  context: FragmentContext,
  wanted: Wanted,
  handovers: readonly Handover[],
): void {
  const chainsBefore = new Set(state.chains.keys());
  const stickyBefore = [...state.sticky.values()].map(({ what }) => what);
  for (const { before } of handovers) {
    if (before) {
      wantAbsent(before, wanted);
      changeUses(state, before, -1);
    }
  }
  for (const { after } of handovers) {
    if (after) {
      wantPresent(after, wanted);
      changeUses(state, after, 1);
    }
  }
  for (const [name, { what }] of state.chains) {
    if (!chainsBefore.has(name)) {
      wantChain(wanted, name, planDispatchChain(what, context));
    }
  }
  changePins(wanted, context, { before: stickyBefore, after: [...state.sticky.values()].map(({ what }) => what) });
}

function wantAbsent({ placements }: Claim, wanted: Wanted): void {
  for (const placement of placements) {
    const { name } = placement.set;
    if ('list' in placement) {
      wantList(wanted, name, placement.list.key, undefined);
    } else {
      for (const { key } of placement.elements) {
        wantElement(wanted, name, key, undefined);
      }
    }
  }
}

function wantPresent({ placements }: Claim, wanted: Wanted): void {
  for (const placement of placements) {
    const { name } = placement.set;
    wantSet(wanted, name, placement.set);
    if ('list' in placement) {
      wantList(wanted, name, placement.list.key, placement.list.sockets);
    } else {
      for (const element of placement.elements) {
        wantElement(wanted, name, element.key, element);
      }
    }
  }
}

function changeUses({ chains, sticky }: FamilyState, claim: Claim, change: 1 | -1): void {
  for (const chain of collectDispatchChains([claim.chain])) {
    changeUse(chains, dispatchChainName(chain), chain, change);
  }
  if (claim.sticky) {
    const { protocol, frontend, seconds } = claim.sticky;
    changeUse(sticky, stickySetName(protocol, frontend, seconds), claim.sticky, change);
  }
}
