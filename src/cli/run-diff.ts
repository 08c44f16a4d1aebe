import { compiledTarget } from '../apply/compiled-target.ts';
import { formatNftError } from '../apply/nft-error.ts';
import type { RunProgram } from '../apply/run-program.ts';
import type { Target } from '../apply/target.ts';
import { escapeControls } from '../escape-controls.ts';
import { withDefaults } from '../options.ts';
import type { CompileFlags } from './commands/compile-options.ts';
import { compareTables, type ReadTable, tablesInKernel, tablesOf } from './compare-tables.ts';
import { type CompileContext, compilePaths } from './compile-paths.ts';
import type { TableChange } from './describe-table.ts';
import { exitCodes } from './exit-codes.ts';
import { findNft } from './find-nft.ts';
import { type Progress, withProgress } from './progress.ts';
import { readSettings } from './read-settings.ts';
import { lacksInput } from './read-snapshot.ts';
import { exitCodeOfError } from './report-outcome.ts';
import type { Streams } from './streams.ts';
import { wantsStdinTwice } from './wants-stdin-twice.ts';
import { writeDifferences } from './write-differences.ts';

/** The flags of `svc2nft diff`. */
export interface DiffFlags extends CompileFlags {
  readonly from?: string;
  readonly output: 'text' | 'nft' | 'json';
}

/** Exit codes of a comparison, as of diff(1): 1 says that there are differences, so that errors need others. */
const verdicts = { same: 0, different: 1, badInput: exitCodes.wrongUsage } as const;

/** Prints what apply would change, or what differs from another snapshot; resolves to the exit code. */
export async function runDiff(paths: readonly string[], flags: DiffFlags, streams: Streams): Promise<number> {
  const input = paths.length === 0 ? ['-'] : paths;
  if (wantsStdinTwice(input, { flag: '--from', value: flags.from }, streams) || lacksInput(paths, streams)) {
    return exitCodes.wrongUsage;
  }
  const changes = await withProgress(streams, (progress) => listDifferences(paths, flags, { streams, progress }));
  if (typeof changes === 'number') {
    return changes;
  }
  await writeDifferences(changes, flags, streams);
  return changes.some(({ result }) => result !== 'unchanged') ? verdicts.different : verdicts.same;
}

/** Resolves to the exit code where nothing can be compared. */
async function listDifferences(
  paths: readonly string[],
  flags: DiffFlags,
  { streams, progress }: { readonly streams: Streams; readonly progress: Progress },
): Promise<readonly TableChange[] | number> {
  const run = progress.watch(streams.run);
  const nft = flags.from === undefined ? await findNft(run, flags, streams) : undefined;
  if (nft && 'exitCode' in nft) {
    return nft.exitCode;
  }
  const settings = await readSettings(flags);
  const options = withDefaults({ ...(nft && { targetNft: nft.targetNft }), ...settings.options });
  const context = { options, fatal: settings.diagnostics, streams, progress };
  const compiled = await compilePaths(paths, context);
  if (!compiled) {
    return verdicts.badInput;
  }
  const target = compiledTarget(compiled, options);
  const read = await chooseTables(flags, target, { ...context, run });
  const changes = read && (await compareTables(target, read));
  if (!changes) {
    return verdicts.badInput;
  }
  if ('kind' in changes) {
    streams.stderr.write(`error: ${formatNftError(changes)}\n`);
    return exitCodeOfError(changes);
  }
  return changes;
}

/** What to compare with; undefined when the other snapshot is refused. */
async function chooseTables(
  { from }: DiffFlags,
  target: Target,
  context: CompileContext & { readonly run: RunProgram },
): Promise<ReadTable | undefined> {
  if (from === undefined) {
    return tablesInKernel(target, context.run);
  }
  // What concerns settings was said of the first one.
  const compiled = await compilePaths([from], { ...context, fatal: [], onlyAboutInput: true });
  if (!compiled) {
    context.streams.stderr.write(`error: --from ${escapeControls(from)} gives no ruleset to compare with\n`);
  }
  return compiled && tablesOf(compiled);
}
