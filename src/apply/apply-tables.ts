import type { TablePlan } from '../diff/plan-table.ts';
import type { DesiredState } from '../engine/desired-state.ts';
import type { TableUpdate } from '../engine/engine.ts';
import type { NftErrorKind } from '../kernel/nft-error.ts';
import type { TableOwner } from '../kernel/nft-session.ts';
import { type Pause, pauseWithClock } from '../kernel/run-nft.ts';
import type { RunProgram } from '../kernel/run-program.ts';
import type { Family } from '../net/network.ts';
import type { Command } from '../nft/command.ts';
import type { Ruleset } from '../nft/ruleset.ts';
import type { ConntrackOutcome } from './clean-conntrack.ts';
import type { Outcome, TableOutcome } from './outcome.ts';
import { addCleanupOfSync, addFollowUp, cleanPins, cleanUdpFlows, type PendingCleanup } from './pending-cleanup.ts';
import type { Listings } from './read-actual-table.ts';
import { type DryRun, sendCommands, sendTogether, syncTable, type TableJob } from './sync-table.ts';

/** What is remembered from one call to the next. */
export interface ApplyMemory {
  /** Families whose table holds what the desired state assumes. */
  readonly known: Set<Family>;
  /** Families whose last change failed. */
  readonly behind: Set<Family>;
  readonly pending: PendingCleanup;
}

/** Nothing is known about the kernel. */
export function emptyMemory(): ApplyMemory {
  return { known: new Set(), behind: new Set(), pending: { udp: new Map(), pins: new Map() } };
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
  readonly listings?: Listings | undefined;
  /** Owns the tables, and is the nft that `run` hands transactions to; by default anybody may change them. */
  readonly owner?: TableOwner | undefined;
  /**
   * Takes the cleanup of UDP flows and pins, to do it later and one after the other; by default it is done before the outcome
   * is there.
   */
  readonly later?: ((cleanup: () => Promise<ConntrackOutcome | undefined>) => undefined) | undefined;
  /** Milliseconds on a monotonic clock; without it no time is measured. */
  readonly now?: (() => number) | undefined;
}

/** Keeps the nfts that run side by side under 100 MB, and other programs that change rules from waiting for long. */
const defaultPartSize = 12_500;

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
    owner,
    later,
    now,
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
  const pins: Ruleset[] = [];
  const job = { desired, run, pause, dryRun, partSize, onSend, owner };
  const outcomes = await applyUpdates(job, { known, updates, listings, remembered: { memory, pins } });
  const families = outcomes.map((outcome) => withRepair(outcome, { known, updates, behind: memory.behind }));
  const cleanUp = () => cleanUpAfter(families, { desired, memory, pins, run, now });
  const isDue = pins.length > 0 || (memory.pending.udp.size > 0 && !dryRun);
  const conntrack = isDue ? await (later ? later(cleanUp) : cleanUp()) : undefined;
  const ok = families.every(({ result, rejectedServices }) => result !== 'failed' && rejectedServices.length === 0);
  return { ok, families, conntrack };
}

/** Notes whether a table had to be repaired, and remembers whether its change failed. */
function withRepair(
  outcome: TableOutcome,
  { known, updates, behind }: Pick<Updates, 'known' | 'updates'> & Pick<ApplyMemory, 'behind'>,
): TableOutcome {
  const { family, result } = outcome;
  const hadFailed = behind.has(family);
  if (result === 'failed') {
    behind.add(family);
    return outcome;
  }
  behind.delete(family);
  const hasUpdate = updates.some((update) => update.family === family && update.commands.length > 0);
  const isUnexpected = (!hasUpdate && !hadFailed && result !== 'unchanged') || isDisturbed(outcome, known);
  return isUnexpected ? { ...outcome, isRepaired: true } : outcome;
}

interface Updates {
  /** Families whose table holds what the desired state assumed before the updates. */
  readonly known: ReadonlySet<Family>;
  readonly updates: readonly TableUpdate[];
  readonly listings: Listings | undefined;
  readonly remembered: Remembered;
}

