/** What is left to clean up once tables hold a change: stale UDP flows in conntrack, and invalid pins. */

import { expectUdp, goneFrontends, type UdpFrontend, udpFrontends } from '../conntrack/expect-udp.ts';
import { deletePins, findInvalidatedPins, type Pins, splitPins } from '../diff/pins.ts';
import { indexTable } from '../diff/table-state.ts';
import type { FollowUp } from '../engine/follow-up.ts';
import { isNftError, type NftError } from '../kernel/nft-error.ts';
import { readDynamicSet } from '../kernel/read-table.ts';
import { loadTransaction } from '../kernel/run-nft.ts';
import type { RunProgram } from '../kernel/run-program.ts';
import { endpointText, type Family } from '../net/network.ts';
import { printTransaction } from '../nft/command.ts';
import type { DynamicElement } from '../nft/listed-table.ts';
import type { Ruleset } from '../nft/ruleset.ts';
import { isDynamic } from '../nft/ruleset-parts.ts';
import type { NodeView } from '../phases/3-model/model.ts';
import { knownNames } from '../phases/5-plan/names.ts';
import { type ConntrackOutcome, cleanConntrack } from './clean-conntrack.ts';
import type { TableOutcome } from './outcome.ts';

/** Kept until it is done, over any number of failures. */
export interface PendingCleanup {
  /** Families whose UDP flows have to be checked, with the frontends that are gone, by text. */
  readonly udp: Map<Family, Map<string, UdpFrontend>>;
  /** Families whose pins have to be checked, with what findInvalidatedPins says. */
  readonly pins: Map<Family, Set<string>>;
}

/** Remembers the follow-up of a change. */
export function addFollowUp(pending: PendingCleanup, family: Family, followUp: FollowUp): void {
  if (followUp.checkUdpFlows) {
    addUdp(pending, family, followUp.goneUdpFrontends);
  }
  if (followUp.checkPins) {
    addPins(pending, family, followUp.invalidatedPins);
  }
}

/** Remembers what the difference between a table that was read and the ruleset that it holds now leaves to clean up. */
export function addCleanupOfSync(
  pending: PendingCleanup,
  { before, result, commands }: TableOutcome,
  after: Ruleset,
): void {
  const gone = before ? goneFrontends(before.ruleset, after) : [];
  if (gone.length > 0 || udpFrontends(after).length > 0) {
    addUdp(pending, after.family, gone);
  }
  const hasPins = before && [...before.dynamic.values()].some((pins) => pins.length > 0);
  const isDone = result === 'rebuilt' || commands.some(({ kind }) => kind === 'add-pins');
  if (hasPins && !isDone) {
    const table = indexTable(after);
    const invalidated = findInvalidatedPins(indexTable(before.ruleset).sets, table.sets);
    if (splitPins(before.dynamic, table, invalidated).lost.size > 0) {
      addPins(pending, after.family, invalidated);
    }
  }
}

function addUdp({ udp }: PendingCleanup, family: Family, gone: readonly UdpFrontend[]): void {
  const known = udp.get(family) ?? new Map<string, UdpFrontend>();
  for (const frontend of gone) {
    known.set('nodePort' in frontend ? `${frontend.nodePort}` : endpointText(frontend), frontend);
  }
  udp.set(family, known);
}

function addPins({ pins }: PendingCleanup, family: Family, invalidated: ReadonlySet<string>): void {
  pins.set(family, new Set([...(pins.get(family) ?? []), ...invalidated]));
}

/**
 * Deletes stale UDP flows in the families given, where that is pending. Undefined when nothing is.
 *
 * @param views of the families whose tables hold what they should: a new flow must not meet old rules.
 */
export async function cleanUdpFlows(
  pending: PendingCleanup,
  views: readonly NodeView[],
  { run, now }: { readonly run: RunProgram; readonly now?: (() => number) | undefined },
): Promise<ConntrackOutcome | undefined> {
  // What the next change adds meanwhile is left for the next time.
  const due = views.flatMap((view) => {
    const gone = pending.udp.get(view.family);
    pending.udp.delete(view.family);
    return gone ? [{ view, gone: [...gone.values()] }] : [];
  });
  if (due.length === 0) {
    return undefined;
  }
  const expectations = due.map(({ view, gone }) => expectUdp(view, gone, view.addresses));
  const outcome = await cleanConntrack({ expectations, run, now });
  if (outcome.failed !== undefined) {
    for (const { view, gone } of due) {
      addUdp(pending, view.family, gone);
    }
  }
  return outcome;
}

/** How often pins are read and deleted before the rest is left for the next run. */
const mostAttempts = 3;

/**
 * Deletes invalid pins, where that is pending. It takes reading the pins, so it comes after the change and not with it.
 * Packets change pins at any moment, and nft refuses to delete a pin that has changed, so it is tried again. Until then a
 * client whose endpoint is gone loses its next packet and chooses again; one whose frontend has another policy stays.
 *
 * @param ruleset what the table holds.
 */
export async function cleanPins(pending: PendingCleanup, ruleset: Ruleset, run: RunProgram): Promise<void> {
  const { family, table } = ruleset;
  const invalidated = pending.pins.get(family);
  if (!invalidated) {
    return;
  }
  // What the next change adds meanwhile is left for the next time.
  pending.pins.delete(family);
  const actual = indexTable(ruleset);
  for (let attempt = 0; attempt < mostAttempts; attempt++) {
    const found = await readPins(run, ruleset);
    if (isNftError(found)) {
      continue;
    }
    const commands = deletePins(splitPins(found, actual, invalidated).lost);
    if ((await loadTransaction(run, printTransaction({ family, table, commands }))) === undefined) {
      return;
    }
  }
  addPins(pending, family, invalidated);
}

async function readPins(run: RunProgram, { family, table, sets }: Ruleset): Promise<Pins | NftError> {
  const pins = new Map<string, readonly DynamicElement[]>();
  for (const { name, value, key } of sets.filter(isDynamic)) {
    if (key.length > 1) {
      const listed = await readDynamicSet(
        run,
        { family, table },
        { set: name, isMap: value !== undefined, knownNames },
      );
      if (isNftError(listed)) {
        return listed;
      }
      pins.set(name, listed?.dynamic.get(name) ?? []);
    }
  }
  return pins;
}
