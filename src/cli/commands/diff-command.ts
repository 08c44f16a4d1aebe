import { Command } from 'commander';
import { readActualTable } from '../../apply/read-actual-table.ts';
import { compileRulesets } from '../../compile.ts';
import { planTable, type TablePlan } from '../../diff/plan-table.ts';
import { keepServiceCIDRs } from '../../engine/desired-snapshot.ts';
import { formatNftError, isNftError, type NftError } from '../../kernel/nft-error.ts';
import type { RunProgram } from '../../kernel/run-program.ts';
import { printTransaction } from '../../nft/command.ts';
import type { ListedTable, TableName } from '../../nft/listed-table.ts';
import type { Ruleset } from '../../nft/ruleset.ts';
import { withDefaults } from '../../options.ts';
import { type Context, wantsColor } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { addSnapshotOptions, inputPaths, type SnapshotFlags } from '../flags/compile-flags.ts';
import {
  addTargetOption,
  addWatchOption,
  formatOption,
  type TargetFlags,
  type WatchFlags,
} from '../flags/general-flags.ts';
import { compileOlder } from '../input/compile-older.ts';
import { findNft } from '../input/find-nft.ts';
import {
  type Cluster,
  type CompileRequest,
  chooseInput,
  chooseOwnNode,
  compileSource,
  type InputSource,
  loadCluster,
  loadSettings,
  readsCluster,
  wantsStdinTwice,
} from '../input/load-cluster.ts';
import { describeMissingPath, findMissingPaths } from '../input/load-files.ts';
import { loadListedTables, warnAboutDeviations } from '../input/load-tables.ts';
import { openRules } from '../input/open-rules.ts';
import { runWatched } from '../input/watch-files.ts';
import { addHelpTexts } from '../manual/format-help.ts';
import { fitLines } from '../output/fit-text.ts';
import { type Progress, withProgress } from '../output/progress.ts';
import { type PlannedTable, planData, type RenderPlanOptions, renderPlan } from '../output/render-plan.ts';
import { compareServed, renderServed } from '../output/render-served.ts';
import { writeDiagnostic } from '../output/report-diagnostics.ts';
import { exitCodeOfError, noteOnPermission, noteOwners } from '../output/report-outcome.ts';
import { writeOutput } from '../output/write-output.ts';
import { diffIptablesRules } from './iptables-rules.ts';

const examples = `
  svc2nft diff dump.yaml --node worker-1 --cluster-cidr 10.244.0.0/16
  svc2nft diff dump.yaml --node worker-1 --cluster-cidr 10.244.0.0/16 -o nft                   the transactions that apply would send
  svc2nft diff --live --cluster-cidr 10.244.0.0/16                                             what the agent of this machine has yet to do
  svc2nft diff --from yesterday.yaml --live --node worker-1 --cluster-cidr 10.244.0.0/16       what changed in the cluster since
  svc2nft diff yesterday.yaml today.yaml --node worker-1 --cluster-cidr 10.244.0.0/16         compare two snapshots: needs neither root nor nft
  svc2nft diff dump.yaml --node worker-1 --config config.yaml --from-rules kernel              what kube-proxy serves here that svc2nft would not, and the reverse
  svc2nft diff dump.yaml --node worker-1 --cluster-cidr 10.244.0.0/16 --target iptables -o iptables --family ip     what iptables-restore would load
  svc2nft diff -f services.yaml -f slices.yaml -f nodes.yaml --node worker-1 --cluster-cidr 10.244.0.0/16   one snapshot in three files
`;

