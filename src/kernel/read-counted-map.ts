import { parseCountedMap } from '../nft/json/parse-counted-map.ts';
import type { CountedMap, KnownNames, TableName } from '../nft/listed-table.ts';
import { classifyNftError, createNftError, type NftError } from './nft-error.ts';
import type { RunOptions, RunProgram } from './run-program.ts';

/** In milliseconds. The map of a million endpoints takes less than half a minute on a fast machine. */
const longestRead = 120_000;

/**
 * One map of the kernel with its counters; undefined when there is none. nft reads the elements of no other map (1.0.6 and 1.1.3),
 * so the frontends of 10,000 Services take a fifth of a second, and their 100,000 endpoints two seconds.
 */
export async function readCountedMap(
  run: RunProgram,
  table: TableName,
  { map, knownNames }: { readonly map: string; readonly knownNames: KnownNames },
  options: Pick<RunOptions, 'signal'> = {},
): Promise<CountedMap | NftError | undefined> {
  const args = ['-nj', 'list', 'map', table.family, table.table, map];
  const result = await run('nft', args, undefined, { ...options, longest: longestRead });
  if (result.exitCode !== 0) {
    const error = classifyNftError(result);
    return error.kind === 'no-such-file' ? undefined : error;
  }
  try {
    return parseCountedMap(result.stdout, table, knownNames);
  } catch {
    return createNftError('refused', [`nft did not print whole JSON for map ${map}`]);
  }
}
