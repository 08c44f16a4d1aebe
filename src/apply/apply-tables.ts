import type { TablePlan } from '../diff/plan-table.ts';
import type { DesiredState } from '../engine/desired-state.ts';
import type { TableUpdate } from '../engine/engine.ts';
import type { NftErrorKind } from '../kernel/nft-error.ts';
import { type Pause, pauseWithClock } from '../kernel/run-nft.ts';
import type { RunProgram } from '../kernel/run-program.ts';
import type { Family } from '../net/network.ts';
import type { Command } from '../nft/command.ts';
import type { Outcome, TableOutcome } from './outcome.ts';
import { addCleanupOfSync, addFollowUp, cleanPins, cleanUdpFlows, type PendingCleanup } from './pending-cleanup.ts';
import type { Listings } from './read-actual-table.ts';
import { type DryRun, sendCommands, syncTable, type TableJob } from './sync-table.ts';

/** What is remembered from one call to the next. */
export interface ApplyMemory {
  /** Families whose table holds what the desired state assumes. */
  readonly known: Set<Family>;
  readonly pending: PendingCleanup;
}

/** Nothing is known about the kernel. */
export function emptyMemory(): ApplyMemory {
  return { known: new Set(), pending: { udp: new Map(), pins: new Map() } };
}

/** What {@link applyTables} works with. */
export interface ApplyOptions {
  readonly run: RunProgram;
  /** Waits before another attempt; default: with the clock. */
  readonly pause?: Pause;
  readonly dryRun?: DryRun | undefined;
  /** Of the calls before; default: this is the first one. */
  readonly memory?: ApplyMemory;
  /** What changed since the call before, for tables that are known. */
  readonly updates?: readonly TableUpdate[];
  /** How many elements a transaction has at most that goes into a table that no packet passes yet. */
  readonly partSize?: number;
  /** Called with the plan for a table when nft works on it, so that there is time to describe it; perhaps more than once. */
  readonly onSend?: (plan: TablePlan) => void;
  /** Tables that are being read already, under the lock that is held now. */
  readonly listings?: Listings;
}

/** Keeps nft under 100 MB, and other programs that change rules from waiting for more than a second. */
const defaultPartSize = 50_000;

/**
 * Brings the tables to the desired state, then cleans up stale UDP flows and pins. A table that is not known, the first
 * time and after a failure, is read, and everything that differs is sent; into a known one only its update is sent.
 * Nothing is thrown for what nft or the kernel does.
 */
export async function applyTables(
  desired: DesiredState,
  {
    run,
    pause = pauseWithClock,
    dryRun,
    memory = emptyMemory(),
    updates = [],
    partSize = defaultPartSize,
    onSend,
    listings,
  }: ApplyOptions,
): Promise<Outcome> {
  if (!desired.isReady()) {
    return { ok: true, families: [], conntrack: undefined };
  }
  const known = new Set(memory.known);
  // Whatever happens, a table is not known until it holds its update.
  memory.known.clear();
  for (const { family, followUp } of updates) {
    addFollowUp(memory.pending, family, followUp);
  }
  const families: TableOutcome[] = [];
  const job = { desired, run, pause, dryRun, partSize, onSend };
  for (const family of desired.families) {
    const { commands = [] } = updates.find((update) => update.family === family) ?? {};
    const first = { ...job, family, listing: listings?.get(family) };
    families.push(await applyTable(first, memory, known.has(family) ? commands : undefined));
  }
  if (families.some((outcome) => isDisturbed(outcome, known))) {
    // Another program changed one of the tables, so the others are read as well.
    for (const [index, outcome] of families.entries()) {
      const { family, result } = outcome;
      if (known.has(family) && !isDisturbed(outcome, known) && result !== 'failed') {
        memory.known.delete(family);
        families[index] = await applyTable({ ...job, family }, memory, undefined);
      }
    }
  }
  const done = new Set(families.flatMap(({ family, result }) => (result === 'failed' ? [] : [family])));
  const views = dryRun ? [] : desired.views().filter(({ family }) => done.has(family));
  const conntrack = await cleanUdpFlows(memory.pending, views, run);
  const ok = families.every(({ result, rejectedServices }) => result !== 'failed' && rejectedServices.length === 0);
  return { ok, families, conntrack };
}

/** What nft says when a table is not as it was left. */
const signsOfOthers: ReadonlySet<NftErrorKind> = new Set(['busy', 'file-exists', 'no-buffer-space', 'no-such-file']);

function isDisturbed({ family, error }: TableOutcome, known: ReadonlySet<Family>): boolean {
  return known.has(family) && error !== undefined && signsOfOthers.has(error.kind);
}

/** @param commands what changes in a table that is known; undefined to read it first. */
async function applyTable(
  job: TableJob,
  { known, pending }: ApplyMemory,
  commands: readonly Command[] | undefined,
): Promise<TableOutcome> {
  const { desired, family, dryRun, run } = job;
  const outcome = commands ? await sendCommands(job, commands) : await syncTable(job);
  if (outcome.result === 'failed' || dryRun) {
    return outcome;
  }
  known.add(family);
  if (outcome.result === 'rebuilt') {
    // Only valid pins are written into a new table.
    pending.pins.delete(family);
  }
  if (!commands || pending.pins.has(family)) {
    // Putting the ruleset together takes time, so not for every change.
    const ruleset = outcome.after ?? desired.desiredRuleset(family);
    if (!commands) {
      addCleanupOfSync(pending, outcome, ruleset);
    }
    await cleanPins(pending, ruleset, run);
  }
  return outcome;
}
