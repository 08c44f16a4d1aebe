import { createTableReader } from '../nft/json/read-nft-json.ts';
import type { KnownNames, ListedTable, TableName } from '../nft/listed-table.ts';
import { identifier } from '../nft/print.ts';
import { classifyNftError, createNftError, createUnreadable, type NftError } from './nft-error.ts';
import { checkTransaction } from './run-nft.ts';
import type { RunOptions, RunProgram } from './run-program.ts';

/**
 * One table of the kernel, and no other; undefined when there is none. Reading takes about as long as loading the table, so
 * it is meant for the start and for recovery, not for every change.
 *
 * @param options of the run of nft.
 */
export async function readTable(
  run: RunProgram,
  name: TableName,
  knownNames: KnownNames,
  options: ReadOptions = {},
): Promise<ListedTable | NftError | undefined> {
  return list(run, { ...name, what: 'table', knownNames }, options);
}

/** What differs from one reading to another. */
export type ReadOptions = Pick<RunOptions, 'onStart' | 'signal'>;

/** The table with one dynamic set, and what traffic wrote into it; undefined when there is no such set. */
export async function readDynamicSet(
  run: RunProgram,
  name: TableName,
  { set, isMap, knownNames }: { readonly set: string; readonly isMap: boolean; readonly knownNames: KnownNames },
): Promise<ListedTable | NftError | undefined> {
  return list(run, { ...name, what: isMap ? 'map' : 'set', set, knownNames });
}

/** In milliseconds. A table with a million endpoints takes less than a minute on a fast machine. */
const longestRead = 300_000;

interface ListRequest extends TableName {
  readonly what: 'table' | 'map' | 'set';
  readonly set?: string;
  readonly knownNames: KnownNames;
}

async function list(
  run: RunProgram,
  { what, family, table, set, knownNames }: ListRequest,
  options: ReadOptions = {},
): Promise<ListedTable | NftError | undefined> {
  const reader = createTableReader({ family, table }, knownNames);
  // -n: names that the machine has for marks and protocols would hide their numbers.
  const result = await run(
    'nft',
    ['-nj', 'list', what, family, table, ...(set === undefined ? [] : [set])],
    undefined,
    { ...options, longest: longestRead, onOutput: reader.push },
  );
  if (result.exitCode !== 0) {
    const error = classifyNftError(result);
    if (error.kind === 'crashed') {
      // It may crash only when it prints something; the table can be rebuilt then.
      const deletion = await checkTransaction(run, `delete table ${family} ${identifier(table)}\n`);
      return deletion?.kind === 'crashed' ? createUnreadable(error) : error;
    }
    return error.kind === 'no-such-file' ? undefined : error;
  }
  try {
    if (result.stdout !== '') {
      reader.push(new TextEncoder().encode(result.stdout));
    }
    return reader.end();
  } catch (error) {
    return createNftError('refused', [error instanceof Error ? error.message : String(error)]);
  }
}
