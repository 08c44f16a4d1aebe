import { type Command, InvalidArgumentError, Option } from 'commander';
import {
  addressProblem,
  clusterCIDRsProblem,
  detectLocalModes,
  interfaceNameProblem,
  nodeNameProblem,
  nodePortAddressProblem,
  tableNameProblem,
} from '../../config/check-options.ts';
import { addressOfNode, gateOptions } from '../../config/config-options.ts';
import type { Report } from '../../diagnostics/diagnostic.ts';
import { describeValue } from '../../lib/unknown-values.ts';
import type { CompileOptions } from '../../options.ts';
import { addLiveOptions, type ClusterFlags } from './cluster-flags.ts';
import { addResolveChoice, type OptionalResolveFlags } from './resolve-flags.ts';

/** What to read, besides the paths among the arguments. */
export interface InputFlags {
  readonly filename?: readonly string[];
}

/** The flags that say what to compile, as commander passes them; those not given are absent. */
export interface CompileFlags extends InputFlags {
  readonly node?: string;
  readonly nodeIp?: readonly string[];
  readonly zone?: string;
  readonly config?: string;
  readonly clusterCidr?: readonly string[];
  readonly nodeportAddresses?: readonly string[];
  readonly masqueradeAll?: true;
  readonly counters?: true;
  readonly bindAddress?: string;
  readonly detectLocalMode?: CompileOptions['detectLocalMode'];
  readonly podBridgeInterface?: string;
  readonly podInterfaceNamePrefix?: string;
  readonly featureGates?: ReadonlyMap<string, boolean>;
  readonly table?: string;
  readonly family?: 'ip' | 'ip6';
  readonly targetNft?: CompileOptions['targetNft'];
  readonly keepGoing?: true;
  readonly strict?: true;
}

/** The flags of a command that reads files or a cluster, and may resolve the manifests of files. */
export interface SnapshotFlags extends CompileFlags, ClusterFlags, OptionalResolveFlags {}

/** Adds the flags of a command that compiles manifests from files. */
export function addCompileOptions(command: Command): Command {
  return addRuleOptions(addInputOptions(command), nodeHelp);
}

/** Adds the flags of a command that compiles manifests from files, or the objects of a cluster. */
export function addSnapshotOptions(command: Command): Command {
  return addRuleOptions(addResolveChoice(addLiveOptions(addInputOptions(command))), nodeHelp);
}

const nodeHelp =
  'the node to compile for (default: the only Node of the input; of a cluster, the one with the name of this machine)';

/**
 * Adds the flags that say for which node rules are, and what is in them.
 *
 * @param node the help of `--node`.
 */
export function addRuleOptions(command: Command, node: string): Command {
  command
    .optionsGroup('Node:')
    .option('--node <name>', node, checkedText(nodeNameProblem))
    .option(
      '--node-ip <address>',
      'address of the node, the primary one of each family first; may be repeated; replaces the addresses of the Node object',
      commaList((addresses) => addresses.map(addressProblem).find(Boolean)),
    )
    .option(
      '--bind-address <address>',
      'the primary address of the node in its family, as for kube-proxy; 0.0.0.0 and :: say nothing about it',
      checkedText(addressProblem),
    )
    .option('--zone <name>', "the node's zone; replaces its label topology.kubernetes.io/zone")
    .optionsGroup('Rules:')
    .option(
      '--cluster-cidr <cidrs>',
      'CIDRs of the pods, at most one per family, separated by commas; may be repeated',
      commaList(clusterCIDRsProblem),
    )
    .option(
      '--nodeport-addresses <list>',
      'where node ports are open: CIDRs, primary, localhost or all, separated by commas; may be repeated (default: primary)',
      commaList((texts) => texts.map(nodePortAddressProblem).find(Boolean)),
    )
    .option('--masquerade-all', 'masquerade all traffic to cluster IPs');
  return addLocalDetection(command)
    .option(
      '--feature-gates <gates>',
      'feature gates of kube-proxy, NAME=true or NAME=false, separated by commas; may be repeated',
      readGates,
    )
    .option('--counters', 'count the connections of each frontend and endpoint, for svc2nft top')
    .option('--table <name>', 'name of the nft table (default: svc2nft)', checkedText(tableNameProblem))
    .addOption(new Option('--family <family>', 'only the table of this family').choices(['ip', 'ip6']))
    .addOption(
      new Option(
        '--target-nft <version>',
        'oldest nft that must accept the ruleset; with 1.1.3, affinity over IPv6 needs no extra chains',
      ).choices(['1.0.6', '1.1.3']),
    );
}

