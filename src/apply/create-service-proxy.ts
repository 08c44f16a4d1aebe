import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import { createEngine } from '../engine/create-engine.ts';
import type { Changes, Engine } from '../engine/engine.ts';
import type { EndpointTrigger, KubernetesObject } from '../engine/object-store.ts';
import type { Statistics } from '../engine/statistics.ts';
import { formatNftError, isNftError } from '../kernel/nft-error.ts';
import type { TableOwner } from '../kernel/nft-session.ts';
import { probeNft } from '../kernel/probe-nft.ts';
import { type Pause, pauseWithClock } from '../kernel/run-nft.ts';
import { createRunProgram, type RunProgram } from '../kernel/run-program.ts';
import type { Family } from '../net/network.ts';
import type { Ruleset } from '../nft/ruleset.ts';
import type { CompileOptions } from '../options.ts';
import type { NodeSettings, NodeView } from '../phases/3-model/model.ts';
import { type ApplyOptions, applyTables, emptyMemory } from './apply-tables.ts';
import type { ConntrackOutcome } from './clean-conntrack.ts';
import type { UpdateOutcome } from './outcome.ts';
import { type Listings, readActualTable } from './read-actual-table.ts';
import { type Lock, withLock, withoutLock } from './with-lock.ts';

/** Options of `compile`, and what the service proxy works with. */
export interface ServiceProxyOptions extends Partial<CompileOptions> {
  /** Runs nft and conntrack; default: those of this machine. */
  readonly run?: RunProgram;
  /**
   * Owns the tables, so that nobody else can change them: a session with `owns`, whose `run` has to be given, too. By default
   * anybody may.
   */
  readonly owner?: TableOwner;
  /** Waits before another attempt; default: with the clock. */
  readonly pause?: Pause;
  /** Milliseconds on a monotonic clock; default: that of this process. */
  readonly now?: () => number;
  /** Keeps other processes from the tables meanwhile; default: withLock, and no lock when `run` is given. */
  readonly lock?: Lock;
  /**
   * Receives what became of stale UDP flows and pins, which are then cleaned up after an update is done, so that the next one
   * does not wait for it; outcomes have no `conntrack`. By default updates are done when the cleanup is.
   */
  readonly onCleanup?: (conntrack: ConntrackOutcome | undefined) => void;
  /**
   * In milliseconds: while changes come faster than they are carried out, they are collected for as long as those before took,
   * but not for longer than this. 0 by default: nothing waits but for nft.
   */
  readonly minSyncPeriod?: number;
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
  /**
   * Reads the tables again, of all families or of some, and brings them to the desired state: another program may have
   * changed them. Services that nft rejected are tried again.
   */
  resync(families?: readonly Family[]): Promise<UpdateOutcome>;
  /**
   * Does the same with all tables, but reads them while changes go on. What was read counts if no change came meanwhile; after
   * three attempts changes have to wait for it.
   */
  recheck(): Promise<UpdateOutcome>;
  /** Resolves when all changes are carried out. */
  idle(): Promise<void>;
  /** Resolves when all changes are carried out; later updates are rejected. The tables stay. */
  close(): Promise<void>;
  /** Whether the objects are complete and the node is known: before, no table is touched. */
  isReady(): boolean;
  /** The rulesets that the tables should hold, one for each family; none before the objects are complete and the node is known. */
  rulesets(): readonly Ruleset[];
  /** Services and endpoints as this node sees them, one for each family; none before the objects are complete and the node is known. */
  views(): readonly NodeView[];
  /** The same without Services and endpoints, which takes no time. */
  nodeSettings(): readonly NodeSettings[];
  /** Copies of all valid objects, as far as rules depend on them. */
  objects(): readonly KubernetesObject[];
  /** How much the tables hold, and what is left out; cheap enough to ask for now and then. */
  statistics(): Statistics;
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
  const {
    run,
    owner,
    pause = pauseWithClock,
    now = () => performance.now(),
    lock = run ? withoutLock : withLock,
    onCleanup,
    minSyncPeriod = 0,
    ...compileOptions
  } = options ?? {};
  const runProgram = run ?? createRunProgram();
  const targetNft = compileOptions.targetNft ?? (await findTargetNft(runProgram));
  const engine = createEngine({ ...compileOptions, targetNft });
  return startQueue(engine, { run: runProgram, owner, lock, pause, now, minSyncPeriod, onCleanup });
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
  readonly owner: TableOwner | undefined;
  readonly pause: Pause;
  readonly now: () => number;
  readonly lock: Lock;
  readonly minSyncPeriod: number;
  readonly onCleanup: ServiceProxyOptions['onCleanup'];
}

