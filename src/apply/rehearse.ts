import { isNftError } from '../kernel/read-table.ts';
import type { RunProgram } from '../kernel/run-program.ts';
import type { Family } from '../net/network.ts';
import { renderTransaction } from '../nft/command.ts';
import { describeFindings } from './describe-findings.ts';
import type { FamilyOutcome, Outcome } from './outcome.ts';
import { planTransaction } from './plan-transaction.ts';
import { readActualTable } from './read-actual-table.ts';
import { check } from './send.ts';
import type { Target } from './target.ts';

/** Asks the kernel whether it would take what an applier would send first; nothing is changed. */
export async function rehearse(target: Target, run: RunProgram): Promise<Outcome> {
  const families: FamilyOutcome[] = [];
  for (const family of target.isReady() ? target.families : []) {
    families.push(await rehearseFamily(target, family, run));
  }
  return { ok: families.every(({ result }) => result !== 'failed'), families, conntrack: undefined };
}

async function rehearseFamily(target: Target, family: Family, run: RunProgram): Promise<FamilyOutcome> {
  const { table } = target;
  const read = await readActualTable(run, { family, table });
  const nothing = { family, commands: [], before: undefined, found: [], leftOut: [] };
  if (isNftError(read) && !read.rebuild) {
    return { ...nothing, result: 'failed', error: read };
  }
  const listing = isNftError(read) ? undefined : read;
  const { commands, isNewTable } = planTransaction(target, family, { listing, anew: isNftError(read) });
  const error = commands.length > 0 ? await check(run, renderTransaction({ family, table, commands })) : undefined;
  const found = listing ? describeFindings(listing, commands) : [];
  const outcome = { ...nothing, commands, before: listing, found, error };
  if (error) {
    return { ...outcome, result: 'failed' };
  }
  if (commands.length === 0) {
    return { ...outcome, result: 'unchanged' };
  }
  return { ...outcome, result: isNewTable && read !== undefined ? 'rebuilt' : 'changed' };
}