const notes = `
Two PATHs are compared: the first one is the older snapshot. One PATH, three and more, or those of -f are one snapshot, which
is compared with the kernel, or with the snapshot of --from. If either snapshot has no ServiceCIDR, service CIDRs are not compared.

--from-rules compares what rules serve with what those of this snapshot would serve: frontends, endpoints, policies, affinity, source
ranges, and settings of the node, but neither chains nor commands. The rules may be kube-proxy's (the table kube-proxy, or rules of
iptables, where there is no svc2nft) or those of svc2nft. With -o json, tables is a list of the differences of each family, as in the other JSON under changes.

--target iptables compares rules of iptables in the same ways; text then has the rules that differ, -o iptables is what apply would load, IPv4
first, and --from-rules takes the output of iptables-save and ip6tables-save.

Compared with the kernel and without --node, of several Nodes the one with the name of this machine is meant, as for apply.
`;

/** `svc2nft diff`: what apply would change. */
export function diffCommand(context: Context, setExitCode: (code: number) => void): Command {
  const rules = addTargetOption(
    addSnapshotOptions(new Command('diff')),
    'what loads the rules: nft, or iptables-restore',
  );
  const command = rules
    .description('Shows how the tables in the kernel, or another snapshot, differ from the ruleset of this node.')
    .optionsGroup('Input:')
    .option('--from <path>', 'compare with the ruleset of this file or folder (- for stdin) instead of the kernel')
    .option('--from-rules <file|kernel>', 'compare with what these rules serve, also those of kube-proxy (- for stdin)')
    .optionsGroup('Output:')
    .addOption(
      formatOption('text: in Service terms; nft, iptables: the transactions; json: for programs', [
        'text',
        'nft',
        'iptables',
        'json',
      ]).default('text'),
    )
    .hook('preAction', checkOutput)
    .action(async (paths: string[], flags: DiffFlags) => {
      const [inputs, named] = nameSnapshots(paths, flags);
      const isLive = readsCluster(inputs, flags, context);
      const watched = {
        watch: flags.watch,
        isLive,
        paths: inputs,
        others: [named.config, named.from, named.fromRules],
      };
      const isServed = named.fromRules !== undefined && named.target !== 'iptables';
      const run = isServed ? runDiffRules : runDiff;
      setExitCode(await runWatched(watched, context, () => run(inputs, named, context)));
    });
  return addHelpTexts(addWatchOption(command), { notes, examples });
}

/** Whether the transactions are those of the target. */
function checkOutput(command: Command): void {
  const { target = 'nftables', output }: DiffFlags = command.opts();
  if ((output === 'iptables' && target === 'nftables') || (output === 'nft' && target === 'iptables')) {
    command.error(`error: -o ${output} is for --target ${target === 'nftables' ? 'iptables' : 'nftables'}`);
  }
}

/** The flags of `svc2nft diff`. */
interface DiffFlags extends SnapshotFlags, WatchFlags, TargetFlags {
  readonly from?: string;
  readonly fromRules?: string;
  readonly output: 'text' | 'nft' | 'iptables' | 'json';
}

/** Two paths are an old and a new snapshot, as in diff(1), unless flags say otherwise. */
function nameSnapshots(paths: readonly string[], flags: DiffFlags): [paths: readonly string[], flags: DiffFlags] {
  const [from, to, ...others] = paths;
  const areCompared =
    (flags.from ?? flags.fromRules) === undefined && flags.filename === undefined && others.length === 0;
  return areCompared && from !== undefined && to !== undefined
    ? [[to], { ...flags, from }]
    : [inputPaths(paths, flags), flags];
}

/** Exit codes as of diff(1): 1 means that there are differences, so errors have others. */
const verdicts = { same: 0, different: 1, badInput: exitCodes.wrongUsage } as const;

function verdictOf(differs: boolean): number {
  return differs ? verdicts.different : verdicts.same;
}

