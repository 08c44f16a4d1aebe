import { replaceTable } from '../diff/diff-rulesets.ts';
import type { NftError } from '../kernel/nft-error.ts';
import { isNftError } from '../kernel/read-table.ts';
import type { RunProgram } from '../kernel/run-program.ts';
import type { Family } from '../net/network.ts';
import { type Command, renderTransaction } from '../nft/command.ts';
import type { ListedTable } from '../nft/listed-table.ts';
import { describeFindings } from './describe-findings.ts';
import type { FamilyOutcome } from './outcome.ts';
import { type PlannedTransaction, planTransaction } from './plan-transaction.ts';
import { readActualTable } from './read-actual-table.ts';
import { check, type Pause, patiently, send } from './send.ts';
import type { Target } from './target.ts';

/** What applying a family takes. */
export interface FamilyJob {
  readonly target: Target;
  readonly family: Family;
  readonly run: RunProgram;
  readonly pause: Pause;
}

/**
 * Brings a table whose content is not known to what is wanted: reads it, and sends the difference. Undefined when nobody
 * knows any more by then what is wanted.
 */
export async function startFamily(job: FamilyJob): Promise<FamilyOutcome | undefined> {
  const read = await readPatiently(job);
  if (isNftError(read)) {
    return read.rebuild ? rebuild(job, { error: read, listing: undefined }) : failed(job, [], read);
  }
  const plan = planIfReady(job, { listing: read, anew: false });
  if (!plan) {
    return undefined;
  }
  const { error, commands } = await sendPlan(job, plan);
  if (error) {
    return error.rebuild ? rebuild(job, { error, listing: read }) : failed(job, commands, error);
  }
  const outcome = { ...done(job, commands), before: read, found: read ? describeFindings(read, commands) : [] };
  return plan.isNewTable && read ? { ...outcome, result: 'rebuilt' } : outcome;
}

/** Pins that cannot be deleted at once must not keep the rest. */
async function sendPlan(
  job: FamilyJob,
  { commands, pinCommands }: PlannedTransaction,
): Promise<{ error: NftError | undefined; commands: readonly Command[] }> {
  const error = await sendPatiently(job, commands);
  if (pinCommands === 0 || !error?.rebuild || error.kind === 'interrupted') {
    return { error, commands };
  }
  const rest = commands.slice(0, -pinCommands);
  return { error: await sendPatiently(job, rest), commands: rest };
}

/** Sends what the target says has changed since the last time. Nothing is read unless nft refuses it. */
export async function changeTable(job: FamilyJob, commands: readonly Command[]): Promise<FamilyOutcome> {
  const error = await sendPatiently(job, commands);
  if (!error) {
    return done(job, commands);
  }
  if (!error.rebuild) {
    return failed(job, commands, error);
  }
  if (error.kind === 'interrupted') {
    return (await startFamily(job)) ?? failed(job, commands, error);
  }
  const read = await readPatiently(job);
  return rebuild(job, { error, listing: isNftError(read) ? undefined : read });
}

interface Refusal {
  readonly error: NftError;
  readonly listing: ListedTable | undefined;
}

/** Makes the table anew in one transaction; if that is refused too, without the Services that nft refuses. */
async function rebuild(job: FamilyJob, { error, listing }: Refusal): Promise<FamilyOutcome> {
  const plan = planIfReady(job, { listing, anew: true });
  if (!plan) {
    return failed(job, [], error);
  }
  const { commands } = plan;
  const second = await sendPatiently(job, commands);
  if (!second) {
    return rebuilt(job, commands, { error, listing });
  }
  if (!second.bisect) {
    return failed(job, commands, second);
  }
  const culprits = (await findCulprits(servicesOf(job), (services) => isAccepted(job, services))) ?? [];
  return culprits.length > 0
    ? rebuildWithout(job, culprits, { error: second, listing })
    : failed(job, commands, second);
}

