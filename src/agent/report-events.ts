import { type ClusterConnection, describeConnectionError } from '../cluster/cluster-connection.ts';
import { type EventSubject, type EventText, postEvent } from '../cluster/post-event.ts';
import type { Observation } from '../health/observation.ts';
import { nameOfFamily } from '../net/network.ts';
import type { CompileOptions } from '../options.ts';
import type { AgentTools } from './create-syncer.ts';
import type { AgentServer } from './open-patiently.ts';

/** Where Events go, and about which tables. */
export interface EventOptions extends Pick<AgentTools, 'log' | 'signal' | 'wait' | 'now'> {
  readonly connection: ClusterConnection;
  readonly compile: Pick<CompileOptions, 'nodeName' | 'table'>;
  readonly wallClock: () => Date;
  /** Default: random. */
  readonly newId?: () => string;
}

/** In milliseconds: the same is not told again sooner, nor tried. An API server keeps Events for an hour. */
const intervals = { repeat: 1_800_000, retry: 60_000 };

/** How many Events there may be at once, and then one after so many milliseconds. */
const burst = { most: 20, interval: 5_000 };

/** How many Events wait, and how many of the last are remembered. */
const mostWaiting = 100;
const mostKnown = 1_000;

/** An Event that was told or tried. */
interface KnownEvent {
  /** When it may be told again. */
  againAt: number;
  /** How often it would have been told since. */
  repeats: number;
}

/**
 * Tells the users of a cluster what goes wrong on this node: Events about Services that are left out or whose port for health checks
 * or node port at a loopback address cannot be opened, and about the Node when a table had to be repaired. Few of them, and none twice within half an hour. Nothing waits
 * for that; a failure is logged once, and again after one that was successful.
 */
export function reportEvents(options: EventOptions): AgentServer {
  const { log, now } = options;
  const known = createMemory();
  const waiting: { readonly event: EventText; readonly memory: KnownEvent }[] = [];
  const post = createPoster(options);
  let isBusy = false;
  let isOverfull = false;

  const postAll = async (): Promise<void> => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const isTold = await post(next.event);
      next.memory.againAt = now() + (isTold ? intervals.repeat : intervals.retry);
    }
    isBusy = false;
    isOverfull = false;
  };
  const enqueue = (event: EventText, memory: KnownEvent): void => {
    if (waiting.length >= mostWaiting) {
      if (!isOverfull) {
        log('warn', 'there are too many Events; some are left out');
      }
      isOverfull = true;
      memory.againAt = now() + intervals.retry;
      return;
    }
    waiting.push({ event, memory });
    if (!isBusy) {
      isBusy = true;
      void postAll();
    }
  };
  return {
    observe: (observation) => {
      for (const { isCounted, ...event } of describe(observation, options.compile)) {
        const memory = known(event);
        if (now() < memory.againAt) {
          memory.repeats += 1;
          continue;
        }
        const count = memory.repeats > 0 && isCounted ? `; ${memory.repeats} times more since the last Event` : '';
        memory.againAt = Number.POSITIVE_INFINITY;
        memory.repeats = 0;
        enqueue({ ...event, note: `${event.note}${count}` }, memory);
      }
    },
    close: () => {
      waiting.length = 0;
    },
  };
}

/** What is known of Events that say the same. */
function createMemory(): (event: EventText) => KnownEvent {
  const known = new Map<string, KnownEvent>();
  return ({ regarding, reason, note }) => {
    const key = JSON.stringify([regarding, reason, note]);
    const memory = known.get(key) ?? { againAt: Number.NEGATIVE_INFINITY, repeats: 0 };
    // The last one is the one that was used last.
    known.delete(key);
    known.set(key, memory);
    const [oldest] = known.keys();
    if (known.size > mostKnown && oldest !== undefined) {
      known.delete(oldest);
    }
    return memory;
  };
}

/** Posts an Event once it may be; resolves to whether that was successful. */
function createPoster(options: EventOptions): (event: EventText) => Promise<boolean> {
  const { connection, compile, log, signal, wait, now, wallClock, newId = randomId } = options;
  const tools = { connection, signal, nodeName: compile.nodeName ?? '', wallClock, newId };
  let left = burst.most;
  let countedAt = now();
  let isFailing = false;
  const waitForTurn = async (): Promise<void> => {
    const time = now();
    left = Math.min(burst.most, left + (time - countedAt) / burst.interval);
    countedAt = time;
    if (left < 1) {
      await wait((1 - left) * burst.interval, signal);
      countedAt = now();
      left = 1;
    }
    left -= 1;
  };
  return async (event) => {
    try {
      await waitForTurn();
      await postEvent(event, tools);
      isFailing = false;
      return true;
    } catch (error) {
      if (!isFailing && !signal.aborted) {
        log('warn', 'an Event could not be created', { about: event.reason, reason: describeConnectionError(error) });
      }
      isFailing = true;
      return false;
    }
  };
}

function randomId(): string {
  return crypto.randomUUID().replaceAll('-', '').slice(0, 16);
}

interface Report extends EventText {
  /** Whether the next one says how often it happened meanwhile. */
  readonly isCounted?: true;
}

/** The Events that follow from an observation. */
function describe(observation: Observation, { nodeName = '', table }: EventOptions['compile']): Report[] {
  switch (observation.kind) {
    case 'left-out': {
      const { namespace, name, reason } = observation;
      const regarding: EventSubject = { kind: 'Service', namespace, name };
      const isInvalid = 'problem' in reason;
      const why = isInvalid ? reason.problem : `nft rejects its rules in table ${reason.rejectedIn} ${table}`;
      const note = `node ${nodeName} left it out: ${why}`;
      return [{ regarding, reason: isInvalid ? 'InvalidService' : 'RejectedService', action: 'ProgramRules', note }];
    }
    case 'port-failed': {
      const { namespace, name, port, reason } = observation.failure;
      const regarding: EventSubject = { kind: 'Service', namespace, name };
      // In the words of kube-proxy.
      const note = `node ${nodeName} failed to start healthcheck "${namespace}/${name}" on port ${port}: ${reason}`;
      return [{ regarding, reason: 'FailedToStartServiceHealthcheck', action: 'Listen', note }];
    }
    case 'localhost-port-failed': {
      const { namespace, name, port, reason } = observation.failure;
      const regarding: EventSubject = { kind: 'Service', namespace, name };
      const note = `node ${nodeName} cannot serve node port ${port} at a loopback address: ${reason}`;
      return [{ regarding, reason: 'FailedToListenOnLocalhost', action: 'Listen', note }];
    }
    case 'sync-done': {
      const repaired = (observation.families ?? []).filter(({ isRepaired }) => isRepaired && !observation.isShared);
      return repaired.map(({ family }) => ({
        regarding: { kind: 'Node', name: nodeName },
        reason: 'RulesRepaired',
        action: 'RepairRules',
        note: `another program had changed table ${family} ${table}, the ${nameOfFamily(family)} rules of Services`,
        isCounted: true,
      }));
    }
    default:
      return [];
  }
}
