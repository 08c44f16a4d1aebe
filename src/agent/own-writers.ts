import { readlinkSync } from 'node:fs';
import type { RunProgram } from '../kernel/run-program.ts';

/** The processes that change tables for the agent, so that it knows the changes of others. */
export interface OwnWriters {
  /** Runs programs, and remembers those that change tables. */
  readonly run: RunProgram;
  /** Whether a change was made by a process of the agent, as far as that can be told. */
  isOwn(pid: number | undefined): boolean;
}

/** In milliseconds: how long after a change of our own a change may come to light. */
const delay = 1_000;

/** The initial namespace of processes (PROC_PID_INIT_INO). The kernel names processes by their numbers in it. */
const initialNamespace = 'pid:[4026531836]';

/**
 * @param isNumbered whether the numbers of processes are those that the kernel names. In a container they are not: there a
 * change counts as the agent's own while it makes one, and shortly afterward.
 */
export function trackWriters(
  run: RunProgram,
  now: () => number,
  isNumbered: boolean = readlinkSync('/proc/self/ns/pid') === initialNamespace,
): OwnWriters {
  /** Of the last processes: numbers are used again some day. */
  const pids: number[] = [];
  let running = 0;
  let last = Number.NEGATIVE_INFINITY;
  return {
    run: async (program, args, input, options) => {
      const mayWrite = program === 'nft' && !args.includes('list') && !args.includes('--check');
      if (!mayWrite) {
        return run(program, args, input, options);
      }
      const stays = options?.interact !== undefined;
      running += stays ? 0 : 1;
      try {
        return await run(program, args, input, {
          ...options,
          onPid: (pid) => {
            pids.push(pid);
            pids.splice(0, pids.length - 100);
          },
        });
      } finally {
        running -= stays ? 0 : 1;
        last = now();
      }
    },
    isOwn: (pid) => (isNumbered && pid !== undefined ? pids.includes(pid) : running > 0 || now() - last < delay),
  };
}
