import { replaceTable } from '../diff/diff-rulesets.ts';
import { isAdoptable, isUnusedTable, planTable, splitCommands, type TablePlan } from '../diff/plan-table.ts';
import type { DesiredState } from '../engine/desired-state.ts';
import type { TableUpdate } from '../engine/engine.ts';
import { isNftError, leavesOpen, type NftError } from '../kernel/nft-error.ts';
import type { TableOwner } from '../kernel/nft-session.ts';
import {
  checkTransaction,
  loadTransaction,
  nameOwner,
  type Pause,
  readTableHead,
  withRetries,
} from '../kernel/run-nft.ts';
import type { RunProgram } from '../kernel/run-program.ts';
import type { Family } from '../net/network.ts';
import { type Command, printTransaction } from '../nft/command.ts';
import type { ListedTable, TableFlag } from '../nft/listed-table.ts';
import type { TableOutcome } from './outcome.ts';
import { readActualTable } from './read-actual-table.ts';

/** What bringing one table to the desired state takes. */
export interface TableJob {
  readonly desired: DesiredState;
  readonly family: Family;
  readonly run: RunProgram;
  readonly pause: Pause;
  readonly dryRun: DryRun | undefined;
  /** How many elements a transaction has at most that goes into a table that no packet passes. */
  readonly partSize: number;
  /** Called with a plan when nft works on it. */
  readonly onSend?: ((plan: TablePlan) => void) | undefined;
  /** Owns the table, and carries out what is sent; undefined for a table that anybody may change. */
  readonly owner?: TableOwner | undefined;
  /** The table, if it is being read already. */
  readonly listing?: ReturnType<typeof readActualTable> | undefined;
  /** The commands that bring the table to the desired state if there is none, where they are known. */
  readonly creation?: readonly Command[] | undefined;
}

/** Changes nothing: `server` asks the kernel whether it would accept the first transaction, `client` only plans it. */
export type DryRun = 'client' | 'server';

/** Reads a table, and brings it to the desired state. */
export async function syncTable(job: TableJob): Promise<TableOutcome> {
  const actual = await (job.listing ?? read(job));
  if (isNftError(actual)) {
    return actual.rebuild ? rebuildUnread(job, actual) : failed(job, { commands: [], error: actual });
  }
  const refusal = actual && (await adopt(job, actual));
  if (refusal) {
    return failed(job, { commands: [], error: refusal });
  }
  if (!actual && job.creation) {
    return create(job, job.creation);
  }
  const plan = planTable(job.desired.desiredRuleset(job.family, actual?.ruleset), actual, ownership(job));
  const { failure, commands } = await sendPlan(job, plan);
  const success = (): TableOutcome =>
    done(job, { ...plan, commands, result: commands.length === 0 ? 'unchanged' : plan.result });
  if (!failure) {
    return success();
  }
  return failure.error.rebuild && !job.dryRun
    ? rebuild(job, { ...failure, actual, isUnused: staysUnused(plan.isUnused, failure.error) })
    : settle(job, { ...failure, commands, success });
}

/** Sends the commands for a table that does not exist; planning them again would take long for a large cluster. */
async function create(job: TableJob, creation: readonly Command[]): Promise<TableOutcome> {
  const { desired, family } = job;
  const commands: readonly Command[] = [{ kind: 'delete-table' }, ...creation];
  const success = (): TableOutcome => ({
    ...noPlan(job, commands),
    result: 'created',
    after: desired.desiredRuleset(family),
  });
  const failure = await sendParts(job, commands, true);
  if (!failure) {
    return success();
  }
  return failure.error.rebuild
    ? rebuild(job, { ...failure, actual: undefined, isUnused: staysUnused(true, failure.error) })
    : settle(job, { ...failure, commands, success });
}

function ownership({ owner }: TableJob): { readonly owns: boolean } {
  return { owns: owner !== undefined };
}

/** Makes a table that exists the owner's; why not, if another process owns it. */
async function adopt({ owner, desired, family, run, dryRun }: TableJob, actual: ListedTable) {
  if (!owner || dryRun || !isAdoptable(actual)) {
    return undefined;
  }
  const name = { family, table: desired.table };
  const error = await owner.own(name);
  return error && nameOwner(run, name, error);
}