async function applyUpdates(
  job: Omit<TableJob, 'family'>,
  { known, updates, listings, remembered }: Updates,
): Promise<TableOutcome[]> {
  const ofKnown = updates.filter(({ family }) => known.has(family));
  const together = job.dryRun ? 'separate' : await sendTogether(job, ofKnown);
  const families: TableOutcome[] = [];
  for (const family of job.desired.families) {
    const { commands = [] } = ofKnown.find((update) => update.family === family) ?? {};
    const isKnown = known.has(family) && together !== 'open';
    const update = isKnown ? { commands, isSent: together === 'sent' } : undefined;
    const creation = job.owner ? undefined : creationIn(updates, family);
    families.push(await applyTable({ ...job, family, listing: listings?.get(family), creation }, remembered, update));
  }
  if (families.some((outcome) => isDisturbed(outcome, known))) {
    // Another program changed one of the tables, so the others are read as well.
    for (const [index, outcome] of families.entries()) {
      if (isLeftAlone(outcome, known)) {
        remembered.memory.known.delete(outcome.family);
        families[index] = await applyTable({ ...job, family: outcome.family }, remembered, undefined);
      }
    }
  }
  return families;
}

/** The update of a table that does not exist as far as the desired state knows. */
function creationIn(updates: readonly TableUpdate[], family: Family): readonly Command[] | undefined {
  const commands = updates.find((update) => update.family === family)?.commands;
  return commands?.[0]?.kind === 'add-table' ? commands : undefined;
}

interface CleanupJob extends Remembered {
  readonly desired: DesiredState;
  readonly run: RunProgram;
  readonly now: ApplyOptions['now'];
}

async function cleanUpAfter(
  families: readonly TableOutcome[],
  { desired, memory: { pending }, pins, run, now }: CleanupJob,
): Promise<ConntrackOutcome | undefined> {
  for (const ruleset of pins) {
    await cleanPins(pending, ruleset, run);
  }
  const done = new Set(families.flatMap(({ family, result }) => (result === 'failed' ? [] : [family])));
  // Putting views together takes time, and most changes are not about UDP.
  const views = pending.udp.size === 0 ? [] : desired.views().filter(({ family }) => done.has(family));
  return cleanUdpFlows(pending, views, { run, now });
}

/** What nft says when a table is not as it was left. */
const signsOfOthers: ReadonlySet<NftErrorKind> = new Set(['busy', 'file-exists', 'no-buffer-space', 'no-such-file']);

function isDisturbed({ family, error }: TableOutcome, known: ReadonlySet<Family>): boolean {
  return known.has(family) && error !== undefined && signsOfOthers.has(error.kind);
}

/** The update of a table that is known; `isSent`: the kernel has it already. */
interface KnownTableUpdate {
  readonly commands: readonly Command[];
  readonly isSent: boolean;
}

interface Remembered {
  readonly memory: ApplyMemory;
  /** Receives the rulesets of tables whose pins have to be cleaned up. */
  readonly pins: Ruleset[];
}

/** A table that is known, and of which nft did not say that it is not as it was left. */
function isLeftAlone(outcome: TableOutcome, known: ReadonlySet<Family>): boolean {
  return known.has(outcome.family) && !isDisturbed(outcome, known) && outcome.result !== 'failed';
}

/** @param update undefined to read the table first. */
async function applyTable(
  job: TableJob,
  { memory: { known, pending }, pins }: Remembered,
  update: KnownTableUpdate | undefined,
): Promise<TableOutcome> {
  const { desired, family, dryRun } = job;
  const outcome = update ? await sendCommands(job, update.commands, update.isSent) : await syncTable(job);
  if (outcome.result === 'failed' || dryRun) {
    return outcome;
  }
  if (outcome.result === 'created' || outcome.result === 'rebuilt') {
    // It is already, but from now on it stays so when its nft is replaced.
    await job.owner?.own({ family, table: desired.table });
  }
  known.add(family);
  if (outcome.result === 'rebuilt') {
    // Only valid pins are written into a new table.
    pending.pins.delete(family);
  }
  if (!update || pending.pins.has(family)) {
    // Putting the ruleset together takes time, so not for every change.
    const ruleset = outcome.after ?? desired.desiredRuleset(family);
    if (!update) {
      addCleanupOfSync(pending, outcome, ruleset);
    }
    if (pending.pins.has(family)) {
      pins.push(ruleset);
    }
  }
  return outcome;
}