/**
 * The engine holds all changes that were accepted, so the queue has only rounds: at most one that runs, and at most one
 * that waits and will commit whatever was accepted by then. No update can be lost, doubled or reordered.
 */
function startQueue(engine: Engine, tools: QueueTools): ServiceProxy {
  const { lock, run, owner, pause, now, onCleanup } = tools;
  const commit = createCommit(engine, now);
  const collect = collector(tools);
  const reader = createReader(engine, tools);
  const cleanup = onCleanup && startCleanup(onCleanup, now);
  /** Families whose tables have to be read again. */
  let doubtful: ReadonlySet<Family> = new Set();
  let waiting: Promise<UpdateOutcome> | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let isClosed = false;

  const runRound = async (lockedRun: RunProgram): Promise<UpdateOutcome> => {
    waiting = undefined;
    const reread = doubtful;
    doubtful = new Set();
    return commit(reread, { pause, run: lockedRun, owner, listings: reader.take(), ...cleanup?.options });
  };
  const startRound = (): Promise<UpdateOutcome> => {
    const round = last
      .then(collect.wait)
      .then(() => lock({ table: engine.table, run }, (lockedRun) => collect.measure(() => runRound(lockedRun))));
    waiting = round;
    last = round.then(noop, () => {
      waiting = waiting === round ? undefined : waiting;
    });
    return round;
  };
  const proceed = async (prepare: () => readonly Diagnostic[]): Promise<UpdateOutcome> => {
    if (isClosed) {
      throw new Error('the service proxy is closed');
    }
    const found = prepare();
    const outcome = await (waiting ?? startRound());
    return { ...outcome, diagnostics: [...found, ...outcome.diagnostics] };
  };
  const roundsEnd = (): Promise<void> => settle(() => last);
  const idle = async (): Promise<void> => {
    await roundsEnd();
    await cleanup?.idle();
  };
  const resync = (families = engine.families): Promise<UpdateOutcome> =>
    proceed(() => {
      engine.retryRejected();
      doubtful = new Set([...doubtful, ...families]);
      return [];
    });
  return {
    // Until the first `await` this runs within the call: objects are copied before the caller can change them.
    update: (changes) => proceed(() => engine.accept(changes)),
    resync,
    recheck: () => reader.read(roundsEnd).then(() => resync()),
    idle,
    close: async () => {
      isClosed = true;
      await idle();
    },
    ...knowledgeOf(engine),
  };
}

/** What a proxy tells about what it knows. */
function knowledgeOf(
  engine: Engine,
): Pick<ServiceProxy, 'isReady' | 'rulesets' | 'views' | 'nodeSettings' | 'objects' | 'statistics'> {
  const { isReady, views, nodeSettings, objects, statistics } = engine;
  return { isReady, views, nodeSettings, objects, statistics, rulesets: () => (isReady() ? engine.rulesets() : []) };
}

/** Waits for a promise, and for the one that has taken its place meanwhile. */
async function settle(latest: () => Promise<unknown>): Promise<void> {
  for (let seen: unknown; seen !== latest(); ) {
    seen = latest();
    await seen;
  }
}

/** How often tables are read while changes go on, before these have to wait. */
const readAttempts = 3;

