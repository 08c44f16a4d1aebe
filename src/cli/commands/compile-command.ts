import { Command, Option } from 'commander';
import { compileIptables, compileRulesets } from '../../compile.ts';
import { hasError } from '../../diagnostics/diagnostic.ts';
import { diffIptables, printDifference } from '../../iptables/diff-iptables.ts';
import { printIptables } from '../../iptables/print-iptables.ts';
import { readSavedRules } from '../../iptables/saved-rules.ts';
import { printRulesets } from '../../nft/print.ts';
import { iptablesOptions, withDefaults } from '../../options.ts';
import { describeSource, summarizeSource } from '../../phases/5-plan/describe-source.ts';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { addSnapshotOptions, checkedText, inputPaths, type SnapshotFlags } from '../flags/compile-flags.ts';
import {
  addTargetOption,
  addWatchOption,
  formatOption,
  iptablesProblem,
  type TargetFlags,
  type WatchFlags,
} from '../flags/general-flags.ts';
import {
  type CompileRequest,
  chooseInput,
  compileSnapshot,
  loadSettings,
  readSource,
  readsCluster,
  type SourceSnapshot,
} from '../input/load-cluster.ts';
import { loadFile } from '../input/load-files.ts';
import { runWatched } from '../input/watch-files.ts';
import { addHelpTexts } from '../manual/format-help.ts';
import { reportDiagnostics } from '../output/report-diagnostics.ts';
import { outputFileProblem, overwritesInput, writeOutput } from '../output/write-output.ts';

const examples = `
  kubectl get services,endpointslices,nodes,servicecidrs -A -o json | svc2nft compile --node worker-1 --cluster-cidr 10.244.0.0/16
  svc2nft compile dump.yaml --node worker-1 --cluster-cidr 10.244.0.0/16 | nft -f -
  svc2nft compile services.yaml slices.yaml --node worker-1 --node-ip 192.0.2.11 --node-ip 2001:db8::11 --cluster-cidr 10.244.0.0/16
  svc2nft compile --live --node worker-1 --cluster-cidr 10.244.0.0/16
  svc2nft compile manifests/ --config kube-proxy.yaml --family ip6 --file rules.nft
  svc2nft compile dump.yaml --node worker-1 --cluster-cidr 10.244.0.0/16 --target iptables --family ip | iptables-restore --noflush
`;

const notes = `
--target iptables prints what iptables-restore --noflush loads, of one family: rules as kube-proxy's iptables mode has them, in chains
of their own. It begins with the jumps from built-in chains, which are added again each time that they are loaded. Where rules are
there already, print what differs from them with --over, or the chains alone with --chains-only. docs/iptables.md says what differs from the nftables ruleset.
`;

/** `svc2nft compile`: manifests in, nft text out, or one for iptables. */
export function compileCommand(context: Context, setExitCode: (code: number) => void): Command {
  const rules = addTargetOption(
    addSnapshotOptions(new Command('compile')),
    'what loads the rules: nft, or iptables-restore, for one --family',
    { nftables: { output: '-o' }, iptables: { chainsOnly: '--chains-only', over: '--over' } },
  );
  const command = rules
    .description(
      "Compiles the output of `kubectl get services,endpointslices,nodes,servicecidrs -A -o json` into a node's nftables ruleset.",
    )
    .optionsGroup('Output:')
    .option('--chains-only', 'with --target iptables: no jumps from built-in chains, to load it again')
    .addOption(
      new Option(
        '--over <file>',
        'with --target iptables: only what differs from these rules, as iptables-save prints them',
      ).conflicts('chainsOnly'),
    )
    .addOption(formatOption('nft: text for nft -f', ['nft'], true).default('nft'))
    .option('--file <file>', 'write to this file instead of stdout', checkedText(outputFileProblem))
    .hook('preAction', checkFamily)
    .action(async (paths: string[], flags: CompileCommandFlags) => {
      const inputs = inputPaths(paths, flags);
      const isLive = readsCluster(inputs, flags, context);
      const watched = { watch: flags.watch, isLive, paths: inputs, others: [flags.config] };
      setExitCode(await runWatched(watched, context, () => runCompile(inputs, flags, context)));
    });
  return addHelpTexts(addWatchOption(command), { notes, examples });
}

