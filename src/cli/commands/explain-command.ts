import { Command } from 'commander';
import { readNodeSettings } from '../../frontends/read-node-settings.ts';
import { answerInquiry, type Reply } from '../../inspect/explain/answer-inquiry.ts';
import type { Answer } from '../../inspect/explain/explanation.ts';
import type { SnapshotFacts, Table } from '../../inspect/explain/make-question.ts';
import { type ClientName, parseClient, parseTarget, type TargetName } from '../../inspect/explain/parse-names.ts';
import { renderAnswer } from '../../inspect/explain/render-explanation.ts';
import { nodeOfQuestion } from '../../inspect/explain/resolve-names.ts';
import { readEndpointSources } from '../../kubernetes/endpoint-sources.ts';
import { readLocations } from '../../kubernetes/locations.ts';
import { readServiceNotes } from '../../kubernetes/service-notes.ts';
import { escapeControls, joinLines } from '../../lib/text.ts';
import { canonicalAddress, familyOfAddress } from '../../net/address.ts';
import type { Family } from '../../net/network.ts';
import type { ListedTable } from '../../nft/listed-table.ts';
import { defaultOptions } from '../../options.ts';
import { setNames } from '../../phases/5-plan/names.ts';
import { UnknownRule } from '../../walk/check-ruleset.ts';
import type { MemoryEntry } from '../../walk/fate.ts';
import { type Context, wantsColor } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import {
  addSnapshotOptions,
  type CompileFlags,
  checkedText,
  inputPaths,
  type SnapshotFlags,
} from '../flags/compile-flags.ts';
import { addWatchOption, formatOption, type WatchFlags } from '../flags/general-flags.ts';
import { type Cluster, loadCluster, notesOf, readsCluster, wantsStdinTwice } from '../input/load-cluster.ts';
import { loadListedTables, warnAboutDeviations } from '../input/load-tables.ts';
import { openRules, type RulesSource } from '../input/open-rules.ts';
import { findOwnNode } from '../input/refuse-incomplete.ts';
import { runWatched } from '../input/watch-files.ts';
import { addHelpTexts } from '../manual/format-help.ts';
import { outputWidth } from '../output/fit-text.ts';
import { writeOutput } from '../output/write-output.ts';

const examples = `
  svc2nft explain dump.yaml --cluster-cidr 10.244.0.0/16 --from outside --to shop/web   every frontend
  svc2nft explain dump.yaml --cluster-cidr 10.244.0.0/16 --from pod:shop/web-1 --to shop/cart:http
  svc2nft explain dump.yaml --cluster-cidr 10.244.0.0/16 --from outside --to worker-1:30080
  svc2nft explain dump.yaml --node worker-1 --cluster-cidr 10.244.0.0/16 --from 10.244.1.5 --to 10.96.0.10:53/udp -o json
  svc2nft explain --ruleset kernel --from outside --to 192.0.2.11:30080        the loaded rules, without a snapshot
  svc2nft explain --live --cluster-cidr 10.244.0.0/16 --from pod:shop/web-1 --to shop/cart            the cluster that kubectl uses
  svc2nft explain --live --ruleset kernel --from outside --to shop/web         the loaded rules, with that cluster
  svc2nft explain dump.yaml --ruleset rules.txt --from outside --to shop/web   what iptables-save printed on a node
  svc2nft explain dump.yaml --ruleset kernel --from node --to 10.96.0.10:443   the loaded rules, with a snapshot
`;