/** Prints what apply would change, or what differs from another snapshot; resolves to the exit code. */
async function runDiff(paths: readonly string[], flags: DiffFlags, context: Context): Promise<number> {
  const input = chooseInput(paths, flags, context);
  if (typeof input === 'number') {
    return input;
  }
  const read = paths.length === 0 && !input.cluster ? ['-'] : paths;
  if (
    wantsStdinTwice(read, { flag: '--from', value: flags.from }, context) ||
    wantsStdinTwice(read, { flag: '--from-rules', value: flags.fromRules }, context)
  ) {
    return exitCodes.wrongUsage;
  }
  if (await reportMissing([...(flags.from === undefined ? [] : [flags.from]), ...paths], context)) {
    return verdicts.badInput;
  }
  if (flags.target === 'iptables') {
    const differs = await withProgress(context, (progress) => diffIptablesRules(input, flags, { context, progress }));
    return typeof differs === 'number' ? differs : verdictOf(differs);
  }
  const plans = await withProgress(context, (progress) => planTables(input, flags, { context, progress }));
  if (typeof plans === 'number') {
    return plans;
  }
  await writePlans(plans, flags, context);
  return verdictOf(plans.some(({ result }) => result !== 'unchanged'));
}

/** Prints how what rules serve differs from what the snapshot asks for; resolves to the exit code. */
async function runDiffRules(paths: readonly string[], flags: DiffFlags, context: Context): Promise<number> {
  const { fromRules = '', output } = flags;
  const problem = describeConflict(flags);
  if (problem !== undefined) {
    context.stderr.write(`error: --from-rules takes no ${problem} (see --help)\n`);
    return exitCodes.wrongUsage;
  }
  const inputs = paths.length === 0 && !readsCluster(paths, flags, context) ? ['-'] : paths;
  if (wantsStdinTwice(inputs, { flag: '--from-rules', value: fromRules }, context)) {
    return exitCodes.wrongUsage;
  }
  const loaded = await loadBoth(paths, flags, context);
  if (typeof loaded === 'number') {
    return loaded === exitCodes.badInput ? verdicts.badInput : loaded;
  }
  const [{ rulesets }, tables] = loaded;
  const changes = compareServed(tables, rulesets);
  const text =
    output === 'json'
      ? `${JSON.stringify({ tables: changes }, undefined, 2)}\n`
      : fitLines(renderServed(changes, tables, { color: wantsColor(context, 'stdout') }), context.stdout);
  await writeOutput(text, undefined, context);
  return verdictOf(changes.length > 0);
}

function describeConflict({ from, output }: DiffFlags): string | undefined {
  if (from !== undefined) {
    return '--from';
  }
  return output === 'nft' ? '-o nft, because it compares what is served and changes no rules' : undefined;
}

/** The snapshot and the rules; the exit code after a message on stderr where one of them cannot be read. */
async function loadBoth(
  paths: readonly string[],
  flags: DiffFlags,
  context: Context,
): Promise<readonly [Cluster, readonly ListedTable[]] | number> {
  const { fromRules = '', table } = flags;
  const rules = await openRules(fromRules, context);
  if (typeof rules === 'number') {
    return rules;
  }
  const cluster = await loadCluster(paths, flags, context, { rulesOf: rules.machine });
  if (typeof cluster === 'number') {
    return cluster;
  }
  const tables = await loadListedTables(
    rules,
    { families: cluster.options.families, table, takesIptables: true },
    context,
  );
  if (typeof tables === 'number') {
    return tables;
  }
  warnAboutDeviations(tables, context);
  return [cluster, tables];
}

/**
 * Reports each path at which there is nothing, before anything is read: of two snapshots, what is odd in the other one does
 * not matter then.
 */
async function reportMissing(paths: readonly string[], context: Context): Promise<boolean> {
  const missing = await findMissingPaths(paths);
  for (const path of missing) {
    writeDiagnostic(describeMissingPath(path), context);
  }
  return missing.length > 0;
}

