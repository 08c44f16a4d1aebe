import type { Command } from '../diff/command.ts';
import { replaceTable } from '../diff/diff-rulesets.ts';
import { renderTransaction } from '../diff/render-transaction.ts';
import type { Listing } from '../listing/listing.ts';
import type { Family } from '../network.ts';
import { describeFindings } from './describe-findings.ts';
import { findCulprits } from './find-culprits.ts';
import type { NftError } from './nft-error.ts';
import type { FamilyOutcome } from './outcome.ts';
import { planTransaction } from './plan-transaction.ts';
import { isNftError, readTable } from './read-table.ts';
import type { RunProgram } from './run-program.ts';
import { check, type Pause, sendPatiently } from './send.ts';
import type { Target } from './target.ts';

/** What applying a family takes. */
export interface FamilyJob {
  readonly target: Target;
  readonly family: Family;
  readonly run: RunProgram;
  readonly pause: Pause;
}

/** Brings a table whose content is not known to what is wanted: reads it, and sends the difference. */
export async function startFamily(job: FamilyJob): Promise<FamilyOutcome> {
  const { target, family } = job;
  const read = await readTable(job.run, { family, table: target.table });
  if (isNftError(read)) {
    return read.rebuild ? rebuild(job, { error: read, listing: undefined }) : failed(job, [], read);
  }
  const { commands, isNewTable } = planTransaction(target, family, { listing: read, anew: false });
  const error = await sendPatiently(job.run, textOf(job, commands), job.pause);
  if (error) {
    return error.rebuild ? rebuild(job, { error, listing: read }) : failed(job, commands, error);
  }
  const found = read ? describeFindings(read, commands) : [];
  const outcome = { family, commands, before: read, found, leftOut: [], error: undefined };
  if (commands.length === 0) {
    return { ...outcome, result: 'unchanged' };
  }
  return { ...outcome, result: isNewTable && read ? 'rebuilt' : 'changed' };
}

/** Sends what the target says has changed since the last time. Nothing is read unless nft refuses it. */
export async function changeTable(job: FamilyJob, commands: readonly Command[]): Promise<FamilyOutcome> {
  const { family, target } = job;
  const error = await sendPatiently(job.run, textOf(job, commands), job.pause);
  if (!error) {
    const result = commands.length === 0 ? 'unchanged' : 'changed';
    return { family, result, commands, before: undefined, found: [], leftOut: [], error };
  }
  if (!error.rebuild) {
    return failed(job, commands, error);
  }
  const read = await readTable(job.run, { family, table: target.table });
  return rebuild(job, { error, listing: isNftError(read) ? undefined : read });
}

interface Refusal {
  readonly error: NftError;
  readonly listing: Listing | undefined;
}

/** Makes the table anew in one transaction; if that is refused too, without the Services that nft refuses. */
async function rebuild(job: FamilyJob, { error, listing }: Refusal): Promise<FamilyOutcome> {
  const { commands } = planTransaction(job.target, job.family, { listing, anew: true });
  const second = await sendPatiently(job.run, textOf(job, commands), job.pause);
  if (!second) {
    return { ...rebuilt(job, { error, listing }), commands };
  }
  if (!second.bisect) {
    return failed(job, commands, second);
  }
  const leftOut = await findCulprits(servicesOf(job), (services) => isAccepted(job, services));
  if (!leftOut || leftOut.length === 0) {
    return failed(job, commands, second);
  }
  job.target.exclude(new Set(leftOut));
  const rest = planTransaction(job.target, job.family, { listing, anew: true }).commands;
  const third = await sendPatiently(job.run, textOf(job, rest), job.pause);
  return third ? failed(job, rest, third) : { ...rebuilt(job, { error: second, listing }), commands: rest, leftOut };
}

/** Whether the kernel would take a table with these Services only. */
async function isAccepted({ target, family, run }: FamilyJob, services: readonly string[]): Promise<boolean> {
  const chosen = new Set(services);
  const without = new Set(servicesOf({ target, family }).filter((service) => !chosen.has(service)));
  const { commands } = replaceTable(target.plan(family, without));
  return (await check(run, renderTransaction({ family, table: target.table, commands }))) === undefined;
}

function servicesOf({ target, family }: Pick<FamilyJob, 'target' | 'family'>): string[] {
  const view = target.views().find((one) => one.family === family);
  return [...new Set(view?.servicePorts.map(({ namespace, name }) => `${namespace}/${name}`))];
}

function rebuilt({ family }: FamilyJob, { error, listing }: Refusal): FamilyOutcome {
  const found = listing ? describeFindings(listing, []) : [];
  return { family, result: 'rebuilt', commands: [], before: listing, found, leftOut: [], error };
}

function failed({ family }: FamilyJob, commands: readonly Command[], error: NftError): FamilyOutcome {
  return { family, result: 'failed', commands, before: undefined, found: [], leftOut: [], error };
}

function textOf({ target, family }: FamilyJob, commands: readonly Command[]): string {
  return renderTransaction({ family, table: target.table, commands });
}
