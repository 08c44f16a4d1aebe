import { appendAll } from '../append-all.ts';
import type { Diagnostic } from '../diagnostics.ts';
import { compareServicePorts } from '../phases/3-model/compare-service-ports.ts';
import type { Claim } from '../phases/5-plan/fragment.ts';
import { resolveClaims } from '../phases/5-plan/resolve-claims.ts';
import type { FamilyState, PlannedPort } from './family-state.ts';

/** A key of the verdict maps that belongs to another claim now. */
export interface Handover {
  readonly before: Claim | undefined;
  readonly after: Claim | undefined;
}

/** Changes who wants which address and port; who gets them now, and a warning for each who does not. */
export function changeClaims(
  { claims }: Pick<FamilyState, 'claims'>,
  { removed, added }: { readonly removed: readonly PlannedPort[]; readonly added: readonly PlannedPort[] },
): { handovers: Handover[]; diagnostics: Diagnostic[] } {
  const before = new Map<string, Claim | undefined>();
  for (const claim of removed.flatMap(({ fragment }) => fragment.claims)) {
    const claimants = claims.get(claim.key) ?? [];
    rememberHolder(before, claim.key, claimants);
    claims.set(
      claim.key,
      claimants.filter((other) => other !== claim),
    );
  }
  for (const claim of added.flatMap(({ fragment }) => fragment.claims)) {
    const claimants = claims.get(claim.key) ?? [];
    rememberHolder(before, claim.key, claimants);
    claims.set(claim.key, claimants.length > 0 ? [...claimants, claim] : [claim]);
  }
  const handovers: Handover[] = [];
  const diagnostics: Diagnostic[] = [];
  for (const [key, holder] of before) {
    const { claimants, warnings } = rank(claims.get(key) ?? []);
    if (claimants.length > 0) {
      claims.set(key, claimants);
    } else {
      claims.delete(key);
    }
    handovers.push({ before: holder, after: claimants[0] });
    appendAll(diagnostics, warnings);
  }
  return { handovers: handovers.filter((handover) => handover.before !== handover.after), diagnostics };
}

/** The holder is the first of the claimants. */
function rememberHolder(before: Map<string, Claim | undefined>, key: string, claimants: readonly Claim[]): void {
  if (!before.has(key)) {
    before.set(key, claimants[0]);
  }
}

/** Puts the one who gets it first. */
function rank(claimants: readonly Claim[]): { claimants: readonly Claim[]; warnings: readonly Diagnostic[] } {
  if (claimants.length < 2) {
    return { claimants, warnings: [] };
  }
  const sorted = [...claimants].sort((a, b) => compareServicePorts(a.servicePort, b.servicePort));
  const { held, diagnostics } = resolveClaims(sorted);
  return { claimants: [...held, ...sorted.filter((claim) => !held.includes(claim))], warnings: diagnostics };
}