const notes = `
The first line is the verdict, one of these, and its reason.

  SENT to ...                       an endpoint gets the connection
  REFUSED (the client gets ...)     no endpoint can receive it, or the Service does not have the port
  DROPPED (the client times out)    policy Local without a local endpoint, source ranges, or an unused cluster IP
  WRONG SERVICE                     another Service has this address and port
  NOT TRANSLATED (no rule applies)  such as a node port at a closed address
  NOT A SERVICE ADDRESS             no Service has this address
  DIRECT (no rule is involved)      the address of a pod
  DNS ONLY (no rule is involved)    a headless or ExternalName Service
  PARTLY REFUSED                    some endpoints are addresses of Services that refuse connections
  RANDOM                            chance decides: not rules of svc2nft

--from and --to accept what kubectl and DNS call things: svc/web, service:shop/web, shop/web:http, web.shop.svc.cluster.local:80,
http://10.96.0.10, pod/web-1, shop/web-1, worker-1, worker-1:30080, :30080 and *:30080/tcp (this node). world is another word for
outside, host for node. A name without a namespace is looked up in that of the Pod of --from first, as DNS does, then in all; one
that fits several objects is refused, with a list of them. An ExternalName Service is followed to the Service that DNS gives. A
Service without a port means all its ports, at its cluster IP, load balancer IPs, external IPs and node ports. Without --node, the
rules are those of the node of the client, or else of the node that --to names, if the input has its Node; with --node-ip, of the
Node that has this address.

Lines are wrapped to the width of the terminal, to 80 columns elsewhere; the first line is wrapped only on a terminal.

The fate of the packet is computed from the rules; the snapshot adds the reasons. Only --ruleset kernel needs root and nft.

--ruleset also takes what iptables-save and ip6tables-save print, one or both, in one file: rules of kube-proxy's iptables mode and of
apply --target iptables, with those of other programs. With kernel, they are read where nft has neither a table svc2nft nor kube-proxy; --table
iptables reads only them. Where a packet meets a rule that may match or not, such as one with an ipset, the answer begins with NOT CERTAIN.
`;

/** The command `svc2nft explain`. */
export function explainCommand(context: Context, setExitCode: (code: number) => void): Command {
  const command = addSnapshotOptions(new Command('explain'))
    .description(
      'Follows the first packet of a connection through the rules of the node, and gives the reason for each decision.',
    )
    .optionsGroup('Packet:')
    .requiredOption(
      '--from <client>',
      'an address, outside (203.0.113.1), node, the name of another Node, or pod:NAMESPACE/NAME',
      checkedText(problemOf(parseClient)),
    )
    .requiredOption(
      '--to <target>',
      'ADDRESS:PORT[/PROTOCOL], [service:][NAMESPACE/]SERVICE[:PORT][/PROTOCOL] or NODE:NODEPORT; an address without PROTOCOL means tcp',
      checkedText(problemOf(parseTarget)),
    )
    .option(
      '-n, --namespace <name>',
      'the namespace of names without one (default: that of the Pod of --from, or the only one that has the name)',
    )
    .option('--rules', 'print the rules of all decisions, not only of the decisive one')
    .option('--interface <name>', 'the interface on which the packet arrives', checkedText(interfaceProblem))
    .optionsGroup('Input:')
    .option(
      '--ruleset <file|kernel>',
      'explain these rules (kernel, or a file from compile, collect or nft list; also those of kube-proxy) instead of those of the snapshot',
    )
    .optionsGroup('Output:')
    .addOption(formatOption('text, or json for programs', ['text', 'json']).default('text'))
    .action(async (paths: string[], flags: ExplainFlags) => {
      const inputs = inputPaths(paths, flags);
      const isLive = readsCluster(inputs, flags, context);
      const watched = { watch: flags.watch, isLive, paths: inputs, others: [flags.config, flags.ruleset] };
      setExitCode(await runWatched(watched, context, () => runExplain(inputs, flags, context)));
    });
  return addHelpTexts(addWatchOption(command), { notes, examples });
}

/** The kernel accepts names of 1 to 15 bytes without spaces and slashes. */
function interfaceProblem(text: string): string | undefined {
  return /^[^\s/]{1,15}$/.test(text)
    ? undefined
    : 'an interface name has 1 to 15 characters, without spaces and slashes';
}

/** The text that a parser returns for invalid input; undefined for valid input. */
function problemOf(parse: (text: string) => object | string): (text: string) => string | undefined {
  return (text) => {
    const parsed = parse(text);
    return typeof parsed === 'string' ? parsed : undefined;
  };
}

/** The flags of `svc2nft explain`. */
interface ExplainFlags extends SnapshotFlags, WatchFlags {
  readonly from: string;
  readonly to: string;
  readonly namespace?: string;
  readonly rules?: true;
  readonly interface?: string;
  readonly ruleset?: string;
  readonly output: 'text' | 'json';
}

