import type { TableChange } from '../kernel/monitor-table.ts';
import type { RunningProgram, RunProgram } from '../kernel/run-program.ts';

/** The processes that change tables for the agent, so that it knows the changes of others. */
export interface OwnWriters {
  /** Runs programs; an nft marks what it changes, until it is known by its number. */
  readonly run: RunProgram;
  /** How the names of all marks begin. */
  readonly markPrefix: string;
  /** Whether a process of the agent made a change. */
  isOwn(change: Pick<TableChange, 'pid' | 'mark'>): boolean;
}

/** How many processes are remembered: numbers are used again some day. */
const mostPids = 100;

/**
 * Tells own changes from those of others. nft monitor names a process by its number outside of all containers, which a process
 * inside does not know of itself or of its children. So every transaction also adds a table with a name that only the agent
 * knows, and deletes it, until the monitor has shown which number that nft has.
 *
 * @param id unlike that of any other agent.
 */
export function trackWriters(run: RunProgram, id: string = crypto.randomUUID().slice(0, 13)): OwnWriters {
  const markPrefix = `svc2nft-agent-${id}-`;
  const pids: number[] = [];
  /** The marks of those that stay. */
  const unknown = new Set<string>();
  let count = 0;
  return {
    markPrefix,
    run: (program, args, input, options = {}) => {
      const isTransaction = program === 'nft' && args.join(' ') === '-f -' && input;
      const { interact } = options;
      const stays = program === 'nft' && args.join(' ') === '-i' && interact;
      if (!isTransaction && !stays) {
        return run(program, args, input, options);
      }
      count += 1;
      const mark = `${markPrefix}${count}`;
      const marking = [`add table ip ${mark}`, `delete table ip ${mark}`];
      if (isTransaction) {
        return run(program, args, [...marking, input].join('\n'), options);
      }
      unknown.add(mark);
      const isKnown = (): boolean => !unknown.has(mark);
      const started = interact && ((child: RunningProgram) => interact(withMarks(child, marking.join('; '), isKnown)));
      const ended = run(program, args, input, { ...options, ...(started && { interact: started }) });
      return ended.finally(() => unknown.delete(mark));
    },
    isOwn: ({ pid, mark }) => {
      if (mark === undefined) {
        return pid !== undefined && pids.includes(pid);
      }
      if (pid !== undefined && unknown.delete(mark)) {
        pids.push(pid);
        pids.splice(0, pids.length - mostPids);
      }
      return true;
    },
  };
}

/** An nft whose lines also carry out a marking. */
function withMarks(child: RunningProgram, marking: string, isKnown: () => boolean): RunningProgram {
  return {
    ...child,
    // An empty line changes nothing.
    write: (text) => child.write(isKnown() || text.startsWith('\n') ? text : `${marking}; ${text}`),
  };
}
