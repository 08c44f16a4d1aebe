import { Command, Option } from 'commander';
import { tableNameProblem } from '../../config/check-options.ts';
import { formatNftError } from '../../kernel/nft-error.ts';
import { removeTable } from '../../kernel/run-nft.ts';
import type { TableName } from '../../nft/listed-table.ts';
import { withDefaults } from '../../options.ts';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { checkedText } from '../flags/compile-flags.ts';
import type { TargetFlags } from '../flags/general-flags.ts';
import { addHelpTexts } from '../manual/format-help.ts';
import { exitCodeOfError } from '../output/report-outcome.ts';
import { removeIptables } from './iptables-rules.ts';

const examples = `
  svc2nft clean
  svc2nft clean --table my-table --family ip6
  svc2nft clean --target iptables
`;

const notes = `
Rules of iptables are those of apply --target iptables, in both variants where iptables has both; rules of others stay, and no iptables is
fine, too. --table names a table, so it leaves these alone.

Removes any table of that name, no matter which program created it. Established connections continue as long as another table with nat chains is
loaded, such as kube-proxy's: without any, the kernel stops translating.
`;

/** `svc2nft clean`: removes the tables from the kernel. */
export function cleanCommand(context: Context, setExitCode: (code: number) => void): Command {
  const command = new Command('clean')
    .description(
      'Removes the tables of both families from the kernel, and the rules of svc2nft for iptables. Succeeds if there are none.',
    )
    .optionsGroup('Rules:')
    .addOption(
      new Option('--target <backend>', 'only tables of nft, or only rules of iptables').choices([
        'nftables',
        'iptables',
      ]),
    )
    .option('--table <name>', 'name of the nft table (default: svc2nft)', checkedText(tableNameProblem))
    .addOption(new Option('--family <family>', 'only those of one family').choices(['ip', 'ip6']))
    .hook('preAction', () => {
      const { target, table }: CleanFlags = command.opts();
      if (target === 'iptables' && table !== undefined) {
        command.error('error: --table is for --target nftables');
      }
    })
    .action(async (flags: CleanFlags) => {
      setExitCode(await cleanRules(flags, context));
    });
  return addHelpTexts(command, { notes, examples });
}

/** The flags of `svc2nft clean`. */
export interface CleanFlags extends TargetFlags {
  readonly table?: string;
  readonly family?: 'ip' | 'ip6';
}

/** Removes tables, and rules of iptables; succeeds if there is none. Resolves to the exit code. */
export async function cleanRules(flags: CleanFlags, context: Context): Promise<number> {
  const { table, families } = withDefaults({
    ...(flags.table === undefined ? {} : { table: flags.table }),
    ...(flags.family === undefined ? {} : { families: [flags.family] }),
  });
  const isTables = flags.target !== 'iptables';
  const isIptables = flags.target === 'iptables' || (flags.target === undefined && flags.table === undefined);
  const names = isTables ? families.map((family) => ({ family, table })) : [];
  const exitCode = await removeTables(names, context);
  const next = isIptables ? await removeIptables(families, { isNamed: !isTables, context }) : exitCodes.done;
  return exitCode === exitCodes.done ? next : exitCode;
}

/** Removes tables, one after the other, and says what became of each; resolves to the exit code. */
export async function removeTables(names: readonly TableName[], context: Context): Promise<number> {
  let exitCode: number = exitCodes.done;
  for (const { family, table } of names) {
    const result = await context.lock({ table, run: context.run }, (run) => removeTable(run, { family, table }));
    if (typeof result === 'string') {
      context.stdout.write(`table ${family} ${table}: ${result === 'removed' ? 'removed' : 'not found'}\n`);
      continue;
    }
    context.stderr.write(`error: table ${family} ${table}: ${formatNftError(result)}\n`);
    exitCode = exitCodeOfError(result);
    if (exitCode === exitCodes.noPermission) {
      // The others would fail in the same way.
      break;
    }
  }
  return exitCode;
}
