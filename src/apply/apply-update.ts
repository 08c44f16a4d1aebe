import { expectUdp, goneFrontends, type UdpFrontend, udpFrontends } from '../conntrack/expect-udp.ts';
import { indexInstalled } from '../diff/installed.ts';
import { deletePins, type Pins, partPins, repinnedFrontends } from '../diff/pins.ts';
import type { FamilyUpdate, Update } from '../engine/engine.ts';
import type { NftError, NftErrorKind } from '../kernel/nft-error.ts';
import { isNftError, readDynamicSet } from '../kernel/read-table.ts';
import { createRunProgram, type RunProgram } from '../kernel/run-program.ts';
import { endpointText, type Family } from '../net/network.ts';
import { renderTransaction } from '../nft/command.ts';
import type { DynamicElement } from '../nft/listed-table.ts';
import type { Ruleset } from '../nft/ruleset.ts';
import { knownNames } from '../phases/5-plan/names.ts';
import { changeTable, type FamilyJob, startFamily } from './apply-family.ts';
import { type ConntrackOutcome, cleanConntrack } from './clean-conntrack.ts';
import type { FamilyOutcome, Outcome } from './outcome.ts';
import { type Pause, send } from './send.ts';
import type { Target } from './target.ts';
import { type Lock, withLock, withoutLock } from './with-lock.ts';

/** Makes the kernel hold what a target wants. */
export interface Applier {
  /**
   * Applies an update of the target; all of them have to be given here, in order. The first time, and after a failure,
   * the tables are read and all that differs from what the target wants by then is sent; updates that came before that
   * and are given later have nothing left to do. Calls may overlap: each waits for the one before. Nothing is thrown for
   * what nft or the kernel does.
   */
  apply(update: Update): Promise<Outcome>;
}

/** What an applier works with. */
export interface ApplierOptions {
  /** Runs nft and conntrack; default: those of this machine. */
  readonly run?: RunProgram;
  /** Waits before another try; default: with the clock. */
  readonly pause?: Pause;
  /** Keeps other processes from the tables meanwhile; default: withLock, and no lock where `run` is given. */
  readonly lock?: Lock;
}

/** Makes an applier for a target, an engine for instance. It knows nothing of the kernel yet. */
export function createApplier(
  target: Target,
  { run, pause = wait, lock = run ? withoutLock : withLock }: ApplierOptions = {},
): Applier {
  const tools = { target, run: run ?? createRunProgram(), pause };
  const state: ApplierState = { known: new Set(), sequences: new Map(), duties: new Map(), pinDuties: new Map() };
  let last: Promise<unknown> = Promise.resolve();
  return {
    apply: (update) => {
      const outcome = last.then(() => lock(target.table, () => applyUpdate(state, update, tools)));
      last = outcome.catch(() => undefined);
      return outcome;
    },
  };
}

function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}

/** What an applier remembers. */
interface ApplierState {
  /** Families of which the target knows what the kernel holds. */
  readonly known: Set<Family>;
  /** The sequence number of the last update that was given, by family. */
  readonly sequences: Map<Family, number>;
  readonly duties: ConntrackDuties;
  readonly pinDuties: PinDuties;
}

/** What it works with. */
type Tools = Pick<FamilyJob, 'target' | 'run' | 'pause'>;

/** Carries out one update, and what is left of those before. */
async function applyUpdate(state: ApplierState, update: Update, tools: Tools): Promise<Outcome> {
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

/** What is to be cleaned in conntrack, by family: kept until it is done, over any number of failures. */
type ConntrackDuties = Map<Family, Map<string, UdpFrontend>>;

/** Remembers that UDP flows of a family have to be looked at, those to frontends that are gone among them. */
function addDuty(duties: ConntrackDuties, family: Family, gone: readonly UdpFrontend[]): void {
  const known = duties.get(family) ?? new Map<string, UdpFrontend>();
  for (const frontend of gone) {
    known.set('nodePort' in frontend ? `${frontend.nodePort}` : endpointText(frontend), frontend);
  }
  duties.set(family, known);
}

/**
 * Deletes stale UDP flows where that is due, in the families whose table holds what it should: a new flow must not meet
 * old rules. Undefined when nothing is due.
 */
async function doDuties(
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

/** Families in which pins have to be looked at, with what repinnedFrontends says; kept until it is done. */
type PinDuties = Map<Family, Set<string>>;

/** Remembers that clients of a family may be pinned to where they may no longer be. */
function addPinDuty(duties: PinDuties, family: Family, repinned: ReadonlySet<string>): void {
  duties.set(family, new Set([...(duties.get(family) ?? []), ...repinned]));
}

/** So often pins are read and deleted before the rest is left for the next time. */
const mostAttempts = 3;

/**
 * Deletes the pins that hold clients where they may no longer be, where that is due. The pins have to be read for that,
 * so it comes after the change and not with it. Packets write pins at any moment, and nft refuses to delete one that is
 * another by then; so it is tried again. Until it is done, a client whose endpoint is gone loses its next packet and
 * chooses anew; one whose frontend has another policy stays.
 *
 * @param ruleset what the table holds.
 */
async function doPinDuty(duties: PinDuties, run: RunProgram, ruleset: Ruleset): Promise<void> {
  const { family, table } = ruleset;
  const repinned = duties.get(family);
  if (!repinned) {
    return;
  }
  const after = indexInstalled(ruleset);
  for (let attempt = 0; attempt < mostAttempts; attempt++) {
    const pins = await readPins(run, ruleset);
    if (isNftError(pins)) {
      continue;
    }
    const commands = deletePins(partPins(pins, after, repinned).lost);
    if ((await send(run, renderTransaction({ family, table, commands }))) === undefined) {
      duties.delete(family);
      return;
    }
  }
}

async function readPins(run: RunProgram, { family, table, sets }: Ruleset): Promise<Pins | NftError> {
  const pins = new Map<string, readonly DynamicElement[]>();
  for (const { name, flags, value, key } of sets) {
    if (flags?.includes('dynamic') && key.length > 1) {
      const read = await readDynamicSet(run, { family, table }, { set: name, isMap: value !== undefined, knownNames });
      if (isNftError(read)) {
        return read;
      }
      pins.set(name, read?.dynamic.get(name) ?? []);
    }
  }
  return pins;
}
