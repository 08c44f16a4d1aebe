import { compiledTarget, noUpdate } from '../apply/compiled-target.ts';
import { createApplier } from '../apply/create-applier.ts';
import { rehearse } from '../apply/rehearse.ts';
import { withDefaults } from '../options.ts';
import type { CompileFlags } from './commands/compile-options.ts';
import { compilePaths } from './compile-paths.ts';
import { exitCodes } from './exit-codes.ts';
import { findNft } from './find-nft.ts';
import { type Progress, withProgress } from './progress.ts';
import { readSettings } from './read-settings.ts';
import { lacksInput } from './read-snapshot.ts';
import { exitCodeOf, reportOutcome } from './report-outcome.ts';
import type { Streams } from './streams.ts';

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
  const settings = await readSettings(flags);
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
