import { formatNftError } from '../apply/nft-error.ts';
import { removeTable } from '../apply/remove-table.ts';
import { withDefaults } from '../options.ts';
import { exitCodes } from './exit-codes.ts';
import { exitCodeOfError } from './report-outcome.ts';
import type { Streams } from './streams.ts';

/** The flags of `svc2nft clean`. */
export interface CleanFlags {
  readonly table?: string;
  readonly family?: 'ip' | 'ip6';
}

/** Removes our tables; that there is none is fine. Resolves to the exit code. */
export async function runClean(flags: CleanFlags, streams: Streams): Promise<number> {
  const { table, families } = withDefaults({
    ...(flags.table === undefined ? {} : { table: flags.table }),
    ...(flags.family === undefined ? {} : { families: [flags.family] }),
  });
  let exitCode: number = exitCodes.done;
  for (const family of families) {
    const result = await streams.lock(table, () => removeTable(streams.run, { family, table }));
    if (typeof result === 'string') {
      streams.stdout.write(`table ${family} ${table}: ${result === 'removed' ? 'removed' : 'was not there'}\n`);
      continue;
    }
    streams.stderr.write(`error: table ${family} ${table}: ${formatNftError(result)}\n`);
    exitCode = exitCodeOfError(result);
    if (exitCode === exitCodes.noPermission) {
      // It is the same for the other family.
      break;
    }
  }
  return exitCode;
}
