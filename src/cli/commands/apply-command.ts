import { Command, Option } from 'commander';
import { applyTables } from '../../apply/apply-tables.ts';
import type { Outcome } from '../../apply/outcome.ts';
import { startReading } from '../../apply/read-actual-table.ts';
import type { DryRun } from '../../apply/sync-table.ts';
import { withoutLock } from '../../apply/with-lock.ts';
import { compileRulesets } from '../../compile.ts';
import { checkOptions } from '../../config/check-options.ts';
import { hasError } from '../../diagnostics/diagnostic.ts';
import { desiredSnapshot } from '../../engine/desired-snapshot.ts';
import { findCompetingTables } from '../../inspect/doctor/check-tables.ts';
import type { Ruleset } from '../../nft/ruleset.ts';
import { withDefaults } from '../../options.ts';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { addCompileOptions, type CompileFlags, inputPaths } from '../flags/compile-flags.ts';
import { addTargetOption, formatOption, iptablesProblem, type TargetFlags } from '../flags/general-flags.ts';
import { findNft } from '../input/find-nft.ts';
import {
  type Cluster,
  type CompileRequest,
  compileInput,
  lacksInput,
  loadPaths,
  loadSettings,
} from '../input/load-cluster.ts';
import type { LoadedInput } from '../input/load-files.ts';
import { refusesInput, servedByTables } from '../input/refuse-incomplete.ts';
import { addHelpTexts } from '../manual/format-help.ts';
import { type Progress, withProgress } from '../output/progress.ts';
import { type DescribedPlan, describePlan } from '../output/render-plan.ts';
import { exitCodeOf, noteOwners, reportCompetitors, reportOutcome } from '../output/report-outcome.ts';
import { type ApplySettings, applyToIptables } from './iptables-rules.ts';

const examples = `
  kubectl get services,endpointslices,nodes,servicecidrs -A -o json | svc2nft apply --node worker-1 --cluster-cidr 10.244.0.0/16
  svc2nft apply dump.yaml --node worker-1 --config kube-proxy.yaml --dry-run
  svc2nft apply dump.yaml --node worker-1 --cluster-cidr 10.244.0.0/16 --target iptables
`;

const notes = `
The table of each family changes in one transaction, or not at all. A new one that is large is loaded in parts, and no packet
passes it before the last one; an apply that is interrupted in between leaves packets as they were, and the next one finishes
it. No other table is touched; an existing table with the same name is taken over. Clients with affinity keep their endpoints. UDP flows to endpoints that no longer serve are
deleted from conntrack.

Half a cluster is refused, because Services and endpoints would only seem to be gone: when one of several lists fails, kubectl
prints the others, which a pipe cannot tell from all. Refused is an input with Services but no EndpointSlice, or the reverse;
one without a Service with a cluster IP where the table serves some; one of a single namespace, or without default/kubernetes,
where the table serves the others; one with a namespace whose Services select pods, but have no EndpointSlice, where the table
has endpoints for them; one without the Node or its addresses, unless --node-ip is given; an error of the API
server; a page of a list; a watch without its initial list; a Table or metadata in place of objects; and a file that is blank
or cut off. --allow-empty allows what is missing, but not what is broken. An older snapshot is not recognized: what it removes
is named last.

--target iptables brings rules of iptables to the kernel in place of a table, with one iptables-restore per family: only chains that differ
are written, and jumps from built-in chains are ahead of those of others, whose rules stay. docs/iptables.md has the rest; -o json then has
rules: [{family, result, tables, changedTables, error}] in place of tables.

-o json prints {dryRun, tables: [{family, table, result, commands, findings, rejectedServices, error, ...}], conntrack}; what a table
gains and loses is as in diff -o json.

Without --node, the only Node of the input is meant, or of several the one with the name of this machine.
`;

/** `svc2nft apply`: brings the tables in the kernel to the ruleset of this node. */
export function applyCommand(context: Context, setExitCode: (code: number) => void): Command {
  const command = addTargetOption(
    addCompileOptions(new Command('apply')),
    'what loads the rules: nft, or iptables-restore',
  )
    .description(
      'Brings the tables in the kernel in line with what `compile` prints: reads them and sends only what differs, in one transaction per family.',
    )
    .option(
      '--allow-empty',
      'apply an input that lacks Services, EndpointSlices or the Node, as that of an empty cluster',
    )
    .optionsGroup('Output:')
    .addOption(
      new Option(
        '--dry-run [client|server]',
        'change nothing; server, the default, lets the kernel check the transactions (iptables-restore, with --target iptables); client plans without asking the kernel to check, but still reads the tables: both need root',
      ).choices(['client', 'server', 'none']),
    )
    .addOption(formatOption('text, or json for programs', ['text', 'json']).default('text'))
    .action(async (paths: string[], flags: ApplyFlags) => {
      setExitCode(await runApply(inputPaths(paths, flags), flags, context));
    });
  return addHelpTexts(command, { notes, examples });
}