/** Adds the flags that say how pods of the node are recognized. */
function addLocalDetection(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--detect-local-mode <mode>',
        'how the pods of this node are told from others (default: ClusterCIDR)',
      ).choices(detectLocalModes),
    )
    .option(
      '--pod-bridge-interface <name>',
      'the bridge of the pods, for --detect-local-mode BridgeInterface',
      checkedText(interfaceNameProblem),
    )
    .option(
      '--pod-interface-name-prefix <prefix>',
      'how the names of their interfaces begin, for --detect-local-mode InterfaceNamePrefix',
      checkedText(interfaceNameProblem),
    )
    .hook('preAction', checkDetectLocal);
}

/** The name of an interface that one mode needs, and the other modes do not. */
const interfaceFlags = [
  { flag: '--pod-bridge-interface', key: 'podBridgeInterface', mode: 'BridgeInterface' },
  { flag: '--pod-interface-name-prefix', key: 'podInterfaceNamePrefix', mode: 'InterfaceNamePrefix' },
] as const;

/** Whether the mode goes with the interface, if the command line has the mode. */
function checkDetectLocal(command: Command): void {
  const flags: CompileFlags = command.opts();
  for (const { flag, key, mode } of interfaceFlags) {
    const needsIt = flags.detectLocalMode === mode;
    if (flags.detectLocalMode !== undefined && needsIt !== (flags[key] !== undefined)) {
      command.error(
        `error: --detect-local-mode ${flags.detectLocalMode} ${needsIt ? 'takes' : 'goes without'} ${flag}`,
      );
    }
  }
}

/** Adds `A=true,B=false` to the gates so far. */
function readGates(value: string, previous: ReadonlyMap<string, boolean> = new Map()): ReadonlyMap<string, boolean> {
  const gates = value.split(',').map((text) => text.trim());
  return new Map([...previous, ...gates.filter((text) => text !== '').map(readGate)]);
}

function readGate(text: string): readonly [string, boolean] {
  const [, gate = '', word] = /^([A-Za-z0-9]{1,100})=(true|false)$/i.exec(text) ?? [];
  if (word === undefined) {
    throw new InvalidArgumentError(
      `${describeValue(text)} is not a gate with a value, such as AllowServiceExternalIPs=false`,
    );
  }
  return [gate, word.toLowerCase() === 'true'];
}

/**
 * The options of a configuration file, with those of the command line in their place.
 *
 * @param report receives what has no effect.
 */
export function withFlags(
  configured: Partial<CompileOptions>,
  flags: CompileFlags,
  report: Report,
): Partial<CompileOptions> {
  const { bindAddress: _, ...others } = configured;
  const address = flags.bindAddress === undefined ? configured.bindAddress : addressOfNode(flags.bindAddress);
  return {
    ...others,
    ...(address !== undefined && { bindAddress: address }),
    ...detectLocalOf(configured, flags, report),
    ...gateOptions(flags.featureGates ?? new Map(), report),
    ...(flags.node !== undefined && { nodeName: flags.node }),
    ...(flags.nodeIp !== undefined && { nodeAddresses: flags.nodeIp }),
    ...(flags.zone !== undefined && { zone: flags.zone }),
    ...(flags.clusterCidr !== undefined && { clusterCIDRs: flags.clusterCidr }),
    ...(flags.nodeportAddresses !== undefined && { nodePortAddresses: flags.nodeportAddresses }),
    ...(flags.masqueradeAll !== undefined && {
      masqueradeAll: true,
      iptables: { ...configured.iptables, masqueradeAll: true },
    }),
    ...(flags.counters !== undefined && { counters: true }),
    ...(flags.table !== undefined && { table: flags.table }),
    ...(flags.family !== undefined && { families: [flags.family] }),
    ...(flags.targetNft !== undefined && { targetNft: flags.targetNft }),
    ...(flags.keepGoing !== undefined && { keepGoing: true }),
    ...(flags.strict !== undefined && { strict: true }),
  };
}