async function rebuildWithout(job: FamilyJob, services: readonly string[], refusal: Refusal): Promise<FamilyOutcome> {
  job.target.exclude(job.family, new Set(services));
  const plan = planIfReady(job, { listing: refusal.listing, anew: true });
  if (!plan) {
    return failed(job, [], refusal.error);
  }
  const error = await sendPatiently(job, plan.commands);
  return error ? failed(job, plan.commands, error) : rebuilt(job, plan.commands, refusal);
}

/** Changes come while nft is waited for, and after some of them nobody knows what is wanted: no table is made of that. */
function planIfReady(
  { target, family }: FamilyJob,
  request: Parameters<typeof planTransaction>[2],
): PlannedTransaction | undefined {
  return target.isReady() ? planTransaction(target, family, request) : undefined;
}

/** Whether the kernel would take a table with these Services only. */
async function isAccepted(job: FamilyJob, services: readonly string[]): Promise<boolean> {
  if (!job.target.isReady()) {
    return true;
  }
  const chosen = new Set(services);
  const without = new Set(servicesOf(job).filter((service) => !chosen.has(service)));
  const { commands } = replaceTable(job.target.plan(job.family, without));
  const error = await patiently(() => check(job.run, textOf(job, commands)), job.pause);
  // Others, such as a lack of memory, are no Service's fault.
  return !error?.bisect;
}

/** A difference that was interrupted may have been loaded all the same, and rules that are added twice are there twice. */
function sendPatiently(job: FamilyJob, commands: readonly Command[]): Promise<NftError | undefined> {
  const isNewTable = commands[0]?.kind === 'delete-table';
  const attempt = (): Promise<NftError | undefined> => send(job.run, textOf(job, commands));
  return patiently(attempt, job.pause, ({ kind }) => isNewTable || kind !== 'interrupted');
}

function readPatiently({ target, family, run, pause }: FamilyJob): Promise<ListedTable | NftError | undefined> {
  return patiently(() => readActualTable(run, { family, table: target.table }), pause);
}

function servicesOf({ target, family }: FamilyJob): string[] {
  const view = target.views().find((one) => one.family === family);
  return [...new Set(view?.servicePorts.map(({ namespace, name }) => `${namespace}/${name}`))];
}

function done({ target, family }: FamilyJob, commands: readonly Command[]): FamilyOutcome {
  const result = commands.length === 0 ? 'unchanged' : 'changed';
  const leftOut = target.excluded(family);
  return { family, result, commands, before: undefined, found: [], leftOut, error: undefined };
}

function rebuilt(job: FamilyJob, commands: readonly Command[], { error, listing }: Refusal): FamilyOutcome {
  const found = listing ? describeFindings(listing, []) : [];
  return { ...done(job, commands), result: 'rebuilt', before: listing, found, error };
}

function failed(job: FamilyJob, commands: readonly Command[], error: NftError): FamilyOutcome {
  return { ...done(job, commands), result: 'failed', leftOut: [], error };
}

function textOf({ target, family }: FamilyJob, commands: readonly Command[]): string {
  return renderTransaction({ family, table: target.table, commands });
}

/** So many questions are asked at most: each takes as long as loading the table. */
const mostQuestions = 200;

/**
 * Finds, by halving, which items have to be left out so that the others are accepted: about 2 log2(n) questions for each
 * culprit. Undefined when not even the empty list is accepted, so that it is nobody's fault. When there are so many
 * culprits that 200 questions do not find them all, whoever was not accepted by then counts as one.
 *
 * @param accepts whether a list of items, in the order given here, is accepted.
 */
export async function findCulprits(
  items: readonly string[],
  accepts: (items: readonly string[]) => Promise<boolean>,
): Promise<readonly string[] | undefined> {
  let questions = 0;
  const ask: typeof accepts = (candidates) => {
    questions += 1;
    return questions > mostQuestions ? Promise.resolve(false) : accepts(candidates);
  };
  if (!(await ask([]))) {
    return undefined;
  }
  const accepted = new Set(await addAccepted([], items, ask));
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
