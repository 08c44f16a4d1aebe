import { type Command, InvalidArgumentError, Option } from 'commander';
import {
  addressProblem,
  clusterCIDRsProblem,
  nodeNameProblem,
  nodePortAddressProblem,
  tableNameProblem,
} from '../../config/check-options.ts';
import type { CompileOptions } from '../../options.ts';

/** What to read, besides the paths among the arguments. */
interface InputFlags {
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
  readonly table?: string;
  readonly family?: 'ip' | 'ip6';
  readonly targetNft?: CompileOptions['targetNft'];
  readonly keepGoing?: true;
  readonly strict?: true;
}

/** Adds the flags of every command that compiles manifests. */
export function addCompileOptions(command: Command): Command {
  return addRuleOptions(addInputOptions(command), 'the node to compile for (default: the only Node of the input)');
}

/**
 * Adds the flags that say for which node rules are, and what is in them.
 *
 * @param node the help of `--node`.
 */
export function addRuleOptions(command: Command, node: string): Command {
  return command
    .optionsGroup('Node:')
    .option('--node <name>', node, checkedText(nodeNameProblem))
    .option(
      '--node-ip <address>',
      'address of the node, the primary one of each family first; may be repeated; replaces the addresses of the Node object',
      commaList((addresses) => addresses.map(addressProblem).find(Boolean)),
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
    .option('--masquerade-all', 'masquerade all traffic to cluster IPs')
    .option('--table <name>', 'name of the nft table (default: svc2nft)', checkedText(tableNameProblem))
    .addOption(new Option('--family <family>', 'only the table of this family').choices(['ip', 'ip6']))
    .addOption(
      new Option(
        '--target-nft <version>',
        'oldest nft that must accept the ruleset; with 1.1.3, affinity over IPv6 needs no extra chains',
      ).choices(['1.0.6', '1.1.3']),
    );
}

/** The help of `--config`. */
export const configHelp =
  'a KubeProxyConfiguration (kubeproxy.config.k8s.io/v1alpha1), also in a ConfigMap or a file for kubeadm; other flags take precedence';

function addInputOptions(command: Command): Command {
  return command
    .argument('[PATH...]', 'file or folder of YAML or JSON, or - for stdin (the default)')
    .optionsGroup('Input:')
    .option(
      '-f, --filename <path>',
      'the same as PATH, as in kubectl; may be repeated',
      (path: string, previous: readonly string[] = []) => [...previous, path],
    )
    .option('--config <file>', configHelp)
    .option('--keep-going', 'leave out invalid objects and compile the rest')
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