/** Reads tables while changes go on. */
function createReader({ families, table }: Engine, { run, pause }: QueueTools) {
  let rounds = 0;
  let reading: Listings | undefined;
  /** One after the other, which keeps this process less busy. */
  const readAll = async (): Promise<Listings> => {
    const listings = new Map<Family, ReturnType<typeof readActualTable>>();
    for (const family of families) {
      const listing = readActualTable(run, { family, table }, pause);
      listings.set(family, listing);
      await listing;
    }
    return listings;
  };
  return {
    /** For a round that begins: what was read since the one before, if all of it was. */
    take: (): Listings | undefined => {
      const listings = reading;
      reading = undefined;
      rounds += 1;
      return listings;
    },
    read: async (roundsEnd: () => Promise<void>): Promise<void> => {
      for (let attempt = 0; attempt < readAttempts && reading === undefined; attempt += 1) {
        await roundsEnd();
        const before = rounds;
        const listings = await readAll();
        reading = rounds === before ? listings : undefined;
      }
    },
  };
}

/** How many times of changes are kept while tables cannot be changed. */
const mostTriggers = 10_000;

/** Brings tables up to date; those of some families are read again. */
type CommitTables = (reread: ReadonlySet<Family>, options: ApplyOptions) => Promise<UpdateOutcome>;

/** Sends what the engine has collected. After a bug nothing is known about the tables. */
function createCommit(engine: Engine, now: () => number): CommitTables {
  const memory = emptyMemory();
  /** Of changes that are not in the kernel yet. */
  let triggers: readonly EndpointTrigger[] = [];
  return async (reread, options) => {
    const start = now();
    for (const family of reread) {
      memory.known.delete(family);
    }
    try {
      const { families: updates, diagnostics, waitsFor, triggers: added } = engine.commit();
      const outcome = await applyTables(engine, { ...options, memory, updates });
      const duration = now() - start;
      const all = triggers.length === 0 ? added : [...triggers, ...added];
      const isHeld = outcome.families.every(({ result }) => result !== 'failed');
      triggers = isHeld ? [] : all.slice(-mostTriggers);
      const news = isHeld
        ? { healthChecks: engine.takeHealthChecks(), localhostPorts: engine.takeLocalhostPorts(), triggers: all }
        : { healthChecks: [], localhostPorts: [], triggers: [] };
      return { ...outcome, ...news, duration, diagnostics, waitsFor };
    } catch (error) {
      memory.known.clear();
      for (const family of engine.families) {
        memory.behind.add(family);
      }
      throw error;
    }
  };
}

/** Collects changes under load: a round waits for as long as the one before took, if that has just ended. */
function collector({ pause, now, minSyncPeriod: longest }: QueueTools) {
  let duration = 0;
  let end = Number.NEGATIVE_INFINITY;
  return {
    wait: async (): Promise<void> => {
      const left = Math.min(duration, longest) - (now() - end);
      if (left > 0) {
        await pause(left);
      }
    },
    measure: async <T>(work: () => Promise<T>): Promise<T> => {
      const start = now();
      try {
        return await work();
      } finally {
        end = now();
        duration = end - start;
      }
    },
  };
}

/**
 * Cleanups one after the other, beside the changes. While one runs, the newest waits and takes the place of those before it, whose
 * work is still pending then: a slow conntrack must not let them pile up.
 */
function startCleanup(tell: (conntrack: ConntrackOutcome | undefined) => void, now: () => number) {
  let last = Promise.resolve();
  let next: (() => Promise<ConntrackOutcome | undefined>) | undefined;
  const cleanUpNext = async (): Promise<void> => {
    const work = next;
    next = undefined;
    tell(await work?.().catch(failureOfBug));
  };
  const later = (work: () => Promise<ConntrackOutcome | undefined>): undefined => {
    last = next ? last : last.then(cleanUpNext);
    next = work;
  };
  return { options: { later, now }, idle: () => last };
}

/** Nobody waits for a cleanup, so it must not be rejected. */
function failureOfBug(error: unknown): ConntrackOutcome {
  return { deleted: 0, failed: `bug in svc2nft: ${error instanceof Error ? error.stack : String(error)}` };
}

function noop(): void {
  // The outcome is returned to the callers of `update`.
}