/** The flags of `svc2nft apply`. */
interface ApplyFlags extends CompileFlags, TargetFlags {
  readonly dryRun?: DryRun | 'none';
  readonly allowEmpty?: true;
  readonly output: 'text' | 'json';
}

/**
 * Brings the tables in the kernel to the compiled ruleset, or with --dry-run asks the kernel whether it would accept that.
 * What changes goes to stdout, in Service terms; everything else to stderr.
 *
 * @returns the exit code.
 */
async function runApply(paths: readonly string[], flags: ApplyFlags, context: Context): Promise<number> {
  if (lacksInput(paths, context)) {
    return exitCodes.wrongUsage;
  }
  return withProgress(context, (progress) => applyPaths(paths, flags, { context, progress }));
}

async function applyPaths(
  paths: readonly string[],
  flags: ApplyFlags,
  { context, progress }: { readonly context: Context; readonly progress: Progress },
): Promise<number> {
  const run = progress.watch(context.run);
  const nft = flags.target === 'iptables' ? undefined : await findNft(run, flags, context);
  if (typeof nft === 'number') {
    return nft;
  }
  const settings = await loadSettings(flags);
  const options = withDefaults({ ...(nft && { targetNft: nft.targetNft }), ...settings.options });
  const problem = nft ? undefined : iptablesProblem(options);
  if (problem !== undefined) {
    context.stderr.write(`error: ${problem}\n`);
    return exitCodes.wrongUsage;
  }
  const request = {
    compile: compileRulesets,
    options,
    configDiagnostics: settings.diagnostics,
    machine: { hostName: context.hostName, allowEmpty: flags.allowEmpty === true },
    context,
    progress,
  };
  const input = await loadPaths(paths, request);
  if (hasError(input.diagnostics) || checkOptions(options).length > 0) {
    const refused = await compileInput(input, request);
    return typeof refused === 'number' ? refused : exitCodes.badInput;
  }
  const dryRun = flags.dryRun === 'none' ? undefined : flags.dryRun;
  const lock = dryRun ? withoutLock : context.lock;
  const apply = nft ? applyToNft : applyToIptables;
  return lock({ table: options.table, run }, (lockedRun) =>
    apply(input, request, { run: lockedRun, dryRun, allowEmpty: flags.allowEmpty === true, output: flags.output }),
  );
}

/** Brings tables to what the input compiles to, and reports what became of them; resolves to the exit code. */
async function applyToNft(input: LoadedInput, request: CompileRequest, settings: ApplySettings): Promise<number> {
  const applied = await applyInput(input, request, settings);
  if (typeof applied === 'number') {
    return applied;
  }
  const { context } = request;
  const { outcome, ...described } = applied;
  await noteOwners(
    outcome.families.flatMap(({ before }) => before ?? []),
    context,
  );
  const { dryRun, output } = settings;
  reportOutcome(outcome, { ...described, context, dryRun: dryRun !== undefined, output });
  return exitCodeOf(outcome);
}

interface Applied extends Pick<Cluster, 'views'> {
  readonly outcome: Outcome;
  readonly descriptions: Map<Ruleset, DescribedPlan>;
}

/** Compiles while nft lists the tables, which takes about as long; the exit code when the input is refused. */
async function applyInput(
  input: LoadedInput,
  request: CompileRequest,
  { run, dryRun, allowEmpty }: Omit<ApplySettings, 'output'>,
): Promise<Applied | number> {
  const { context, options } = request;
  const reading = new AbortController();
  const competing = findCompetingTables(run, options.table);
  const listings = await startReading(run, options, reading.signal);
  const compiled = await compileInput(input, request);
  if (typeof compiled === 'number') {
    reading.abort();
    await Promise.all([competing, ...listings.values()]);
    return compiled;
  }
  reportCompetitors(await competing, context);
  const readServed = async () => servedByTables(await Promise.all([...listings.values()]));
  if (await refusesInput(compiled, readServed, { dryRun, allowEmpty, context })) {
    return exitCodes.badInput;
  }
  const { views } = compiled;
  const descriptions: Applied['descriptions'] = new Map();
  const outcome = await applyTables(desiredSnapshot(compiled, compiled.options), {
    run,
    dryRun,
    listings,
    // Of a table with tens of thousands of Services that takes as long as nft needs for a part.
    onSend: (plan) => {
      if (!descriptions.has(plan.after)) {
        const view = views.find(({ family }) => family === plan.family);
        descriptions.set(plan.after, describePlan({ ...plan, view }));
      }
    },
  });
  return { outcome, views, descriptions };
}
