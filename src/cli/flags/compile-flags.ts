import { type Command, InvalidArgumentError, Option } from 'commander';
import {
  addressProblem,
  clusterCIDRsProblem,
  nodeNameProblem,
  nodePortAddressProblem,
  tableNameProblem,
} from '../../config/check-options.ts';
import type { CompileOptions } from '../../options.ts';

/** The flags that say what to compile, as commander hands them over; absent ones were not given. */
export interface CompileFlags {
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
}

/** Adds the flags that every command has which compiles manifests. */
export function addCompileOptions(command: Command): Command {
  return command
    .argument('[PATH...]', 'file or folder of YAML or JSON, or - for stdin (the default)')
    .option(
      '--node <name>',
      'the node that the ruleset is for; default: the only Node of the input',
      checkedText(nodeNameProblem),
    )
    .option(
      '--node-ip <address>',
      'address of the node, the primary one of each family first; may be repeated, replaces those of the Node object',
      checkedList(addressProblem),
    )
    .option('--zone <name>', "the node's zone; replaces the label topology.kubernetes.io/zone")
    .option(
      '--config <file>',
      'a KubeProxyConfiguration (kubeproxy.config.k8s.io/v1alpha1); the flags below override it',
    )
    .option(
      '--cluster-cidr <cidrs>',
      'ranges of the pods, at most one for each family, separated by commas',
      commaList(clusterCIDRsProblem),
    )
    .option(
      '--nodeport-addresses <list>',
      'where node ports are open: CIDRs, primary, localhost or all, separated by commas (default: primary)',
      commaList((texts) => texts.map(nodePortAddressProblem).find(Boolean)),
    )
    .option('--masquerade-all', 'masquerade everything that goes to cluster IPs')
    .option('--table <name>', 'name of the nft table (default: svc2nft)', checkedText(tableNameProblem))
    .addOption(new Option('--family <family>', 'only the table of one family').choices(['ip', 'ip6']))
    .addOption(
      new Option(
        '--target-nft <version>',
        'oldest nft that must accept the output; from 1.1.3 on, affinity over IPv6 needs no chains of its own',
      ).choices(['1.0.6', '1.1.3']),
    )
    .option('--keep-going', 'leave invalid objects out and compile the rest');
}

/** A check of src/config/value-problems.ts: what is wrong with a text, or undefined. */
type Check<T> = (value: T) => string | undefined;

/** Reads an option of one value. */
export function checkedText(check: Check<string>): (value: string) => string {
  return (value) => refuse(check(value)) ?? value;
}

/** Reads an option that may be repeated. */
export function checkedList(check: Check<string>): (value: string, previous?: readonly string[]) => readonly string[] {
  return (value, previous = []) => refuse(check(value)) ?? [...previous, value];
}

/** Reads an option of several values with commas between them. */
function commaList(check: Check<readonly string[]>): (value: string) => readonly string[] {
  return (value) => {
    const values = value.split(',').map((text) => text.trim());
    return refuse(check(values)) ?? values;
  };
}

function refuse(problem: string | undefined): undefined {
  if (problem !== undefined) {
    throw new InvalidArgumentError(problem);
  }
  return undefined;
}
