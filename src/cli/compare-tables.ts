import { describeFindings } from '../apply/describe-findings.ts';
import type { NftError } from '../apply/nft-error.ts';
import { planTransaction } from '../apply/plan-transaction.ts';
import { isNftError, readTable } from '../apply/read-table.ts';
import type { RunProgram } from '../apply/run-program.ts';
import type { Target } from '../apply/target.ts';
import type { CompiledRulesets } from '../compile.ts';
import type { Listing } from '../listing/listing.ts';
import type { Family } from '../network.ts';
import type { TableChange } from './describe-table.ts';

/** Reads what the target is compared with: undefined where there is no table. */
export type ReadTable = (family: Family) => Promise<Listing | NftError | undefined>;

/** The tables in the kernel. */
export function tablesInKernel({ table }: Target, run: RunProgram): ReadTable {
  return (family) => readTable(run, { family, table });
}

/** The tables as they would be listed, had another snapshot been applied. */
export function tablesOf({ rulesets }: CompiledRulesets): ReadTable {
  return async (family) => {
    const ruleset = rulesets?.find((one) => one.family === family);
    return ruleset && { isDormant: false, ruleset, dynamic: new Map(), oddities: [] };
  };
}

/** What would have to change for each table to become what the target wants; an error where that cannot be told. */
export async function compareTables(target: Target, read: ReadTable): Promise<TableChange[] | NftError> {
  const changes: TableChange[] = [];
  for (const family of target.families) {
    const found = await read(family);
    // A table that apply would make anew without knowing what it holds can be compared with nothing.
    if (isNftError(found) && !found.rebuild) {
      return found;
    }
    changes.push(compareTable(target, family, found));
  }
  return changes;
}

function compareTable(target: Target, family: Family, found: Listing | NftError | undefined): TableChange {
  const [error, listing] = isNftError(found) ? [found, undefined] : [undefined, found];
  const { commands, isNewTable } = planTransaction(target, family, { listing, anew: error !== undefined });
  return {
    family,
    table: target.table,
    result: resultOf({ isEmpty: commands.length === 0, isNewTable, exists: found !== undefined }),
    before: listing?.ruleset,
    after: target.rulesets().find((ruleset) => ruleset.family === family),
    commands,
    findings: [
      ...(error ? [`it cannot be read (${error.kind}): ${error.said[0]}`] : []),
      ...(listing ? describeFindings(listing, commands) : []),
    ],
  };
}

function resultOf({
  isEmpty,
  isNewTable,
  exists,
}: {
  readonly isEmpty: boolean;
  readonly isNewTable: boolean;
  readonly exists: boolean;
}): TableChange['result'] {
  if (isEmpty) {
    return 'unchanged';
  }
  if (!isNewTable) {
    return 'changed';
  }
  return exists ? 'rebuilt' : 'made';
}
