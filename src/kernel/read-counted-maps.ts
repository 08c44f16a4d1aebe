import type { Family } from '../net/network.ts';
import { parseCountedMap } from '../nft/json/parse-counted-map.ts';
import type { CountedMap, KnownNames, TableName } from '../nft/listed-table.ts';
import { classifyNftError, createNftError, isNftError, type NftError } from './nft-error.ts';
import type { RunOptions, RunProgram } from './run-program.ts';

/** In milliseconds. The map of a million endpoints takes less than half a minute on a fast machine. */
const longestRead = 120_000;

/** How maps are read. */
interface ReadCountersOptions extends Pick<RunOptions, 'signal' | 'longest'> {
  readonly knownNames: KnownNames;
  /** Milliseconds on a monotonic clock. */
  readonly now: () => number;
}

/** A map with its counters, and when it was read. */
interface CountedReading {
  readonly family: Family;
  readonly at: number;
  readonly map: CountedMap;
}

/** Some maps of a table with their counters, each read by an nft of its own; those that are not there are left out. */
export async function readCountedMaps(
  run: RunProgram,
  table: TableName,
  names: readonly string[],
  { now, ...options }: ReadCountersOptions,
): Promise<CountedReading[] | NftError> {
  const found = await Promise.all(
    names.map(async (name) => ({ map: await readCountedMap(run, table, name, options), at: now() })),
  );
  const readings: CountedReading[] = [];
  for (const { map, at } of found) {
    if (isNftError(map)) {
      return map;
    }
    if (map) {
      readings.push({ family: table.family, at, map });
    }
  }
  return readings;
}

/**
 * One map of the kernel with its counters; undefined when there is none. nft 1.0.6 reads the elements of no other map, so the
 * frontends of 10,000 Services take about half a second, and their 100,000 endpoints five seconds.
 */
async function readCountedMap(
  run: RunProgram,
  table: TableName,
  map: string,
  { knownNames, longest = longestRead, signal }: Omit<ReadCountersOptions, 'now'>,
): Promise<CountedMap | NftError | undefined> {
  const args = ['-nj', 'list', 'map', table.family, table.table, map];
  const result = await run('nft', args, undefined, { longest, ...(signal && { signal }) });
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