/** The flags of `svc2nft compile`. */
interface CompileCommandFlags extends SnapshotFlags, WatchFlags, TargetFlags {
  readonly chainsOnly?: true;
  readonly over?: string;
  readonly file?: string;
}

/** iptables-restore loads one family. */
function checkFamily(command: Command): void {
  const { target, family }: CompileCommandFlags = command.opts();
  if (target === 'iptables' && family === undefined) {
    command.error(
      'error: --target iptables takes --family ip, for iptables-restore, or --family ip6, for ip6tables-restore',
    );
  }
}

/**
 * Loads, compiles and prints; resolves to the exit code. All diagnostics go to stderr; the ruleset is printed only if the
 * input is not refused.
 */
async function runCompile(paths: readonly string[], flags: CompileCommandFlags, context: Context): Promise<number> {
  const input = chooseInput(paths, flags, context);
  if (typeof input === 'number') {
    return input;
  }
  const settings = await loadSettings(flags);
  const isIptables = flags.target === 'iptables';
  const options = isIptables ? iptablesOptions(withDefaults(settings.options)) : withDefaults(settings.options);
  const problem = isIptables ? iptablesProblem(options) : undefined;
  if (problem !== undefined) {
    context.stderr.write(`error: ${problem}\n`);
    return exitCodes.wrongUsage;
  }
  const snapshot = await readSource(input, { options, needs: {}, context });
  if (typeof snapshot === 'number') {
    return snapshot;
  }
  const { documents } = snapshot;
  if (await overwritesInput(flags.file, { paths, config: flags.config, documents }, context)) {
    return exitCodes.wrongUsage;
  }
  const request = { options, configDiagnostics: settings.diagnostics, context };
  const text = isIptables ? await iptablesText(snapshot, request, flags) : nftText(snapshot, request);
  return typeof text === 'number' ? text : writeOutput(text, flags.file, context);
}

type TextRequest = Omit<CompileRequest, 'compile'>;

/** The text for nft; the exit code when the input is refused. */
function nftText(snapshot: SourceSnapshot, request: TextRequest): string | number {
  const cluster = compileSnapshot(snapshot, { ...request, compile: compileRulesets });
  return typeof cluster === 'number' ? cluster : printRulesets(cluster.rulesets, describeSource(cluster.views));
}

/** What iptables-save has printed to a file; an empty list without a file, the exit code if it cannot be read. */
async function loadSavedRules(path: string | undefined, context: Context): Promise<string[] | number> {
  if (path === undefined) {
    return [];
  }
  const { texts, diagnostics } = await loadFile(path);
  if (hasError(diagnostics)) {
    reportDiagnostics(diagnostics, { refused: true, context });
    return exitCodes.badInput;
  }
  return texts.map(({ content }) => new TextDecoder().decode(content));
}

/** The text for iptables-restore; the exit code when the input is refused, or the rules to compare with cannot be read. */
async function iptablesText(
  snapshot: SourceSnapshot,
  request: TextRequest,
  { over, chainsOnly }: CompileCommandFlags,
): Promise<string | number> {
  const cluster = compileSnapshot(snapshot, { ...request, compile: compileIptables });
  if (typeof cluster === 'number') {
    return cluster;
  }
  const saved = await loadSavedRules(over, request.context);
  if (typeof saved === 'number') {
    return saved;
  }
  const { views, options, rulesets } = cluster;
  const summary = summarizeSource(views);
  const program = options.families[0] === 'ip6' ? 'ip6tables-restore' : 'iptables-restore';
  const load = `Load with ${program} --noflush: `;
  const [text] = saved;
  if (text !== undefined) {
    const heading = `# ${summary}\n# ${load}only what differs, a transaction for each table.\n`;
    return heading + rulesets.map((ruleset) => printDifference(diffIptables(readSavedRules(text), ruleset))).join('');
  }
  const heading = [
    summary,
    `${load}replaces the chains below, a transaction for each table, and touches no others.`,
    ...(chainsOnly
      ? []
      : [
          'Its jumps from built-in chains (-I) are added each time; load it again without them (--chains-only, --over).',
        ]),
  ];
  return rulesets.map((ruleset) => printIptables(ruleset, { heading, jumps: !chainsOnly })).join('');
}
