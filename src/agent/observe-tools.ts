import type { ClusterConnection } from '../cluster/cluster-connection.ts';
import type { Observe } from '../health/observation.ts';
import type { RunProgram } from '../kernel/run-program.ts';

/** Tells of everything to those who are there at the time. */
export interface Hub {
  readonly observe: Observe;
  add(observer: Observe): void;
}

/** Without observers, what happens is not told. */
export function createHub(): Hub {
  const observers: Observe[] = [];
  return {
    observe: (observation) => {
      for (const observer of observers) {
        observer(observation);
      }
    },
    add: (observer) => {
      observers.push(observer);
    },
  };
}

/** Runs programs, and tells of transactions of nft. */
export function observeTransactions(run: RunProgram, observe: Observe, now: () => number): RunProgram {
  return async (program, args, input, options) => {
    if (program !== 'nft' || args.join(' ') !== '-f -') {
      return run(program, args, input, options);
    }
    const start = now();
    const result = await run(program, args, input, options);
    observe({ kind: 'transaction', duration: now() - start, isDone: result.exitCode === 0 });
    return result;
  };
}

/** A connection that tells of answers. */
export function observeAnswers(connection: ClusterConnection, observe: Observe): ClusterConnection {
  return {
    ...connection,
    get: async (path, signal) => {
      try {
        const answer = await connection.get(path, signal);
        observe({ kind: 'api-answer', status: answer.status });
        return answer;
      } catch (error) {
        // A request that the agent ends itself says nothing about the server.
        if (!signal.aborted) {
          observe({ kind: 'api-answer', status: undefined });
        }
        throw error;
      }
    },
  };
}
