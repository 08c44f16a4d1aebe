import { Command, Option } from 'commander';
import { tableNameProblem } from '../../config/value-problems.ts';
import { checkedText } from '../option-values.ts';
import type { CleanFlags } from '../run-clean.ts';
import type { Streams } from '../streams.ts';

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
    .summary('remove the tables from the kernel')
    .description('Removes the tables of both families from the kernel. That there is none is fine.')
    .option('--table <name>', 'name of the nft table (default: svc2nft)', checkedText(tableNameProblem))
    .addOption(new Option('--family <family>', 'only the table of one family').choices(['ip', 'ip6']))
    .addHelpText('before', examples)
    .addHelpText('after', exitText)
    .action(async (flags: CleanFlags) => {
      const { runClean } = await import('../run-clean.ts');
      setExitCode(await runClean(flags, streams));
    });
}
