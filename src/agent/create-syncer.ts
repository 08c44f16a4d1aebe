import type { ServiceProxy } from '../apply/create-service-proxy.ts';
import type { TableOutcome, UpdateOutcome } from '../apply/outcome.ts';
import { type Diagnostic, severityOf } from '../diagnostics/diagnostic.ts';
import type { Changes } from '../engine/engine.ts';
import type { FamilySync, Observe } from '../health/observation.ts';
import type { Family } from '../net/network.ts';
import { countChanges, findNodeSeen } from './observe-changes.ts';
import type { AgentLog } from './state-log.ts';

/** What all parts of an agent work with. */
export interface AgentTools {
  readonly log: AgentLog;
  /** Ends what they do. */
  readonly signal: AbortSignal;
  /** Resolves after so many milliseconds, and is rejected when the signal is aborted. */
  readonly wait: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  /** From 0 to 1. */
  readonly random: () => number;
  /** Milliseconds on a monotonic clock. */
  readonly now: () => number;
  /** Hears of what happens. */
  readonly observe: Observe;
}

/** Keeps the tables in sync. Nothing is thrown, and nothing done before the objects are complete. */
export interface Syncer {
  /** Resolves when all tables were in sync for the first time. */
  readonly firstSync: Promise<void>;
  /** Resolves when all tables were tried to be brought in sync for the first time, successfully or not. */
  readonly firstAttempt: Promise<void>;
  /** Takes changes of the cluster. */
  update(changes: Changes): void;
  /**
   * Reads tables, all or those of some families, and brings them in sync; changes wait meanwhile.
   *
   * @param isQuiet do not log that it was successful.
   */
  resync(families?: readonly Family[], isQuiet?: boolean): Promise<void>;
  /** Compares all tables with what they should hold, while changes go on. */
  recheck(): Promise<void>;
  /** Whether the last sync was successful. */
  isInSync(): boolean;
}

/** In milliseconds, before a failed sync is tried again for the first time; doubled each time. */
const firstDelay = 500;

/** In milliseconds: Services that nft rejects may be accepted after a while. */
const rejectedDelay = 300_000;

/**
 * Brings the tables in sync with what a proxy knows, logs how that goes, and tries again after failures.
 *
 * @param syncPeriod how long to wait after a failure at last, in milliseconds.
 */
export function createSyncer(proxy: ServiceProxy, syncPeriod: number, tools: AgentTools): Syncer {
  const { log, signal, now } = tools;
  const report = createOutcomeLog(log);
  let isInSync = false;
  let failures = 0;
  const first = { sync: createEvent(), attempt: createEvent() };
  const requests = trackRequests(tools);

  // Without a failure only rejected Services are tried again, which no change has to wait for.
  const retry = (): void => void (isInSync ? recheck() : resync());
  const retryAfter = createRetry(retry, tools);
  const handleOutcome = (outcome: UpdateOutcome, start: number, isQuiet: boolean): void => {
    if (!report(outcome, now() - start, isQuiet)) {
      return;
    }
    isInSync = outcome.families.every(({ result }) => result !== 'failed');
    failures = isInSync ? 0 : failures + 1;
    first.attempt.announce();
    if (isInSync) {
      first.sync.announce();
    }
    if (!outcome.ok) {
      retryAfter(failures === 0 ? rejectedDelay : Math.min(firstDelay * 2 ** (failures - 1), syncPeriod));
    }
  };
  const awaitOutcome = async (
    pending: Promise<UpdateOutcome>,
    changes: Changes | undefined,
    isQuiet = false,
  ): Promise<void> => {
    const start = now();
    const request = requests.begin(start, changes);
    try {
      const outcome = await pending;
      handleOutcome(outcome, start, isQuiet);
      requests.end(request, outcome);
    } catch (error) {
      if (!signal.aborted) {
        log('error', 'bug in svc2nft', { reason: error instanceof Error ? error.stack : String(error) });
        isInSync = false;
        first.attempt.announce();
        requests.end(request, undefined);
        retryAfter(syncPeriod);
      }
    }
  };
  const resync = async (families?: readonly Family[], isQuiet?: boolean): Promise<void> => {
    if (!signal.aborted && proxy.isReady()) {
      await awaitOutcome(proxy.resync(families), {}, isQuiet);
    }
  };
  const recheck = async (): Promise<void> => {
    if (!signal.aborted && proxy.isReady()) {
      await awaitOutcome(proxy.recheck(), undefined);
    }
  };
  return {
    firstSync: first.sync.happened,
    firstAttempt: first.attempt.happened,
    resync,
    recheck,
    isInSync: () => isInSync,
    update: (changes: Changes): void => {
      void awaitOutcome(proxy.update(changes), changes);
    },
  };
}

function summarize({ family, result, before, isRepaired }: TableOutcome): FamilySync {
  const isFull = before !== undefined || (result !== 'unchanged' && result !== 'changed');
  return { family, isInSync: result !== 'failed', isFull, isRepaired: isRepaired === true };
}

/** In one outcome, how many rejected Services are told. */
const mostRejected = 100;

function tellLeftOut(outcome: UpdateOutcome | undefined, isShared: boolean, observe: Observe): void {
  const { diagnostics = [], families = [] } = outcome ?? {};
  for (const diagnostic of diagnostics) {
    const { object, message } = diagnostic;
    if (object?.kind === 'Service' && severityOf(diagnostic) === 'error') {
      const { namespace = 'default', name = '' } = object;
      observe({ kind: 'left-out', namespace, name, reason: { problem: message } });
    }
  }
  for (const { family, rejectedServices } of isShared ? [] : families) {
    for (const service of rejectedServices.slice(0, mostRejected)) {
      const [namespace = '', name = ''] = service.split('/');
      observe({ kind: 'left-out', namespace, name, reason: { rejectedIn: family } });
    }
  }
}

