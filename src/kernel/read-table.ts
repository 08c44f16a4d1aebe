import { parseNftJson } from '../nft/json/read-nft-json.ts';
import type { ListedTable, TableName } from '../nft/listed-table.ts';
import { classifyNftError, createNftError, type NftError } from './nft-error.ts';
import type { RunProgram } from './run-program.ts';

/**
 * Reads one table from the kernel, and no other: undefined when there is none. It takes about as long as loading the
 * table does, so it is for starts and for what went wrong.
 */
export async function readTable(run: RunProgram, name: TableName): Promise<ListedTable | NftError | undefined> {
  // -n: names that the machine has for marks and protocols would hide their numbers.
  const result = await run('nft', ['-nj', 'list', 'table', name.family, name.table]);
  if (result.exitCode !== 0) {
    const error = classifyNftError(result);
    return error.kind === 'no-such-file' ? undefined : error;
  }
  return readText(result.stdout, name);
}

/** Reads what traffic wrote into one dynamic set; nothing when there is no such set. */
export async function readDynamicSet(
  run: RunProgram,
  name: TableName,
  { set, isMap }: { readonly set: string; readonly isMap: boolean },
): Promise<ListedTable | NftError | undefined> {
  const result = await run('nft', ['-nj', 'list', isMap ? 'map' : 'set', name.family, name.table, set]);
  if (result.exitCode !== 0) {
    const error = classifyNftError(result);
    return error.kind === 'no-such-file' ? undefined : error;
  }
  return readText(result.stdout, name);
}

/** Whether a value is an error and no listing. */
export function isNftError(value: object | undefined): value is NftError {
  return value !== undefined && 'kind' in value;
}

function readText(text: string, name: TableName): ListedTable | NftError {
  try {
    return parseNftJson(text, name);
  } catch (error) {
    return createNftError('refused', [error instanceof Error ? error.message : String(error)]);
  }
}
