import { type Command, Option } from 'commander';
import type { CompileOptions } from '../../options.ts';

/** What loads the rules: nft, or iptables-restore. */
export type Target = 'nftables' | 'iptables';

/** The flag that says it; absent for nft. */
export interface TargetFlags {
  readonly target?: Target;
}

/** Flags of rules that only nft has, by their keys. */
const nftFlags: Readonly<Record<string, string>> = {
  table: '--table',
  counters: '--counters',
  targetNft: '--target-nft',
};

/**
 * Adds `--target`.
 *
 * @param others flags of the command that go with one target only, by their keys.
 */
export function addTargetOption(
  command: Command,
  help: string,
  others: Partial<Readonly<Record<Target, Readonly<Record<string, string>>>>> = {},
): Command {
  const refused: Readonly<Record<Target, Readonly<Record<string, string>>>> = {
    iptables: { ...nftFlags, ...others.nftables },
    nftables: others.iptables ?? {},
  };
  return command
    .addOption(new Option('--target <backend>', help).choices(['nftables', 'iptables']).default('nftables'))
    .hook('preAction', () => {
      const { target = 'nftables' }: TargetFlags = command.opts();
      const other = target === 'iptables' ? 'nftables' : 'iptables';
      for (const [key, flag] of Object.entries(refused[target])) {
        if (command.getOptionValueSource(key) === 'cli') {
          command.error(`error: ${flag} is for --target ${other}`);
        }
      }
    });
}

/** Why there can be no rules for iptables; undefined where there can. */
export function iptablesProblem({ detectLocalMode, detectLocalInterface }: CompileOptions): string | undefined {
  return detectLocalMode === 'BridgeInterface' && detectLocalInterface.endsWith('+')
    ? `the bridge ${detectLocalInterface}: iptables takes a name that ends in + for the beginning of names`
    : undefined;
}