/** Tells of requests, once the proxy has them, and of their ends. */
function trackRequests({ observe, now }: Pick<AgentTools, 'observe' | 'now'>) {
  // Weak, as above.
  const told = new WeakSet<UpdateOutcome['families']>();
  let count = 0;
  return {
    /**
     * @param changes what is due in the kernel now, also if that is nothing new; undefined for a comparison.
     * @returns its number.
     */
    begin: (at: number, changes: Changes | undefined): number => {
      count += 1;
      if (changes) {
        observe({ kind: 'sync-queued', request: count, at, ...countChanges(changes) });
        const nodeSeen = findNodeSeen(changes);
        if (nodeSeen) {
          observe(nodeSeen);
        }
      }
      return count;
    },
    /** @param outcome undefined after a bug. */
    end: (request: number, outcome: UpdateOutcome | undefined): void => {
      const { families, duration = 0 } = outcome ?? {};
      const { healthChecks = [], localhostPorts = [], triggers = [] } = outcome ?? {};
      const isShared = families !== undefined && told.has(families);
      if (families) {
        told.add(families);
      }
      tellLeftOut(outcome, isShared, observe);
      const results = families?.map(summarize);
      const at = now();
      const changed = { healthChecks, localhostPorts, triggers };
      observe({ kind: 'sync-done', request, at, isShared, duration, families: results, ...changed });
    },
  };
}

/** Something that happens once; later announcements are ignored. */
function createEvent(): { readonly happened: Promise<void>; announce(): void } {
  let announce = (): void => undefined;
  const happened = new Promise<void>((resolve) => {
    announce = resolve;
  });
  return { happened, announce };
}

/**
 * Does work again after a time, in milliseconds, more or less; once for several requests, after the shortest time. Services that
 * nft rejects wait for long, and a table that could not be changed must not wait for them.
 */
export function createRetry(
  work: () => void,
  { wait, random, now, signal }: Pick<AgentTools, 'wait' | 'random' | 'now' | 'signal'>,
): (delay: number) => void {
  let due = Number.POSITIVE_INFINITY;
  return (delay) => {
    const length = delay * (0.75 + random() / 2);
    const time = now() + length;
    if (time >= due) {
      return;
    }
    due = time;
    const proceed = (): void => {
      // Otherwise a shorter time has taken its place.
      if (due === time) {
        due = Number.POSITIVE_INFINITY;
        work();
      }
    };
    void wait(length, signal).then(proceed, () => undefined);
  };
}

/**
 * Logs outcomes: those that were successful only where they are not to be quiet.
 *
 * @returns a function that takes an outcome and its age, in milliseconds, and says whether there is anything new in it.
 */
function createOutcomeLog(log: AgentLog): (outcome: UpdateOutcome, age: number, isQuiet: boolean) => boolean {
  const reportDiagnostics = createDiagnosticLog(log);
  // Weak, because the first outcome has all elements of the tables.
  const logged = new WeakSet<UpdateOutcome['families']>();
  return (outcome, age, isQuiet) => {
    const { families, diagnostics, ok, waitsFor } = outcome;
    reportDiagnostics(diagnostics);
    // Calls that were carried out together have one outcome, and the first one is the oldest.
    if (logged.has(families) || waitsFor !== undefined) {
      return false;
    }
    if (!isQuiet || !ok) {
      logged.add(families);
      reportSync(log, outcome, age);
    }
    return true;
  };
}

/** Diagnostics come again with each version of an object, and are logged once. */
function createDiagnosticLog(log: AgentLog): (diagnostics: readonly Diagnostic[]) => void {
  const known = new Set<string>();
  return (diagnostics) => {
    for (const { message, object, code } of diagnostics) {
      const subject =
        object && `${object.kind} ${object.namespace === undefined ? '' : `${object.namespace}/`}${object.name}`;
      const text = `${subject} ${message}`;
      if (!known.has(text)) {
        known.add(text);
        log('warn', message, { code, ...(subject !== undefined && { object: subject }) });
      }
      if (known.size > mostKnown) {
        known.clear();
      }
    }
  };
}

/** How many diagnostics are remembered. */
const mostKnown = 1_000;

function reportSync(log: AgentLog, { families, conntrack }: UpdateOutcome, age: number): void {
  const changed = families.filter(({ result }) => result !== 'unchanged');
  for (const { family, error, rejectedServices } of families) {
    if (error) {
      log('warn', `table ${family}: nft refused a change`, { kind: error.kind, said: error.said.join('\n') });
    }
    if (rejectedServices.length > 0) {
      log('warn', `table ${family}: nft rejects Services, which are left out`, { services: rejectedServices });
    }
  }
  if (changed.length > 0) {
    const failed = changed.some(({ result }) => result === 'failed');
    log(failed ? 'error' : 'info', failed ? 'sync failed' : 'synced', {
      tables: changed.map(({ family, result }) => `${family} ${result}`).join(', '),
      commands: changed.reduce((sum, { commands }) => sum + commands.length, 0),
      ageMs: Math.round(age * 10) / 10,
      ...(conntrack && { conntrack }),
    });
  }
}