/** Prints where a packet goes, and why; resolves to the exit code. */
async function runExplain(paths: readonly string[], flags: ExplainFlags, context: Context): Promise<number> {
  const [client, target] = [parseClient(flags.from), parseTarget(flags.to)];
  const asksTwice = wantsStdinTwice(paths, { flag: '--ruleset', value: flags.ruleset }, context);
  if (typeof client === 'string' || typeof target === 'string' || asksTwice) {
    return exitCodes.wrongUsage;
  }
  const family = familyOf(client, target);
  if (flags.family !== undefined && family !== undefined && flags.family !== family) {
    const packet = family === 'ip' ? 'IPv4' : 'IPv6';
    context.stderr.write(`error: --family ${flags.family} excludes the table for ${packet} packets (see --help)\n`);
    return exitCodes.wrongUsage;
  }
  const needed = { ...flags, ...(family && { family }) };
  const source = flags.ruleset === undefined ? undefined : await openRules(flags.ruleset, context);
  if (typeof source === 'number') {
    return source;
  }
  const isLive = readsCluster(paths, flags, context);
  const isAboutRules = source !== undefined && paths.length === 0 && !isLive;
  const cluster = isAboutRules
    ? undefined
    : await loadCluster(paths, needed, context, {
        chooseNode: nodeFor({ client, target, flags }, source),
        rulesOf: source?.machine,
        withoutAdvice: true,
        needs: { allNodes: true, pods: true, headless: true },
      });
  if (typeof cluster === 'number') {
    return cluster;
  }
  const rules = await loadRules(needed, { source, cluster }, context);
  if (typeof rules === 'number') {
    return rules;
  }
  const reply = explain({ client, target, flags }, { cluster, rules });
  if (typeof reply === 'string') {
    context.stderr.write(`error: ${escapeControls(reply)}\n`);
    return exitCodes.badInput;
  }
  for (const remark of reply.remarks) {
    context.stderr.write(`note: ${escapeControls(remark)}\n`);
  }
  return writeOutput(print(reply.answer, flags, context), undefined, context);
}

/**
 * The node that a question is about, if it names a Pod or Node of the input. Loaded rules are those of one node, whatever
 * the question names: of this machine, of the one where they were collected, or for another file of an unknown one. So are the
 * addresses of `--node-ip`.
 */
function nodeFor(
  { client, target, flags }: Asked,
  source: RulesSource | undefined,
): (documents: Cluster['documents']) => string | undefined {
  return (documents) => {
    const locations = readLocations(documents);
    if (source || flags.nodeIp) {
      const own = flags.nodeIp ?? source?.machine?.addresses ?? [];
      const names = own.map((address) => locations.nodes.get(canonicalAddress(address) ?? ''));
      const isNamed = flags.nodeIp === undefined && source?.machine !== undefined;
      return names.find((name) => name !== undefined) ?? (isNamed ? findOwnNode(documents, source.machine) : undefined);
    }
    const directory = { services: readServiceNotes(documents), locations, namespace: flags.namespace, nodeName: '' };
    const name = nodeOfQuestion(client, target, directory);
    return name !== undefined && [...locations.nodes.values()].includes(name) ? name : undefined;
  };
}

/** The packet's family, if an address says which; then only its table is needed. */
function familyOf(client: ClientName, target: TargetName): CompileFlags['family'] {
  const known = [target, client].find((one) => one.kind === 'address');
  if (known?.kind !== 'address') {
    return undefined;
  }
  return familyOfAddress(known.address);
}

/** The rules that a question is about. */
interface LoadedRules {
  readonly byFamily: ReadonlyMap<Family, Table>;
  /** Addresses of the node, as far as the rules or the machine show them. */
  readonly ownAddresses: readonly string[];
}

/**
 * Loads the rules of the kernel or of a file if `--ruleset` asks for them, else takes those of the snapshot. Warns on
 * stderr about parts that svc2nft never writes.
 *
 * @returns the exit code where there are none.
 */