/** One plan for each table, or the exit code when nothing can be compared. */
async function planTables(
  input: InputSource,
  flags: DiffFlags,
  { context, progress }: { readonly context: Context; readonly progress: Progress },
): Promise<readonly PlannedTable[] | number> {
  const run = progress.watch(context.run);
  const nft = flags.from === undefined ? await findNft(run, flags, context) : undefined;
  if (typeof nft === 'number') {
    return nft;
  }
  const settings = await loadSettings(flags);
  const options = withDefaults({ ...(nft && { targetNft: nft.targetNft }), ...settings.options });
  const request: CompileRequest = {
    compile: compileRulesets,
    options,
    configDiagnostics: settings.diagnostics,
    ...(flags.from === undefined && chooseOwnNode(context)),
    context,
    progress,
  };
  const compiled = await compileSource(input, { ...request, needs: {} });
  if (typeof compiled === 'number') {
    return compiled === exitCodes.badInput ? verdicts.badInput : compiled;
  }
  const read = await chooseTables(flags, compiled, { ...request, run, ...input });
  if (!read) {
    return verdicts.badInput;
  }
  const plans: PlannedTable[] = [];
  for (const desired of compiled.rulesets) {
    const actual = await read(desired);
    // A table that cannot be read is rebuilt, if that may help.
    if (isNftError(actual) && !actual.rebuild) {
      context.stderr.write(`error: ${formatNftError(actual)}\n`);
      noteOnPermission([actual], context);
      return exitCodeOfError(actual);
    }
    const plan = isNftError(actual)
      ? planUnreadTable(desired, actual)
      : planTable(keepServiceCIDRs(desired, compiled, actual?.ruleset), actual);
    plans.push({ ...plan, view: compiled.views.find(({ family }) => family === desired.family) });
  }
  await noteOwners(
    plans.flatMap(({ before }) => before ?? []),
    context,
  );
  return plans;
}

function planUnreadTable(desired: Ruleset, { kind, said }: NftError): TablePlan {
  const findings = [{ message: `cannot be read (${kind}): ${said[0]}` }];
  return { ...planTable(desired, undefined, { rebuild: true }), findings };
}

/** Reads a table to compare with; undefined when there is none. */
type ReadTable = (name: TableName) => Promise<ListedTable | NftError | undefined>;

/** What to compare with; undefined when the other snapshot is invalid. */
async function chooseTables(
  { from }: DiffFlags,
  desired: Cluster,
  request: CompileRequest & InputSource & { readonly run: RunProgram },
): Promise<ReadTable | undefined> {
  if (from === undefined) {
    return (name) => readActualTable(request.run, name);
  }
  const older = await compileOlder(from, desired, request);
  return older && tablesOf(older, desired);
}

/** The tables as they would be read if another snapshot had been applied; what only one of both says has not changed. */
function tablesOf(old: Cluster, desired: Cluster): ReadTable {
  return async ({ family }) => {
    const ofFamily = (one: Ruleset): boolean => one.family === family;
    const found = old.rulesets.find(ofFamily);
    const ruleset = found && keepServiceCIDRs(found, old, desired.rulesets.find(ofFamily));
    return ruleset && { isDormant: false, ruleset, dynamic: new Map(), deviations: [] };
  };
}

/** Prints plans in the format asked for; nothing, in text and nft, when nothing differs. */
async function writePlans(
  plans: readonly PlannedTable[],
  { output, from }: DiffFlags,
  context: Context,
): Promise<void> {
  const options = { would: from === undefined, color: wantsColor(context, 'stdout'), limit: 1_000 };
  const texts: Readonly<Record<DiffFlags['output'], () => string>> = {
    text: () => fitLines(renderPlans(plans, options), context.stdout),
    nft: () => plans.map(printTransaction).join(''),
    // Refused for this target.
    iptables: () => '',
    json: () => jsonOf(plans),
  };
  await writeOutput(texts[output](), undefined, context);
}

function renderPlans(plans: readonly PlannedTable[], options: RenderPlanOptions): string[] {
  return plans.filter(({ result }) => result !== 'unchanged').flatMap((plan) => renderPlan(plan, options));
}

function jsonOf(plans: readonly PlannedTable[]): string {
  return `${JSON.stringify({ tables: plans.map(planData) }, undefined, 2)}\n`;
}