function detectLocalOf(
  configured: Partial<CompileOptions>,
  flags: CompileFlags,
  report: Report,
): Partial<Pick<CompileOptions, 'detectLocalMode' | 'detectLocalInterface'>> {
  const mode = flags.detectLocalMode ?? configured.detectLocalMode;
  for (const { flag, key, mode: owner } of interfaceFlags) {
    if (flags[key] !== undefined && mode !== owner) {
      report('config-without-effect', [], `${flag} has an effect only with --detect-local-mode ${owner}`);
    }
  }
  const name = interfaceFlags.map(({ key, mode: owner }) => (mode === owner ? flags[key] : undefined)).find(Boolean);
  return { ...(mode && { detectLocalMode: mode }), ...(name !== undefined && { detectLocalInterface: name }) };
}

/** The help of `--config`. */
export const configHelp =
  'a KubeProxyConfiguration (kubeproxy.config.k8s.io/v1alpha1), also in a ConfigMap or a file for kubeadm; other flags take precedence';

/** How the argument that names files is described. */
interface PathArgument {
  readonly name: string;
  readonly description: string;
}

const paths: PathArgument = {
  name: '[PATH...]',
  description: 'file or folder of YAML or JSON, or - for stdin (the default)',
};

/** Adds the arguments and the flag that name files. */
export function addFileOptions(command: Command, { name, description }: PathArgument = paths): Command {
  return command
    .argument(name, description)
    .optionsGroup('Input:')
    .option(
      '-f, --filename <path>',
      'the same as PATH, as in kubectl; may be repeated',
      (path: string, previous: readonly string[] = []) => [...previous, path],
    );
}

function addInputOptions(command: Command): Command {
  return addLeniencyOptions(addFileOptions(command).option('--config <file>', configHelp), 'compile');
}

/**
 * Adds the flags that say what becomes of invalid objects, and how many problems are printed.
 *
 * @param verb what is done with the other objects.
 */
export function addLeniencyOptions(command: Command, verb: string): Command {
  return command
    .option('--keep-going', `leave out invalid objects and ${verb} the rest`)
    .addOption(
      new Option('--strict', 'refuse input with warnings about its files and objects, as for CI').conflicts(
        'keepGoing',
      ),
    )
    .option('--all-errors', 'print all errors and warnings, not only the first 100 and how many others there are');
}

/** All paths to read: the arguments, and then those of `--filename`. */
export function inputPaths(paths: readonly string[], { filename = [] }: InputFlags): readonly string[] {
  return [...paths, ...filename];
}

/** A check of src/config/check-options.ts: what is wrong with a value, or undefined. */
type Check<T> = (value: T) => string | undefined;

/** Parses an option with one value. */
export function checkedText(check: Check<string>): (value: string) => string {
  return (value) => refuse(check(value)) ?? value;
}

/** Parses an option with values separated by commas, which may be repeated; all values together are checked. */
export function commaList(
  check: Check<readonly string[]>,
): (value: string, previous?: readonly string[]) => readonly string[] {
  return (value, previous = []) => {
    const values = [...previous, ...value.split(',').map((text) => text.trim())];
    return refuse(check(values)) ?? values;
  };
}

function refuse(problem: string | undefined): undefined {
  if (problem !== undefined) {
    throw new InvalidArgumentError(problem);
  }
  return undefined;
}
