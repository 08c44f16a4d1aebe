import { monitorTable, type TableChange } from '../kernel/monitor-table.ts';
import type { RunProgram } from '../kernel/run-program.ts';
import type { Family } from '../net/network.ts';
import type { AgentTools, Syncer } from './create-syncer.ts';
import type { OwnWriters } from './own-writers.ts';

/** In milliseconds: nft has read all tables by then, and sees all changes. */
const monitorStart = 5_000;

/** Compares all tables with what they should hold, again and again: a second net for what {@link repairFromMonitor} misses. */
export async function recheckPeriodically(
  { recheck }: Syncer,
  resyncPeriod: number,
  { wait, signal }: Pick<AgentTools, 'wait' | 'signal'>,
): Promise<void> {
  while (!signal.aborted) {
    await wait(resyncPeriod, signal).catch(() => undefined);
    await recheck();
  }
}

/** Which table is repaired. */
interface RepairOptions {
  readonly table: string;
  /** Without a lock, which `nft monitor` would keep. */
  readonly run: RunProgram;
  readonly writers: OwnWriters;
}

/**
 * Repairs what other programs change, as soon as nft tells of it. Programs that go on changing the tables get neither all of the
 * CPU nor a line in the log each time.
 */
export async function repairFromMonitor(
  syncer: Pick<Syncer, 'resync' | 'recheck'>,
  { run, table, writers }: RepairOptions,
  tools: Pick<AgentTools, 'log' | 'wait' | 'signal' | 'now' | 'observe'>,
): Promise<void> {
  const { log, wait, signal, observe } = tools;
  const repair = createRepairer(syncer, tools);
  const logChange = createBurstLog(
    ['another program changed our rules; repairing them', 'other programs go on changing our rules; repairing them'],
    tools,
  );
  const logLoss = createBurstLog(
    ['nft monitor lost events; comparing all rules', 'nft monitor goes on losing events; comparing all rules'],
    tools,
  );
  const options = {
    table,
    markPrefix: writers.markPrefix,
    wait,
    onChange: (change: TableChange): void => {
      const { families, pid, name } = change;
      if (!writers.isOwn(change)) {
        observe({ kind: 'foreign-change', families: [...families] });
        repair(families, logChange(name, { process: name, pid }));
      }
    },
    onLoss: () => repair(['ip', 'ip6'], logLoss()),
    onStart: () => {
      void wait(monitorStart, signal).then(syncer.recheck, () => undefined);
    },
    onEnd: (reason: string) => {
      log('warn', 'nft monitor ended; starting it again', { reason });
      observe({ kind: 'monitor-ended' });
    },
  };
  await endOrphans(writers);
  await monitorTable(run, options, signal);
}

/**
 * Ends the nft monitor of an agent that was killed. It has nobody to write to any more, which it notices when there is something
 * to write: this transaction, which only adds a mark and deletes it.
 */
async function endOrphans({ run }: OwnWriters): Promise<void> {
  await run('nft', ['-f', '-'], '# no change\n');
}

/**
 * In milliseconds: what repairs take at once, and what one takes at least. After that they may take a quarter of the time: at 10,000
 * Services a repair keeps a CPU busy for seconds, and others can break the rules again in a millisecond.
 */
const repairTime = { atOnce: 10_000, least: 250 };
const repairPart = 0.25;

/** Repairs the tables of families, those that came meanwhile together. */
function createRepairer(
  { resync }: Pick<Syncer, 'resync'>,
  { wait, signal, now }: Pick<AgentTools, 'wait' | 'signal' | 'now'>,
): (broken: Iterable<Family>, isLogged: boolean) => void {
  let due = new Set<Family>();
  let isAnyLogged = false;
  let isBusy = false;
  /** How long repairs may take from now on; less than nothing after one that took longer. */
  let left = repairTime.atOnce;
  let countedAt = now();
  const count = (spent: number): void => {
    const time = now();
    left = Math.min(left + (time - countedAt) * repairPart, repairTime.atOnce) - spent;
    countedAt = time;
  };
  const repairDue = async (): Promise<void> => {
    while (due.size > 0 && !signal.aborted) {
      count(0);
      if (left < 0) {
        await wait(Math.ceil(-left / repairPart), signal).catch(() => undefined);
      } else {
        const [chosen, isQuiet, start] = [due, !isAnyLogged, now()];
        due = new Set();
        isAnyLogged = false;
        await resync([...chosen], isQuiet);
        count(Math.max(now() - start, repairTime.least));
      }
    }
    isBusy = false;
  };
  return (broken, isLogged) => {
    due = new Set([...due, ...broken]);
    isAnyLogged ||= isLogged;
    if (!isBusy) {
      isBusy = true;
      void repairDue();
    }
  };
}

/** In milliseconds, how long what comes often is counted. */
const logInterval = 60_000;

/** How many lines it may have before. */
const mostLines = 10;

/** How many names of processes a line has. */
const mostNames = 10;

/**
 * Logs what may come often, first each time, and what is more than that once a minute with a number.
 *
 * @returns a function that says whether it has logged something by itself.
 */
function createBurstLog(
  [first, again]: readonly [string, string],
  { log, wait, signal }: Pick<AgentTools, 'log' | 'wait' | 'signal'>,
): (process?: string, details?: Readonly<Record<string, unknown>>) => boolean {
  let lines = 0;
  let counted = 0;
  let isCounting = false;
  const names = new Set<string>();
  const startInterval = (): void => {
    isCounting = true;
    void wait(logInterval, signal).then(endInterval, () => undefined);
  };
  const endInterval = (): void => {
    if (counted === 0) {
      isCounting = false;
      lines = 0;
      return;
    }
    log('warn', again, { times: counted, ...(names.size > 0 && { processes: [...names].join(', ') }) });
    counted = 0;
    names.clear();
    startInterval();
  };
  return (process, details) => {
    if (!isCounting) {
      startInterval();
    }
    if (lines < mostLines) {
      lines += 1;
      log('warn', first, details);
      return true;
    }
    counted += 1;
    if (process !== undefined && names.size < mostNames) {
      names.add(process);
    }
    return false;
  };
}