/**
 * Sends the changes of several tables in one transaction. `separate`: there is nothing to send together, or nft refuses it, so
 * that each has to be sent by itself; `open`: the kernel may have all of it or nothing, so the tables have to be read.
 */
export async function sendTogether(
  { run, desired: { table } }: Pick<TableJob, 'run' | 'desired'>,
  updates: readonly TableUpdate[],
): Promise<'sent' | 'separate' | 'open'> {
  const changes = updates.filter(({ commands }) => commands.length > 0);
  if (changes.length < 2) {
    return 'separate';
  }
  const text = changes.map(({ family, commands }) => printTransaction({ family, table, commands })).join('');
  const error = await loadTransaction(run, text);
  if (error) {
    return leavesOpen(error) ? 'open' : 'separate';
  }
  return 'sent';
}

/**
 * Sends what has changed since the table was brought to the desired state. It is read only if nft refuses that.
 *
 * @param isSent whether the kernel has it already.
 */
export async function sendCommands(
  job: TableJob,
  commands: readonly Command[],
  isSent: boolean,
): Promise<TableOutcome> {
  const error = isSent ? undefined : await send(job, commands);
  const success = (): TableOutcome => ({
    ...noPlan(job, commands),
    result: commands.length === 0 ? 'unchanged' : 'changed',
  });
  if (!error) {
    return success();
  }
  if (!error.rebuild) {
    return settle(job, { commands, error, success });
  }
  if (error.kind === 'interrupted') {
    return syncTable({ ...job, listing: undefined });
  }
  const actual = await read(job);
  return isNftError(actual)
    ? rebuildUnread(job, error)
    : rebuild(job, { error, actual, isUnused: isUnusedTable(actual) });
}

/** Why a table is rebuilt, and what it holds, if that could be read. */
interface Refusal {
  readonly error: NftError;
  readonly actual: ListedTable | undefined;
  /** Those of a table that could not be read. */
  readonly flags?: readonly TableFlag[] | undefined;
  /** Whether it is certain that no packet passes the table. */
  readonly isUnused: boolean;
}

/** Whether a table is certain to be unused after an error, too: its base chains come with the last transaction. */
function staysUnused(isUnused: boolean, error: NftError): boolean {
  return isUnused && !leavesOpen(error);
}

/**
 * Rebuilds the table; if that is refused too, without the Services that nft rejects. A table that packets pass is rebuilt in
 * one transaction, whatever its size, so that no packet misses it and no pin is lost.
 */
async function rebuild(job: TableJob, refusal: Refusal): Promise<TableOutcome> {
  const { desired } = job;
  const plan = planRebuild(job, refusal);
  const success = (): TableOutcome => ({ ...done(job, plan), error: refusal.error });
  const failure = await sendParts(job, plan.commands, refusal.isUnused);
  if (!failure) {
    return success();
  }
  const { error } = failure;
  const attempt = { ...failure, commands: plan.commands, success };
  if (!error.bisect || job.dryRun) {
    return settle(job, attempt);
  }
  const rejected = (await findRejected(servicesOf(job), (services) => isAccepted(job, services))) ?? [];
  if (rejected.length === 0) {
    return settle(job, attempt);
  }
  desired.reject(job.family, new Set(rejected));
  return rebuildWithoutRejected(job, { ...refusal, error, isUnused: staysUnused(refusal.isUnused, error) });
}

/** A table that cannot be read may hold anything. */
async function rebuildUnread(job: TableJob, error: NftError): Promise<TableOutcome> {
  const head = await readTableHead(job.run, { family: job.family, table: job.desired.table });
  return rebuild(job, { error, actual: undefined, flags: head?.flags, isUnused: false });
}

async function rebuildWithoutRejected(job: TableJob, refusal: Refusal): Promise<TableOutcome> {
  const { error, isUnused } = refusal;
  const plan = planRebuild(job, refusal);
  const success = (): TableOutcome => ({ ...done(job, plan), error });
  const last = await sendParts(job, plan.commands, isUnused);
  return last ? settle(job, { ...last, commands: plan.commands, success }) : success();
}

