import { Command, Option } from 'commander';
import { removeTable } from '../../apply/send.ts';
import { tableNameProblem } from '../../config/check-options.ts';
import { formatNftError } from '../../kernel/nft-error.ts';
import { withDefaults } from '../../options.ts';
import type { Streams } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { checkedText } from '../flags/compile-flags.ts';
import { exitCodeOfError } from '../output/report-outcome.ts';

const examples = `Examples:
  svc2nft clean
  svc2nft clean --table my-table --family ip6
`;

const exitText = `
A table of that name is removed whoever made it. Established connections go on: what conntrack knows stays translated
until it ends.

Exit codes: 0 done, or nothing was there, 2 wrong usage, 3 nft or the kernel refused, 4 no permission or no nft.`;

/** `svc2nft clean`: no rules of ours in the kernel. */
export function cleanCommand(streams: Streams, setExitCode: (code: number) => void): Command {
  return new Command('clean')
    .description('Removes the tables of both families from the kernel. That there is none is fine.')
    .option('--table <name>', 'name of the nft table (default: svc2nft)', checkedText(tableNameProblem))
    .addOption(new Option('--family <family>', 'only the table of one family').choices(['ip', 'ip6']))
    .addHelpText('before', examples)
    .addHelpText('after', exitText)
    .action(async (flags: CleanFlags) => {
      setExitCode(await runClean(flags, streams));
    });
}

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
