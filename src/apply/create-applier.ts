import type { Update } from '../engine/engine.ts';
import { type ApplierState, applyUpdate } from './apply-update.ts';
import type { Outcome } from './outcome.ts';
import { createRunProgram, type RunProgram } from './run-program.ts';
import type { Pause } from './send.ts';
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
