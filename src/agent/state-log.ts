import type { ResourceState } from '../cluster/follow-resource.ts';

/** Receives what happens, a message with its details. */
export type AgentLog = (
  level: 'info' | 'warn' | 'error',
  message: string,
  details?: Readonly<Record<string, unknown>>,
) => void;

/** In milliseconds: how soon trouble that goes on is told again; doubled each time. */
const intervals = { first: 60_000, last: 3_600_000 };

/** How many kinds of trouble are remembered. */
const mostTroubles = 100;

/** Attempts that fail for one reason. */
interface Trouble {
  readonly since: number;
  attempts: number;
  toldAt: number;
  /** In milliseconds: when it is told again. */
  interval: number;
  /** What cannot be followed because of it now. */
  readonly kinds: Set<string>;
}

/**
 * Receives how following goes, and logs it: trouble once for each reason, then with the number of attempts after a minute, and less
 * and less often; and once when it is over. Trouble that comes again within that time is not told as if it were new.
 *
 * @param now milliseconds on a monotonic clock.
 */
export function createStateLog(log: AgentLog, now: () => number): (kind: string, state: ResourceState) => void {
  const troubles = createTroubles(log, now);
  const told = new Set<string>();
  return (kind, state) => {
    if (state.state === 'retrying') {
      troubles.add(kind, state.reason, Math.round(state.delay));
      return;
    }
    const text = `${kind}: ${state.state === 'absent' ? 'the API server has no such objects' : state.state}`;
    if (!told.has(text)) {
      told.add(text);
      log('info', text);
    }
    if (state.state !== 'listing') {
      troubles.end(kind);
    }
  };
}

function createTroubles(log: AgentLog, now: () => number) {
  /** By their reasons, without numbers: versions and ports differ from one attempt to the next. */
  const troubles = new Map<string, Trouble>();
  /** Since following worked, if that has to be told. */
  let failedAttempts = 0;
  let isTold = false;

  const tell = (reason: string, trouble: Trouble): void => {
    const { kinds, attempts, since } = trouble;
    isTold = true;
    log('warn', 'the API server still cannot be followed; rules stay as they are', {
      ...{ kinds: [...kinds].sort().join(', '), reason },
      ...{ attempts, sinceS: Math.round((now() - since) / 1_000) },
    });
  };
  const start = (key: string, kind: string): void => {
    if (troubles.size >= mostTroubles) {
      troubles.clear();
    }
    const time = now();
    troubles.set(key, { since: time, attempts: 1, toldAt: time, interval: intervals.first, kinds: new Set([kind]) });
  };
  return {
    add: (kind: string, reason: string, retryInMs: number): void => {
      const key = reason.replaceAll(/\d+/g, '0');
      failedAttempts += 1;
      for (const [other, { kinds }] of troubles) {
        if (other !== key) {
          kinds.delete(kind);
        }
      }
      const known = troubles.get(key);
      const isDue = known !== undefined && now() - known.toldAt >= known.interval;
      if (!known || (isDue && known.kinds.size === 0)) {
        start(key, kind);
        isTold = true;
        log('warn', 'the API server cannot be followed; rules stay as they are', { kind, reason, retryInMs });
        return;
      }
      known.attempts += 1;
      known.kinds.add(kind);
      if (isDue) {
        known.toldAt = now();
        known.interval = Math.min(2 * known.interval, intervals.last);
        tell(reason, known);
      }
    },
    end: (kind: string): void => {
      for (const { kinds } of troubles.values()) {
        kinds.delete(kind);
      }
      if (isTold && [...troubles.values()].every(({ kinds }) => kinds.size === 0)) {
        log('info', 'the API server is followed again', { failedAttempts });
        isTold = false;
        failedAttempts = 0;
      }
    },
  };
}
