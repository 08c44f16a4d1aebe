import { Command, Option } from 'commander';
import type { DiffFlags } from '../run-diff.ts';
import type { Streams } from '../streams.ts';
import { addCompileOptions } from './compile-options.ts';

const examples = `Examples:
  svc2nft diff dump.yaml --node worker-1 --cluster-cidr 10.244.0.0/16
  svc2nft diff dump.yaml --node worker-1 -o nft                   the transactions that apply would send
  svc2nft diff today.yaml --from yesterday.yaml --node worker-1   compare two snapshots: needs neither root nor nft
`;

const exitText = `
Exit codes: 0 no difference, 1 differences, 2 bad input or wrong usage, 3 nft or the kernel refused, 4 no permission or no
nft.`;

/** `svc2nft diff`: what apply would change. */
export function diffCommand(streams: Streams, setExitCode: (code: number) => void): Command {
  return addCompileOptions(new Command('diff'))
    .summary('show what apply would change')
    .description('Shows how the tables in the kernel, or another snapshot, differ from the ruleset of this node.')
    .option('--from <path>', 'compare with the ruleset of this file or folder, or - for stdin, and not with the kernel')
    .addOption(
      new Option('-o, --output <format>', 'text: in Service terms; nft: the transactions; json: for programs')
        .choices(['text', 'nft', 'json'])
        .default('text'),
    )
    .addHelpText('before', examples)
    .addHelpText('after', exitText)
    .action(async (paths: string[], flags: DiffFlags) => {
      const { runDiff } = await import('../run-diff.ts');
      setExitCode(await runDiff(paths, flags, streams));
    });
}
