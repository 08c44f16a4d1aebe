import type { Family } from '../net/network.ts';
import type { RunningProgram, RunProgram } from './run-program.ts';

/** A change of tables, made by one transaction. */
export interface TableChange {
  /** The families whose table was changed; none where only a mark was seen. */
  readonly families: ReadonlySet<Family>;
  /** The name of a table that it added, if that begins as marks do. */
  readonly mark: string | undefined;
  /** The process that made it, by its number outside of all containers; undefined when nft does not say. */
  readonly pid: number | undefined;
  /** Its name, `nft`. */
  readonly name: string;
}

/** Who hears of the changes of a table. */
export interface MonitorOptions {
  readonly table: string;
  /** How the names of tables begin by which transactions are recognized. */
  readonly markPrefix: string;
  readonly onChange: (change: TableChange) => void;
  /** The kernel sent more than nft could read, so some changes are unknown. */
  readonly onLoss: () => void;
  /** nft was started. What changed before it has read all tables is unknown. */
  readonly onStart: () => void;
  /** nft ended, and is started again after a while. */
  readonly onEnd: (reason: string) => void;
  /** After how many lines nft is replaced: what it keeps grows by almost a kilobyte for each. */
  readonly lines?: number;
  /** Waits before nft is started again; rejected when the signal is aborted. */
  readonly wait: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

/** In milliseconds, before nft is started again; doubled as long as it prints nothing before it ends. */
const restartDelays = { first: 1_000, last: 15_000 };

/**
 * Runs `nft monitor` and reports the changes of the tables with one name, until the signal is aborted. nft reads all tables
 * when it starts, so changes of the first moments may be missed; then it keeps them in memory.
 *
 * @param run without a lock: nft would keep it.
 */
export async function monitorTable(run: RunProgram, options: MonitorOptions, signal: AbortSignal): Promise<void> {
  const { lines = 100_000 } = options;
  let failures = 0;
  while (!signal.aborted) {
    let program: RunningProgram | undefined;
    let isReplaced = false;
    const kill = (): void => program?.kill();
    signal.addEventListener('abort', kill);
    const {
      stderr,
      exitCode,
      signal: endedBy,
    } = await run('nft', ['monitor'], undefined, {
      interact: (started) => {
        program = started;
        if (signal.aborted) {
          kill();
        } else {
          options.onStart();
        }
        let count = 0;
        readChanges(started, options, () => {
          count += 1;
          failures = 0;
          if (count === lines) {
            isReplaced = true;
            kill();
          }
        });
      },
    });
    signal.removeEventListener('abort', kill);
    if (!isReplaced && !signal.aborted) {
      const delay = Math.min(restartDelays.first * 2 ** failures, restartDelays.last);
      options.onEnd(stderr || (endedBy ?? `exit code ${exitCode}`));
      failures += 1;
      await options.wait(delay, signal).catch(() => undefined);
    }
  }
}

/** nft prints a line for each object that changes, and one after each transaction. */
function readChanges(program: RunningProgram, options: MonitorOptions, onLine: () => void): void {
  const { table, markPrefix, onChange, onLoss } = options;
  let rest = '';
  let families = new Set<Family>();
  let mark: string | undefined;
  const readLine = (line: string): void => {
    const generation = /^# new generation \d+(?: by process (\d+) \((.*)\))?$/.exec(line);
    if (!generation) {
      addFamily(families, line, table);
      mark = line.startsWith(`add table ip ${markPrefix}`) ? line.split(' ')[3] : mark;
      return;
    }
    if (families.size > 0 || mark !== undefined) {
      const [, pid, name = ''] = generation;
      onChange({ families, mark, pid: pid === undefined ? undefined : Number(pid), name });
      families = new Set();
      mark = undefined;
    }
  };
  program.onStdout((text) => {
    const lines = `${rest}${text}`.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      readLine(line);
      onLine();
    }
  });
  program.onStderr((text) => {
    if (/lost|overrun|No buffer space/i.test(text)) {
      onLoss();
    }
  });
}

/** Adds the family of a table with this name that a line is about. */
function addFamily(families: Set<Family>, line: string, table: string): void {
  const [, family, changed] =
    /^(?:add|create|delete|destroy|flush|insert|replace) [a-z]+ (ip6?) (\S+)/.exec(line) ?? [];
  if (changed === table) {
    families.add(family === 'ip6' ? 'ip6' : 'ip');
  }
}
