import { goneFrontends, udpFrontends } from '../conntrack/udp-frontends.ts';
import type { FamilyUpdate, Update } from '../engine/engine.ts';
import type { Family } from '../network.ts';
import { changeTable, type FamilyJob, startFamily } from './apply-family.ts';
import { addDuty, type ConntrackDuties, doDuties } from './conntrack-duty.ts';
import { deleteLostPins } from './delete-lost-pins.ts';
import type { FamilyOutcome, Outcome } from './outcome.ts';
import { createRunProgram, type RunProgram } from './run-program.ts';
import type { Pause } from './send.ts';
import type { Target } from './target.ts';

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
}

/** Makes an applier for a target, an engine for instance. It knows nothing of the kernel yet. */
export function createApplier(
  target: Target,
  { run = createRunProgram(), pause = wait }: ApplierOptions = {},
): Applier {
  const state: ApplierState = { known: new Set(), duties: new Map() };
  let last: Promise<unknown> = Promise.resolve();
  return {
    apply: (update) => {
      const outcome = last.then(() => applyUpdate(state, update, { target, run, pause }));
      last = outcome.catch(() => undefined);
      return outcome;
    },
  };
}

interface ApplierState {
  /** Families of which the target knows what the kernel holds. */
  readonly known: Set<Family>;
  readonly duties: ConntrackDuties;
}

type Tools = Pick<FamilyJob, 'target' | 'run' | 'pause'>;

async function applyUpdate(state: ApplierState, update: Update, tools: Tools): Promise<Outcome> {
  const { target, run } = tools;
  const families: FamilyOutcome[] = [];
  for (const family of target.families) {
    const changed = update.families.find((one) => one.family === family);
    // What was said while the target was ready is still to be done.
    if (target.isReady() || (changed && state.known.has(family))) {
      const outcome = await applyFamily(state, { ...tools, family }, changed);
      families.push(...(outcome ? [outcome] : []));
    }
  }
  const done = new Set(families.filter(({ result }) => result !== 'failed').map(({ family }) => family));
  const conntrack = await doDuties(state.duties, { target, done, run });
  const ok = families.every(({ result, leftOut }) => result !== 'failed' && leftOut.length === 0);
  return { ok, families, conntrack };
}

/** Undefined when nobody knows any more what is wanted. */
async function applyFamily(
  state: ApplierState,
  job: FamilyJob,
  update: FamilyUpdate | undefined,
): Promise<FamilyOutcome | undefined> {
  const { family, target } = job;
  if (update?.aftermath.touchesUdp) {
    addDuty(state.duties, family, update.aftermath.goneUdpFrontends);
  }
  // Until it is done nobody knows, whatever happens.
  const isKnown = state.known.delete(family);
  const isPending = update?.resyncs === target.resyncs(family);
  const outcome = isKnown ? await changeTable(job, isPending ? update.commands : []) : await startFamily(job);
  if (!outcome || outcome.result === 'failed') {
    return outcome;
  }
  state.known.add(family);
  if (!isKnown || update) {
    await lookAfter(state, job, { outcome, update: isKnown ? update : undefined });
  }
  return outcome;
}

/** What remains to be done once a table holds what it should. */
async function lookAfter(
  { duties }: ApplierState,
  { target, family, run }: FamilyJob,
  { outcome, update }: { readonly outcome: FamilyOutcome; readonly update: FamilyUpdate | undefined },
): Promise<void> {
  const needsPins = update?.aftermath.touchesPins === true && outcome.result === 'changed';
  // To put the ruleset together takes time, so not for every change.
  const ruleset = !update || needsPins ? target.rulesets().find((one) => one.family === family) : undefined;
  if (!ruleset) {
    return;
  }
  if (update) {
    await deleteLostPins(run, ruleset, update.aftermath.repinned);
    return;
  }
  const gone = outcome.before ? goneFrontends(outcome.before.ruleset, ruleset) : [];
  if (gone.length > 0 || udpFrontends(ruleset).length > 0) {
    addDuty(duties, family, gone);
  }
}

function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}