function planRebuild(job: TableJob, { actual, flags = actual?.flags }: Refusal): TablePlan {
  const { desired, family } = job;
  return planTable(desired.desiredRuleset(family, actual?.ruleset), actual, {
    rebuild: true,
    flags,
    ...ownership(job),
  });
}

/** Why commands were not carried out. */
interface Failure {
  readonly error: NftError;
  /** Whether some of them were: the first parts of those for an unused table. */
  readonly isUnfinished?: true;
}

/** Commands that ended with an error. */
interface Attempt extends Failure {
  readonly commands: readonly Command[];
  /** The outcome if the kernel accepted it all the same. */
  readonly success: () => TableOutcome;
}

/** What became of a table after the last attempt. Where the error leaves that open, the table is read. */
async function settle(job: TableJob, { success, ...attempt }: Attempt): Promise<TableOutcome> {
  const { desired, family, run, dryRun } = job;
  const { error } = attempt;
  if (dryRun || !leavesOpen(error)) {
    return failed(job, { ...attempt, error: await nameOwner(run, { family, table: desired.table }, error) });
  }
  const actual = await read(job);
  if (isNftError(actual)) {
    return { ...failed(job, attempt), isOpen: true };
  }
  const left = planTable(desired.desiredRuleset(family, actual?.ruleset), actual, ownership(job));
  return left.commands.length === left.pinCommands.length ? { ...success(), error } : failed(job, attempt);
}

/** Pins that cannot be deleted right now must not block the other commands. */
async function sendPlan(
  job: TableJob,
  plan: TablePlan,
): Promise<{ failure: Failure | undefined; commands: readonly Command[] }> {
  const { commands, pinCommands, isUnused } = plan;
  const failure = await sendParts(job, commands, isUnused, () => job.onSend?.(plan));
  const mayBePins = failure?.error.rebuild && failure.error.kind !== 'interrupted';
  // No packet changes pins of an unused table.
  if (pinCommands.length === 0 || isUnused || job.dryRun || !mayBePins) {
    return { failure, commands };
  }
  const others = commands.slice(0, -pinCommands.length);
  return { failure: await sendParts(job, others, isUnused), commands: others };
}

/** Sends commands in one transaction, or in parts into a table that is unused. The kernel can only check a whole. */
async function sendParts(
  job: TableJob,
  commands: readonly Command[],
  isUnused: boolean,
  onStart?: () => void,
): Promise<Failure | undefined> {
  const parts = isUnused && !job.dryRun ? splitCommands(commands, job.partSize) : undefined;
  if (!parts) {
    const error = await send(job, commands, { onStart });
    return error && { error };
  }
  for (const [index, part] of parts.first.entries()) {
    const error = await send(job, part, index === 0 ? { onStart } : {});
    if (error) {
      return index > 0 ? { error, isUnfinished: true } : { error };
    }
  }
  const error = (await sendSideBySide(job, parts.elements)) ?? (await send(job, parts.last));
  return error && { error, isUnfinished: true };
}

/**
 * The kernel carries out one transaction after the other, but nft takes longer to read them. More than three at the same time are
 * not faster, and take more memory.
 */
const mostAtOnce = 3;

/** Sends transactions that do not depend on each other. After an error no other one is started. */
async function sendSideBySide(
  job: TableJob,
  transactions: readonly (readonly Command[])[],
): Promise<NftError | undefined> {
  const waiting = transactions.values();
  let error: NftError | undefined;
  const sendInTurn = async (): Promise<void> => {
    // Each is printed while nft reads the others.
    for (const commands of waiting) {
      const own = await send(job, commands);
      error ??= own;
      if (error) {
        return;
      }
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: mostAtOnce }, sendInTurn));
  const bug = ends.find((end) => end.status === 'rejected');
  if (bug) {
    throw bug.reason;
  }
  return error;
}

