import { Command, Option } from 'commander';
import { describeFindings } from '../../apply/describe-findings.ts';
import { planTransaction } from '../../apply/plan-transaction.ts';
import { readActualTable } from '../../apply/read-actual-table.ts';
import { compiledTarget, type Target } from '../../apply/target.ts';
import type { CompiledRulesets } from '../../compile.ts';
import { formatNftError, type NftError } from '../../kernel/nft-error.ts';
import { isNftError } from '../../kernel/read-table.ts';
import type { RunProgram } from '../../kernel/run-program.ts';
import { escapeControls } from '../../lib/text.ts';
import type { Family } from '../../net/network.ts';
import { renderTransaction } from '../../nft/command.ts';
import type { ListedTable } from '../../nft/listed-table.ts';
import { withDefaults } from '../../options.ts';
import { type Streams, wantsColor } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { addCompileOptions, type CompileFlags } from '../flags/compile-flags.ts';
import { findNft } from '../input/find-nft.ts';
import { type CompileContext, compilePaths, lacksInput, wantsStdinTwice } from '../input/load-cluster.ts';
import { loadSettings } from '../input/load-settings.ts';
import { type Progress, withProgress } from '../output/progress.ts';
import { describeTable, renderTable, type TableChange } from '../output/render-table-change.ts';
import { exitCodeOfError } from '../output/report-outcome.ts';
import { writeOutput } from '../output/write-output.ts';

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
      setExitCode(await runDiff(paths, flags, streams));
    });
}

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
  const settings = await loadSettings(flags);
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

/** Reads what the target is compared with: undefined where there is no table. */
export type ReadTable = (family: Family) => Promise<ListedTable | NftError | undefined>;

/** The tables in the kernel. */
export function tablesInKernel({ table }: Target, run: RunProgram): ReadTable {
  return (family) => readActualTable(run, { family, table });
}

/** The tables as they would be listed, had another snapshot been applied. */
export function tablesOf({ rulesets }: CompiledRulesets): ReadTable {
  return async (family) => {
    const ruleset = rulesets?.find((one) => one.family === family);
    return ruleset && { isDormant: false, ruleset, dynamic: new Map(), deviations: [] };
  };
}

/** What would have to change for each table to become what the target wants; an error where that cannot be told. */
export async function compareTables(target: Target, read: ReadTable): Promise<TableChange[] | NftError> {
  const changes: TableChange[] = [];
  for (const family of target.families) {
    const found = await read(family);
    // A table that apply would make anew without knowing what it holds can be compared with nothing.
    if (isNftError(found) && !found.rebuild) {
      return found;
    }
    changes.push(compareTable(target, family, found));
  }
  return changes;
}

function compareTable(target: Target, family: Family, found: ListedTable | NftError | undefined): TableChange {
  const [error, listing] = isNftError(found) ? [found, undefined] : [undefined, found];
  const { commands, isNewTable } = planTransaction(target, family, { listing, anew: error !== undefined });
  return {
    family,
    table: target.table,
    result: resultOf({ isEmpty: commands.length === 0, isNewTable, exists: found !== undefined }),
    before: listing?.ruleset,
    after: target.rulesets().find((ruleset) => ruleset.family === family),
    commands,
    findings: [
      ...(error ? [`it cannot be read (${error.kind}): ${error.said[0]}`] : []),
      ...(listing ? describeFindings(listing, commands) : []),
    ],
  };
}

function resultOf({
  isEmpty,
  isNewTable,
  exists,
}: {
  readonly isEmpty: boolean;
  readonly isNewTable: boolean;
  readonly exists: boolean;
}): TableChange['result'] {
  if (isEmpty) {
    return 'unchanged';
  }
  if (!isNewTable) {
    return 'changed';
  }
  return exists ? 'rebuilt' : 'made';
}

/** How differences are printed. */
export interface WriteDifferencesOptions {
  readonly output: 'text' | 'nft' | 'json';
  /** The snapshot that was compared with, and not the kernel. */
  readonly from?: string;
}

/** Prints differences in one of the formats; nothing, in text and nft, when there is none. */
export async function writeDifferences(
  changes: readonly TableChange[],
  options: WriteDifferencesOptions,
  streams: Streams,
): Promise<void> {
  const texts = { text: textOf, nft: nftOf, json: jsonOf };
  await writeOutput(texts[options.output](changes, options, streams), undefined, streams);
}

function textOf(changes: readonly TableChange[], { from }: WriteDifferencesOptions, streams: Streams): string {
  const options = { would: from === undefined, color: wantsColor(streams, 'stdout'), limit: 1_000 };
  return changes
    .filter(({ result }) => result !== 'unchanged')
    .flatMap((change) => renderTable(change, options))
    .map((line) => `${line}\n`)
    .join('');
}

function nftOf(changes: readonly TableChange[]): string {
  return changes.map(renderTransaction).join('');
}

function jsonOf(changes: readonly TableChange[]): string {
  const families = changes.map((change) => {
    const { changes: described, findings } = describeTable(change);
    const { result, commands } = change;
    return { ...described, result, commands: commands.length, findings };
  });
  return `${JSON.stringify({ families }, undefined, 2)}\n`;
}
