import { monitorTable, type TableChange } from '../kernel/monitor-table.ts';
import type { RunProgram } from '../kernel/run-program.ts';
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

/** Repairs what other programs change, as soon as nft tells of it. */
export function repairFromMonitor(
  { resync, recheck }: Syncer,
  { run, table, writers }: RepairOptions,
  { log, wait, signal }: Pick<AgentTools, 'log' | 'wait' | 'signal'>,
): Promise<void> {
  const options = {
    table,
    markPrefix: writers.markPrefix,
    wait,
    onChange: (change: TableChange): void => {
      const { families, pid, name } = change;
      if (!writers.isOwn(change)) {
        log('warn', 'another program changed our rules; repairing them', { process: name, pid });
        resync([...families]);
      }
    },
    onLoss: () => {
      log('warn', 'nft monitor lost events; comparing all rules');
      resync();
    },
    onStart: () => {
      void wait(monitorStart, signal).then(recheck, () => undefined);
    },
    onEnd: (reason: string) => {
      log('warn', 'nft monitor ended; starting it again', { reason });
    },
  };
  return monitorTable(run, options, signal);
}