/** After an interruption a difference may have been loaded, and rules that are added twice are there twice. */
function send(
  job: TableJob,
  commands: readonly Command[],
  { onStart }: { readonly onStart?: (() => void) | undefined } = {},
): Promise<NftError | undefined> {
  if (job.dryRun === 'client') {
    return Promise.resolve(undefined);
  }
  const text = textOf(job, commands);
  const mayRepeat = ({ kind }: NftError): boolean => commands[0]?.kind === 'delete-table' || kind !== 'interrupted';
  const attempt = job.dryRun ? checkTransaction : loadTransaction;
  return withRetries(() => attempt(job.run, text, onStart), job.pause, mayRepeat);
}

/** Whether the kernel would accept a table with these Services only. */
async function isAccepted(job: TableJob, services: readonly string[]): Promise<boolean> {
  const chosen = new Set(services);
  const others = new Set(servicesOf(job).filter((service) => !chosen.has(service)));
  const { commands } = replaceTable(job.desired.desiredWithout(job.family, others));
  // What the kernel makes of a ruleset does not depend on its name, and in a table that another nft owns it checks nothing.
  const text = printTransaction({ family: job.family, table: 'svc2nft-check', commands });
  const error = await withRetries(() => checkTransaction(job.run, text), job.pause);
  // Other errors, such as a lack of memory, are not caused by a Service.
  return !error?.bisect;
}

function read({ desired, family, run, pause }: TableJob): Promise<ListedTable | NftError | undefined> {
  return readActualTable(run, { family, table: desired.table }, pause);
}

function textOf({ desired, family }: TableJob, commands: readonly Command[]): string {
  return printTransaction({ family, table: desired.table, commands });
}

function servicesOf({ desired, family }: TableJob): string[] {
  const view = desired.views().find((one) => one.family === family);
  return [...new Set(view?.servicePorts.map(({ namespace, name }) => `${namespace}/${name}`))];
}

function done(job: TableJob, { pinCommands: _, isUnused: __, ...plan }: TablePlan): TableOutcome {
  job.desired.adopt(plan.after);
  return { ...plan, rejectedServices: job.desired.rejected(job.family), error: undefined };
}

function failed(job: TableJob, { commands, error, isUnfinished }: Omit<Attempt, 'success'>): TableOutcome {
  return { ...noPlan(job, commands), result: 'failed', error, ...(isUnfinished && { isUnfinished }) };
}

function noPlan({ desired, family }: TableJob, commands: readonly Command[]): Omit<TableOutcome, 'result'> {
  const rejectedServices = desired.rejected(family);
  const { table } = desired;
  return {
    family,
    table,
    commands,
    before: undefined,
    after: undefined,
    findings: [],
    rejectedServices,
    error: undefined,
  };
}

/** Each check takes as long as loading the table. */
const mostChecks = 200;

/**
 * Finds, by halving, the items that have to be left out so that the others are accepted: with about 2 log2(n) checks for
 * each of them, at most 200 in all. What is not accepted by then counts as rejected. Undefined when not even the empty
 * list is accepted, so that no item is the cause.
 *
 * @param accepts whether a list of items, in the order given here, is accepted.
 */
export async function findRejected(
  items: readonly string[],
  accepts: (items: readonly string[]) => Promise<boolean>,
): Promise<readonly string[] | undefined> {
  let checks = 0;
  const check: typeof accepts = (candidates) => {
    checks += 1;
    return checks > mostChecks ? Promise.resolve(false) : accepts(candidates);
  };
  if (!(await check([]))) {
    return undefined;
  }
  const accepted = new Set(await addAccepted([], items, check));
  return items.filter((item) => !accepted.has(item));
}

/** `accepted`, and as many of the candidates as are accepted with it. */
async function addAccepted(
  accepted: readonly string[],
  candidates: readonly string[],
  accepts: (items: readonly string[]) => Promise<boolean>,
): Promise<readonly string[]> {
  const all = [...accepted, ...candidates];
  if (candidates.length === 0 || (await accepts(all))) {
    return all;
  }
  if (candidates.length === 1) {
    return accepted;
  }
  const middle = Math.floor(candidates.length / 2);
  const first = await addAccepted(accepted, candidates.slice(0, middle), accepts);
  return addAccepted(first, candidates.slice(middle), accepts);
}
