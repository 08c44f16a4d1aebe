import { expectUdp } from '../conntrack/expect-udp.ts';
import type { UdpFrontend } from '../conntrack/expectations.ts';
import type { Family } from '../network.ts';
import { socketText } from '../socket-text.ts';
import { type ConntrackOutcome, cleanConntrack } from './clean-conntrack.ts';
import type { RunProgram } from './run-program.ts';
import type { Target } from './target.ts';

/** What is to be cleaned in conntrack, by family: kept until it is done, over any number of failures. */
export type ConntrackDuties = Map<Family, Map<string, UdpFrontend>>;

/** Remembers that UDP flows of a family have to be looked at, those to frontends that are gone among them. */
export function addDuty(duties: ConntrackDuties, family: Family, gone: readonly UdpFrontend[]): void {
  const known = duties.get(family) ?? new Map<string, UdpFrontend>();
  for (const frontend of gone) {
    known.set('nodePort' in frontend ? `${frontend.nodePort}` : socketText(frontend), frontend);
  }
  duties.set(family, known);
}

/**
 * Deletes stale UDP flows where that is due, in the families whose table holds what it should: a new flow must not meet
 * old rules. Undefined when nothing is due.
 */
export async function doDuties(
  duties: ConntrackDuties,
  { target, done, run }: { readonly target: Target; readonly done: ReadonlySet<Family>; readonly run: RunProgram },
): Promise<ConntrackOutcome | undefined> {
  if (![...duties.keys()].some((family) => done.has(family))) {
    return undefined;
  }
  const due = target.views().filter(({ family }) => duties.has(family) && done.has(family));
  if (due.length === 0) {
    return undefined;
  }
  const expectations = due.map((view) =>
    expectUdp(view, [...(duties.get(view.family)?.values() ?? [])], view.addresses),
  );
  const outcome = await cleanConntrack({ expectations, run });
  if (outcome.failed === undefined) {
    for (const { family } of due) {
      duties.delete(family);
    }
  }
  return outcome;
}
