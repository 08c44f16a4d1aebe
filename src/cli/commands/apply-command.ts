import { Command } from 'commander';
import { createApplier } from '../../apply/apply-update.ts';
import { rehearse } from '../../apply/rehearse.ts';
import { compiledTarget, noUpdate } from '../../apply/target.ts';
import { withDefaults } from '../../options.ts';
import type { Streams } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { addCompileOptions, type CompileFlags } from '../flags/compile-flags.ts';
import { findNft } from '../input/find-nft.ts';
import { compilePaths, lacksInput } from '../input/load-cluster.ts';
import { loadSettings } from '../input/load-settings.ts';
import { type Progress, withProgress } from '../output/progress.ts';
import { exitCodeOf, reportOutcome } from '../output/report-outcome.ts';

const examples = `Examples:
  kubectl get services,endpointslices,nodes,servicecidrs -A -o json | svc2nft apply --node worker-1 --cluster-cidr 10.244.0.0/16
  svc2nft apply dump.yaml --node worker-1 --config kube-proxy.yaml --dry-run
`;

const exitText = `
The table of each family changes in one transaction, or not at all; no other table is touched, but one that has the name
of ours is taken for ours. Clients with affinity keep their endpoints. UDP flows to endpoints that are gone are deleted
from conntrack.

Exit codes: 0 done, 1 bad input (nothing is changed), 2 wrong usage, 3 nft or the kernel refused, or a Service had to be
left out, 4 no permission or no nft.`;

/** `svc2nft apply`: manifests in, rules in the kernel. */
export function applyCommand(streams: Streams, setExitCode: (code: number) => void): Command {
  return addCompileOptions(new Command('apply'))
    .description(
      'Makes the kernel hold what `compile` prints: reads the tables, and sends what differs, in one transaction for each family.',
    )
    .option('--dry-run', 'let the kernel check the transactions, and change nothing')
    .addHelpText('before', examples)
    .addHelpText('after', exitText)
    .action(async (paths: string[], flags: ApplyFlags) => {
      setExitCode(await runApply(paths, flags, streams));
    });
}

/** The flags of `svc2nft apply`. */
export interface ApplyFlags extends CompileFlags {
  readonly dryRun?: true;
}

/**
 * Makes the kernel hold what `compile` prints, or with --dry-run asks whether it would. What changed goes to stdout, in
 * Service terms; all else to stderr.
 *
 * @returns the exit code.
 */
export async function runApply(paths: readonly string[], flags: ApplyFlags, streams: Streams): Promise<number> {
  if (lacksInput(paths, streams)) {
    return exitCodes.wrongUsage;
  }
  return withProgress(streams, (progress) => applyPaths(paths, flags, { streams, progress }));
}

async function applyPaths(
  paths: readonly string[],
  flags: ApplyFlags,
  { streams, progress }: { readonly streams: Streams; readonly progress: Progress },
): Promise<number> {
  const run = progress.watch(streams.run);
  const nft = await findNft(run, flags, streams);
  if ('exitCode' in nft) {
    return nft.exitCode;
  }
  const settings = await loadSettings(flags);
  const options = withDefaults({ targetNft: nft.targetNft, ...settings.options });
  const compiled = await compilePaths(paths, { options, fatal: settings.diagnostics, streams, progress });
  if (!compiled) {
    return exitCodes.badInput;
  }
  const target = compiledTarget(compiled, options);
  const outcome = flags.dryRun
    ? await rehearse(target, run)
    : await createApplier(target, { run, lock: streams.lock }).apply(noUpdate);
  reportOutcome(outcome, { target, streams, isRehearsal: flags.dryRun === true });
  return exitCodeOf(outcome);
}
