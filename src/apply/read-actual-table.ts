import type { NftError } from '../kernel/nft-error.ts';
import { type ReadOptions, readTable } from '../kernel/read-table.ts';
import { type Pause, pauseWithClock, withRetries } from '../kernel/run-nft.ts';
import type { RunProgram } from '../kernel/run-program.ts';
import type { Family } from '../net/network.ts';
import type { KnownNames, ListedTable, TableName } from '../nft/listed-table.ts';
import { knownNames } from '../phases/5-plan/names.ts';

/**
 * The table that the kernel holds, and no other table; undefined when there is none. Reading takes about as long as loading
 * the table. It is repeated when another program interrupts it.
 *
 * @param pause waits before another attempt.
 * @param options of the runs of nft, and how parts that svc2nft never writes are read: as deviations, if nothing else is said.
 */
export function readActualTable(
  run: RunProgram,
  name: TableName,
  pause: Pause = pauseWithClock,
  { names = knownNames, ...options }: ReadOptions & { readonly names?: KnownNames } = {},
): Promise<ListedTable | NftError | undefined> {
  const mayRepeat = (): boolean => options.signal?.aborted !== true;
  return withRetries(() => readTable(run, name, names, options), pause, mayRepeat);
}

/** Tables that are being read. */
export type Listings = ReadonlyMap<Family, ReturnType<typeof readActualTable>>;

/**
 * Starts reading the tables, side by side. Resolves when nft runs, so that the caller may keep this process busy meanwhile.
 *
 * @param signal ends nft when nobody needs the tables any more.
 */
export function startReading(
  run: RunProgram,
  { families, table }: { readonly families: readonly Family[]; readonly table: string },
  signal: AbortSignal,
): Promise<Listings> {
  return startEach(families, (family, onStart) =>
    readActualTable(run, { family, table }, pauseWithClock, { onStart, signal }),
  );
}

/** Starts work for each family, side by side, and resolves when the programs that it takes run. */
export async function startEach<T>(
  families: readonly Family[],
  work: (family: Family, onStart: () => void) => Promise<T>,
): Promise<ReadonlyMap<Family, Promise<T>>> {
  const started = families.map(async (family) => {
    const { promise: start, resolve: onStart } = withResolvers();
    const working = work(family, onStart);
    // A runner for tests may say nothing before the end.
    await Promise.race([start, working]);
    return [family, { working }] as const;
  });
  return new Map((await Promise.all(started)).map(([family, { working }]) => [family, working]));
}

/** Promise.withResolvers, which Node 20 lacks. */
function withResolvers(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
