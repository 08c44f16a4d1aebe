import { goneFrontends, udpFrontends } from '../conntrack/udp-frontends.ts';
import { indexInstalled } from '../diff/index-installed.ts';
import { partPins } from '../diff/part-pins.ts';
import { repinnedFrontends } from '../diff/repinned-frontends.ts';
import type { FamilyUpdate, Update } from '../engine/engine.ts';
import type { Family } from '../network.ts';
import type { Ruleset } from '../phases/5-plan/ruleset.ts';
import { changeTable, type FamilyJob, startFamily } from './apply-family.ts';
import { addDuty, type ConntrackDuties, doDuties } from './conntrack-duty.ts';
import type { NftErrorKind } from './nft-error.ts';
import type { FamilyOutcome, Outcome } from './outcome.ts';
import { addPinDuty, doPinDuty, type PinDuties } from './pin-duty.ts';

/** What an applier remembers. */
export interface ApplierState {
  /** Families of which the target knows what the kernel holds. */
  readonly known: Set<Family>;
  /** The sequence number of the last update that was given, by family. */
  readonly sequences: Map<Family, number>;
  readonly duties: ConntrackDuties;
  readonly pinDuties: PinDuties;
}

/** What it works with. */
export type Tools = Pick<FamilyJob, 'target' | 'run' | 'pause'>;

/** Carries out one update, and what is left of those before. */
export async function applyUpdate(state: ApplierState, update: Update, tools: Tools): Promise<Outcome> {
  const { target, run } = tools;
  const families: FamilyOutcome[] = [];
  const known = new Set(state.known);
  for (const family of target.families) {
    const changed = update.families.find((one) => one.family === family);
    // What was said while the target was ready is still to be done.
    if (target.isReady() || (changed && state.known.has(family))) {
      const outcome = await applyFamily(state, { ...tools, family }, changed);
      families.push(...(outcome ? [outcome] : []));
    }
  }
  await reconsider(state, tools, { families, known });
  const done = new Set(families.filter(({ result }) => result !== 'failed').map(({ family }) => family));
  const conntrack = await doDuties(state.duties, { target, done, run });
  const ok = families.every(({ result, leftOut }) => result !== 'failed' && leftOut.length === 0);
  return { ok, families, conntrack };
}

/** What nft says when a table is not as it was left. */
const signsOfOthers: ReadonlySet<NftErrorKind> = new Set(['busy', 'file-exists', 'no-buffer-space', 'no-such-file']);

/** Where somebody else was at one of our tables, the others are read as well. */
async function reconsider(
  state: ApplierState,
  tools: Tools,
  { families, known }: { readonly families: FamilyOutcome[]; readonly known: ReadonlySet<Family> },
): Promise<void> {
  const disturbed = families.filter(({ family, error }) => known.has(family) && error && signsOfOthers.has(error.kind));
  if (disturbed.length === 0) {
    return;
  }
  for (const [index, outcome] of families.entries()) {
    const { family, result } = outcome;
    if (known.has(family) && !disturbed.includes(outcome) && result !== 'failed') {
      state.known.delete(family);
      families[index] = (await applyFamily(state, { ...tools, family }, undefined)) ?? outcome;
    }
  }
}

/** Undefined when nobody knows any more what is wanted. */
async function applyFamily(
  state: ApplierState,
  job: FamilyJob,
  update: FamilyUpdate | undefined,
): Promise<FamilyOutcome | undefined> {
  const { family, target } = job;
  if (update) {
    addDutiesOfUpdate(state, update);
  }
  const isPending = update?.resyncs === target.resyncs(family);
  const isInOrder = takeSequence(state, update) || !isPending;
  // Until it is done nobody knows, whatever happens.
  const isKnown = state.known.delete(family) && isInOrder;
  const outcome = isKnown ? await changeTable(job, isPending ? update.commands : []) : await startFamily(job);
  if (!outcome || outcome.result === 'failed') {
    return outcome;
  }
  state.known.add(family);
  if (outcome.result === 'rebuilt') {
    // Only pins that may stay are written into a new table.
    state.pinDuties.delete(family);
  }
  if (!isKnown || state.pinDuties.has(family)) {
    // To put the ruleset together takes time, so not for every change.
    const ruleset = target.rulesets().find((one) => one.family === family);
    if (!isKnown && ruleset) {
      addDutiesOfStart(state, outcome, ruleset);
    }
    await (ruleset && doPinDuty(state.pinDuties, job.run, ruleset));
  }
  return outcome;
}

/** Whether the update is the next one: none is missing, and none comes twice. */
function takeSequence({ sequences }: ApplierState, update: FamilyUpdate | undefined): boolean {
  if (!update) {
    return true;
  }
  const last = sequences.get(update.family) ?? 0;
  sequences.set(update.family, Math.max(last, update.sequence));
  return update.sequence === last + 1;
}

function addDutiesOfUpdate({ duties, pinDuties }: ApplierState, { family, aftermath }: FamilyUpdate): void {
  if (aftermath.touchesUdp) {
    addDuty(duties, family, aftermath.goneUdpFrontends);
  }
  if (aftermath.touchesPins) {
    addPinDuty(pinDuties, family, aftermath.repinned);
  }
}

/** What a table that was just read leaves to be done, whatever was said of changes. */
function addDutiesOfStart({ duties, pinDuties }: ApplierState, outcome: FamilyOutcome, ruleset: Ruleset): void {
  const { before, result, commands } = outcome;
  const gone = before ? goneFrontends(before.ruleset, ruleset) : [];
  if (gone.length > 0 || udpFrontends(ruleset).length > 0) {
    addDuty(duties, ruleset.family, gone);
  }
  const isPinned = before && [...before.dynamic.values()].some((pins) => pins.length > 0);
  const isDone = result === 'rebuilt' || commands.some(({ kind }) => kind === 'add-pins');
  if (isPinned && !isDone) {
    const [old, now] = [indexInstalled(before.ruleset), indexInstalled(ruleset)];
    const repinned = repinnedFrontends(old.sets, now.sets);
    if (partPins(before.dynamic, now, repinned).lost.size > 0) {
      addPinDuty(pinDuties, ruleset.family, repinned);
    }
  }
}
