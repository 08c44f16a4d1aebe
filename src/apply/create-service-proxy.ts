import { createEngine } from '../engine/create-engine.ts';
import type { Changes, Engine } from '../engine/engine.ts';
import { formatNftError, isNftError } from '../kernel/nft-error.ts';
import { probeNft } from '../kernel/probe-nft.ts';
import type { Pause } from '../kernel/run-nft.ts';
import { createRunProgram, type RunProgram } from '../kernel/run-program.ts';
import type { Ruleset } from '../nft/ruleset.ts';
import type { CompileOptions } from '../options.ts';
import type { NodeView } from '../phases/3-model/model.ts';
import { applyTables, emptyMemory } from './apply-tables.ts';
import type { UpdateOutcome } from './outcome.ts';
import { type Lock, withLock, withoutLock } from './with-lock.ts';

/** Options of `compile`, and what the service proxy works with. */
export interface ServiceProxyOptions extends Partial<CompileOptions> {
  /** Runs nft and conntrack; default: those of this machine. */
  readonly run?: RunProgram;
  /** Waits before another attempt; default: with the clock. */
  readonly pause?: Pause;
  /** Keeps other processes from the tables meanwhile; default: withLock, and no lock when `run` is given. */
  readonly lock?: Lock;
}

/** Keeps the tables of one node in sync with the objects of a cluster. */
export interface ServiceProxy {
  /**
   * Takes changes, and resolves to what became of them. Calls may overlap: changes are carried out in the order of the
   * calls, and those that arrive while nft runs are carried out together afterward, with one outcome for all. Objects are
   * copied, so the caller may change them. Before an update says that the objects are complete (`complete`), no program is
   * started and no table touched, and the outcome says what it waits for. Nothing is thrown for invalid objects or for what nft does; after a failure the
   * next call brings the tables to the desired state, `update({})` included.
   *
   * @throws LockError when another process keeps the lock on the tables for too long.
   */
  update(changes: Changes): Promise<UpdateOutcome>;
  /** Resolves when all changes are carried out. */
  idle(): Promise<void>;
  /** Resolves when all changes are carried out; later updates are rejected. The tables stay. */
  close(): Promise<void>;
  /** The rulesets that the tables should hold, one for each family; none before the objects are complete and the node is known. */
  rulesets(): readonly Ruleset[];
  /** Services and endpoints as this node sees them, one for each family; none before the objects are complete and the node is known. */
  views(): readonly NodeView[];
}

/**
 * A service proxy for this node, in the sense of the label `service.kubernetes.io/service-proxy-name`: it does what
 * kube-proxy does. It knows no object yet, and nothing about the kernel; its first update reads the tables. Unless
 * `targetNft` is given, the installed nft decides what rules may contain.
 *
 * @throws RangeError for invalid options.
 * @throws Error when nft is missing or too old, with the NftError as `cause`.
 */
export async function createServiceProxy(options?: ServiceProxyOptions): Promise<ServiceProxy> {
  // Programs in JavaScript may give null.
  const { run, pause, lock = run ? withoutLock : withLock, ...compileOptions } = options ?? {};
  const runProgram = run ?? createRunProgram();
  const targetNft = compileOptions.targetNft ?? (await findTargetNft(runProgram));
  const engine = createEngine({ ...compileOptions, targetNft });
  return startQueue(engine, { run: runProgram, lock, ...(pause && { pause }) });
}

async function findTargetNft(run: RunProgram): Promise<CompileOptions['targetNft']> {
  const nft = await probeNft(run);
  if (isNftError(nft)) {
    throw new Error(formatNftError(nft), { cause: nft });
  }
  return nft.targetNft;
}

interface QueueTools {
  readonly run: RunProgram;
  readonly pause?: Pause;
  readonly lock: Lock;
}

/**
 * The engine holds all changes that were accepted, so the queue has only rounds: at most one that runs, and at most one
 * that waits and will commit whatever was accepted by then. No update can be lost, doubled or reordered.
 */
function startQueue(engine: Engine, { lock, run, ...tools }: QueueTools): ServiceProxy {
  const memory = emptyMemory();
  let waiting: Promise<UpdateOutcome> | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let isClosed = false;

  const runRound = async (lockedRun: RunProgram): Promise<UpdateOutcome> => {
    waiting = undefined;
    try {
      const { families: updates, diagnostics, waitsFor } = engine.commit();
      return { ...(await applyTables(engine, { ...tools, run: lockedRun, memory, updates })), diagnostics, waitsFor };
    } catch (error) {
      memory.known.clear();
      throw error;
    }
  };
  const startRound = (): Promise<UpdateOutcome> => {
    const round = last.then(() => lock({ table: engine.table, run }, runRound));
    waiting = round;
    last = round.then(noop, () => {
      waiting = waiting === round ? undefined : waiting;
    });
    return round;
  };
  const idle = async (): Promise<void> => {
    for (let seen: unknown; seen !== last; ) {
      seen = last;
      await seen;
    }
  };
  return {
    // Until the first `await` this runs within the call: objects are copied before the caller can change them.
    update: async (changes) => {
      if (isClosed) {
        throw new Error('the service proxy is closed');
      }
      const found = engine.accept(changes);
      const outcome = await (waiting ?? startRound());
      return { ...outcome, diagnostics: [...found, ...outcome.diagnostics] };
    },
    idle,
    close: async () => {
      isClosed = true;
      await idle();
    },
    rulesets: () => (engine.isReady() ? engine.rulesets() : []),
    views: () => engine.views(),
  };
}

function noop(): void {
  // The outcome is returned to the callers of `update`.
}
