import { appendAll } from '../append-all.ts';
import type { Diagnostic } from '../diagnostics.ts';
import type { Command } from '../diff/command.ts';
import type { Wanted } from '../diff/installed.ts';
import { deleteNamespaced, getNamespaced, type Namespaced, setNamespaced } from '../namespaced.ts';
import type { FragmentContext } from '../phases/5-plan/fragment-context.ts';
import { changeClaims, type Handover } from './change-claims.ts';
import { changeHolders } from './change-holders.ts';
import { changeOwned } from './change-owned.ts';
import { changeShared } from './change-shared.ts';
import type { FamilyState, PlannedPort } from './family-state.ts';

/** What a change of some Services does to one family. */
export interface FamilyChange {
  readonly commands: readonly Command[];
  readonly diagnostics: readonly Diagnostic[];
  /** Who had and who has each address and port that changed hands. */
  readonly handovers: readonly Handover[];
}

/**
 * Puts new plans of some Services in the place of the old ones, and says what they want installed.
 *
 * @param plans all service ports of each Service that may have changed; none for one that is gone.
 */
export function wantServices(
  state: FamilyState,
  context: FragmentContext,
  plans: Namespaced<readonly PlannedPort[]>,
  wanted: Wanted,
): { handovers: readonly Handover[]; diagnostics: readonly Diagnostic[] } {
  const removed: PlannedPort[] = [];
  const added: PlannedPort[] = [];
  for (const [namespace, services] of plans) {
    for (const [name, ports] of services) {
      appendAll(removed, getNamespaced(state.ports, namespace, name) ?? []);
      appendAll(added, ports);
      if (ports.length > 0) {
        setNamespaced(state.ports, namespace, name, ports);
      } else {
        deleteNamespaced(state.ports, namespace, name);
      }
    }
  }
  const change = { removed, added };
  changeShared(state, wanted, change);
  changeOwned(wanted, change);
  const { handovers, diagnostics } = changeClaims(state, change);
  changeHolders(state, context, wanted, handovers);
  return { handovers, diagnostics };
}
