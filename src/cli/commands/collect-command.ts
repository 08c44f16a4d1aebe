import { Command } from 'commander';
import { bindAddressProblem } from '../../config/bind-address.ts';
import { nodeNameProblem, tableNameProblem } from '../../config/check-options.ts';
import { type Collected, collectNode } from '../../inspect/collect/collect-node.ts';
import { printCollectedNode } from '../../inspect/collect/collected-node.ts';
import { escapeControls } from '../../lib/text.ts';
import { defaultOptions } from '../../options.ts';
import { kubeProxyTable } from '../../phases/5-plan/kube-proxy-names.ts';
import { version } from '../../version.ts';
import type { Context } from '../context.ts';
import { checkedText } from '../flags/compile-flags.ts';
import { askServer, placeOfServer } from '../input/ask-server.ts';
import { addHelpTexts } from '../manual/format-help.ts';
import { withProgress } from '../output/progress.ts';
import { outputFileProblem, writeOutput } from '../output/write-output.ts';

const examples = `
  svc2nft collect --file worker-1.yaml
  svc2nft collect --node worker-1 --all-tables | gzip > worker-1.yaml.gz
  ssh worker-1 sudo svc2nft collect | svc2nft list --ruleset -
`;

const notes = `
The file has the tables svc2nft and kube-proxy of nft with their elements, all rules of iptables and ip6tables (of nf_tables and of legacy
tables), the name and the addresses of the node, interfaces, routes, rules of routing, kernel settings, versions, and what a running
kube-proxy tells of its mode and its configuration. Rules have names of Services and addresses of Pods. There are no secrets in it: no
environment, no files of the node but those of /proc/sys, and of the configuration only what rules depend on.

On any machine, explain, list, verify and graph take the file as --ruleset FILE, diff as --from-rules FILE, and migrate as --from FILE. The
node is then the one of the file, and without --config, the settings are those of its kube-proxy:

  svc2nft explain --ruleset worker-1.yaml --from outside --to 192.0.2.11:30080
  svc2nft verify cluster.json --ruleset worker-1.yaml

Nothing is changed. Without root there are no rules in the file; what is missing is printed as a warning, and is in the file, too. Each
program may run for 5 minutes and print 200 MB.
`;

/** The command `svc2nft collect`. */
export function collectCommand(context: Context, setExitCode: (code: number) => void): Command {
  const command = new Command('collect')
    .description(
      'Prints what this node has, as one file: rules, addresses, routes, settings and versions, without secrets.',
    )
    .optionsGroup('Node:')
    .option(
      '--node <name>',
      'the name of the Node (default: as kube-proxy has it, or the name of this machine)',
      checkedText(nodeNameProblem),
    )
    .option(
      '--metrics-bind-address <address>',
      'where kube-proxy tells its mode and configuration (default: 127.0.0.1:10249)',
      checkedText(bindAddressProblem),
    )
    .optionsGroup('Rules:')
    .option('--table <name>', 'name of the nft table of svc2nft (default: svc2nft)', checkedText(tableNameProblem))
    .option('--all-tables', 'read the tables of other programs, too, which are otherwise named only')
    .optionsGroup('Output:')
    .option('--file <file>', 'write to this file instead of stdout', checkedText(outputFileProblem))
    .action(async (flags: CollectFlags) => {
      setExitCode(await runCollect(flags, context));
    });
  return addHelpTexts(command, { notes, examples });
}

/** The flags of `svc2nft collect`. */
interface CollectFlags {
  readonly node?: string;
  readonly metricsBindAddress?: string;
  readonly table?: string;
  readonly allTables?: true;
  readonly file?: string;
}

/** Prints the file, and warnings about what is missing in it; resolves to the exit code. */
async function runCollect(flags: CollectFlags, context: Context): Promise<number> {
  const { collected, details } = await withProgress(context, ({ watch }) =>
    collect(flags, { ...context, run: watch(context.run) }),
  );
  for (const missing of collected.missing) {
    context.stderr.write(`warning: not collected: ${escapeControls(missing)}\n`);
  }
  const text = await printCollectedNode(collected, {
    ...details,
    versions: { svc2nft: version, ...details.versions },
    collectedAt: new Date().toISOString().replace(/\.\d+/, ''),
  });
  return writeOutput(text, flags.file, context);
}

async function collect(
  { node, metricsBindAddress = '', table = defaultOptions.table, allTables }: CollectFlags,
  { run, kernelFiles, hostName, addresses }: Context,
): Promise<Collected> {
  const place = placeOfServer(metricsBindAddress || '127.0.0.1', 'metrics');
  const instruments = {
    run,
    readText: async (path: string) => kernelFiles?.read(path).catch(() => undefined),
    askKubeProxy: async (path: string) => {
      const { status, body } = await askServer(place, path);
      return status === 200 ? body : undefined;
    },
  };
  const tables = [table, kubeProxyTable.name];
  return collectNode(instruments, {
    node,
    hostName,
    addresses: addresses?.() ?? [],
    tables,
    allTables: allTables === true,
  });
}