async function loadRules(
  flags: Pick<ExplainFlags, 'family' | 'table' | 'nodeIp'>,
  { source, cluster }: { readonly source: RulesSource | undefined; readonly cluster: Cluster | undefined },
  context: Context,
): Promise<LoadedRules | number> {
  if (!source) {
    const rulesets = cluster?.rulesets ?? [];
    return { byFamily: new Map(rulesets.map((ruleset) => [ruleset.family, { ruleset }])), ownAddresses: [] };
  }
  const { families } = cluster?.options ?? {
    families: flags.family === undefined ? defaultOptions.families : [flags.family],
  };
  const tables = await loadListedTables(source, { families, table: flags.table, takesIptables: true }, context);
  if (typeof tables === 'number') {
    return tables;
  }
  warnAboutDeviations(tables, context);
  const addresses = [...(flags.nodeIp ?? []), ...(source.machine?.addresses ?? []), ...nodePortIps(tables)].flatMap(
    (address) => canonicalAddress(address) ?? [],
  );
  if (!cluster && addresses.length === 0) {
    context.stderr.write(
      "note: these rules do not show the node's addresses, so no address counts as the node's own; use --node-ip\n",
    );
  }
  return {
    byFamily: new Map(tables.map((table) => [table.ruleset.family, tableOf(table)])),
    ownAddresses: addresses,
  };
}

function tableOf({ ruleset, dynamic, isDormant }: ListedTable): Table {
  const memory = [...dynamic].map(([set, elements]): [string, ReadonlyMap<string, MemoryEntry>] => [
    set,
    new Map(elements.map(({ key, value }) => [key, { key, ...(value && { value }) }])),
  ]);
  return { ruleset, memory: new Map(memory), isActual: true, ...(isDormant && { isDormant }) };
}

/** The addresses that accept node ports: all of them are the node's own. */
function nodePortIps(tables: readonly ListedTable[]): string[] {
  return tables.flatMap(({ ruleset }) => {
    const { nodePortAddresses } = ruleset.language === 'iptables' ? readNodeSettings(ruleset) : {};
    const { elements = [] } = ruleset.sets.find(({ name }) => name === setNames.nodePortIps) ?? {};
    return nodePortAddresses?.kind === 'listed' ? nodePortAddresses.addresses : elements.map(({ key }) => key);
  });
}

interface Asked {
  readonly client: ClientName;
  readonly target: TargetName;
  readonly flags: ExplainFlags;
}

interface Found {
  readonly cluster: Cluster | undefined;
  readonly rules: LoadedRules;
}

/** The answer; a text if the packet cannot be determined, or svc2nft did not create the rules. */
function explain({ client, target, flags }: Asked, { cluster, rules }: Found): Reply | string {
  try {
    return answerInquiry({
      client,
      target,
      namespace: flags.namespace,
      inputInterface: flags.interface,
      tables: rules.byFamily,
      ownAddresses: rules.ownAddresses,
      snapshot: cluster && factsOf(cluster),
    });
  } catch (error) {
    if (error instanceof UnknownRule) {
      const isIptables = [...rules.byFamily.values()].some(({ ruleset }) => ruleset.language === 'iptables');
      return `${isIptables ? 'these rules cannot be followed' : 'not rules of svc2nft'}: ${error.message}`;
    }
    throw error;
  }
}

function factsOf(cluster: Cluster): SnapshotFacts {
  const { views, options, documents } = cluster;
  const sources = readEndpointSources(documents);
  return { views, options, locations: readLocations(documents), notes: notesOf(cluster), sources };
}

/** How many endpoints of each list the text has. */
const shown = 20;

function print(answer: Answer, { output, rules }: ExplainFlags, context: Context): string {
  if (output === 'json') {
    return `${JSON.stringify(answer, undefined, 2)}\n`;
  }
  return joinLines(
    renderAnswer(answer, {
      color: wantsColor(context, 'stdout'),
      limit: shown,
      width: outputWidth(context),
      keepsHeadline: context.stdout.isTTY !== true,
      allRules: rules === true,
    }),
  );
}
