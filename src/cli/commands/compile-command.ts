import { Command } from 'commander';
import { printRulesets } from '../../nft/print.ts';
import { withDefaults } from '../../options.ts';
import { describeSource } from '../../phases/5-plan/describe-source.ts';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { addSnapshotOptions, checkedText, inputPaths, type SnapshotFlags } from '../flags/compile-flags.ts';
import { addWatchOption, formatOption, type WatchFlags } from '../flags/general-flags.ts';
import { chooseInput, compileSnapshot, loadSettings, readSource, readsCluster } from '../input/load-cluster.ts';
import { runWatched } from '../input/watch-files.ts';
import { addHelpTexts } from '../manual/format-help.ts';
import { outputFileProblem, overwritesInput, writeOutput } from '../output/write-output.ts';

const examples = `
  kubectl get services,endpointslices,nodes,servicecidrs -A -o json | svc2nft compile --node worker-1 --cluster-cidr 10.244.0.0/16
  svc2nft compile dump.yaml --node worker-1 --cluster-cidr 10.244.0.0/16 | nft -f -
  svc2nft compile services.yaml slices.yaml --node worker-1 --node-ip 192.0.2.11 --node-ip 2001:db8::11 --cluster-cidr 10.244.0.0/16
  svc2nft compile --live --node worker-1 --cluster-cidr 10.244.0.0/16
  svc2nft compile manifests/ --config kube-proxy.yaml --family ip6 --file rules.nft
`;

/** `svc2nft compile`: manifests in, nft text out. */
export function compileCommand(context: Context, setExitCode: (code: number) => void): Command {
  const command = addSnapshotOptions(new Command('compile'))
    .description(
      "Compiles the output of `kubectl get services,endpointslices,nodes,servicecidrs -A -o json` into a node's nftables ruleset.",
    )
    .optionsGroup('Output:')
    .addOption(formatOption('nft: text for nft -f', ['nft'], true).default('nft'))
    .option('--file <file>', 'write to this file instead of stdout', checkedText(outputFileProblem))
    .action(async (paths: string[], flags: CompileCommandFlags) => {
      const inputs = inputPaths(paths, flags);
      const isLive = readsCluster(inputs, flags, context);
      const watched = { watch: flags.watch, isLive, paths: inputs, others: [flags.config] };
      setExitCode(await runWatched(watched, context, () => runCompile(inputs, flags, context)));
    });
  return addHelpTexts(addWatchOption(command), { examples });
}

/** The flags of `svc2nft compile`. */
interface CompileCommandFlags extends SnapshotFlags, WatchFlags {
  readonly file?: string;
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
  const options = withDefaults(settings.options);
  const snapshot = await readSource(input, { options, needs: {}, context });
  if (typeof snapshot === 'number') {
    return snapshot;
  }
  const { documents } = snapshot;
  if (await overwritesInput(flags.file, { paths, config: flags.config, documents }, context)) {
    return exitCodes.wrongUsage;
  }
  const cluster = compileSnapshot(snapshot, { options, configDiagnostics: settings.diagnostics, context });
  if (typeof cluster === 'number') {
    return cluster;
  }
  const text = printRulesets(cluster.rulesets, describeSource(cluster.views));
  return writeOutput(text, flags.file, context);
}
