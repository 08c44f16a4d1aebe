import { type Command, InvalidArgumentError, Option } from 'commander';
import { mostNodes } from '../../control-plane/make-nodes.ts';
import type { ResolveOptions } from '../../control-plane/resolve-objects.ts';
import { countOf } from '../../lib/text.ts';
import { describeValue } from '../../lib/unknown-values.ts';
import { type Cidr, cidrText, parseCidr } from '../../net/address.ts';
import type { CompileOptions } from '../../options.ts';

/** The cluster that manifests are resolved for; those not given are absent. */
export interface ResolveFlags {
  readonly serviceCidr?: readonly Cidr[];
  readonly podCidr?: readonly Cidr[];
  readonly loadBalancerCidr?: readonly Cidr[];
  readonly nodes?: number;
}

/** The flags of a command that resolves manifests only if it is told to. */
export interface OptionalResolveFlags extends ResolveFlags {
  readonly resolve?: true;
}

/** Ranges for those that are not given, as the flags have them; none for addresses that nothing gets. */
interface UsualRanges {
  readonly serviceCidr: string;
  readonly podCidr: string;
  readonly loadBalancerCidr?: string;
}

const usual: UsualRanges = { serviceCidr: '10.96.0.0/12', podCidr: '10.244.0.0/16' };
const usualNodes = 3;

/** Adds the flags that describe a cluster to a command that resolves manifests. */
export function addResolveOptions(command: Command, ranges: UsualRanges = usual): Command {
  return command
    .optionsGroup('Manifests:')
    .option(
      '--service-cidr <cidrs>',
      `the range of cluster IPs, one for each family, separated by a comma; the first one is for Services that name no family (default: ${ranges.serviceCidr})`,
      parseRanges,
    )
    .option(
      '--pod-cidr <cidrs>',
      `the range of Pods, one for each family, separated by a comma (default: ${ranges.podCidr})`,
      parseRanges,
    )
    .option(
      '--load-balancer-cidr <cidrs>',
      `the range of load balancers, one for each family, separated by a comma (default: ${ranges.loadBalancerCidr ?? 'they get no address'})`,
      parseRanges,
    )
    .option('--nodes <number>', `how many Nodes there are, if the input has none (default: ${usualNodes})`, parseNodes)
    .hook('preAction', (called) => checkRoom(called, ranges));
}

/** Adds `--resolve`, and the flags that go with it. */
export function addResolveChoice(command: Command): Command {
  command
    .optionsGroup('Manifests:')
    .addOption(
      new Option(
        '--resolve',
        'add what a control plane would, as svc2nft resolve does: addresses, node ports, Nodes, Pods and EndpointSlices',
      ).conflicts(['live', 'kubeconfig', 'context', 'server']),
    );
  return addResolveOptions(command).hook('preAction', refuseAlone);
}

/** The cluster that flags describe. */
export function resolveOptionsOf(flags: ResolveFlags, ranges: UsualRanges = usual): ResolveOptions {
  const { loadBalancerCidr } = ranges;
  return {
    serviceCIDRs: flags.serviceCidr ?? parseRanges(ranges.serviceCidr),
    podCIDRs: flags.podCidr ?? parseRanges(ranges.podCidr),
    loadBalancerCIDRs: flags.loadBalancerCidr ?? (loadBalancerCidr === undefined ? [] : parseRanges(loadBalancerCidr)),
    nodes: flags.nodes ?? usualNodes,
  };
}

/** Options for the compiler that follow from how manifests are resolved: Pods that are made have addresses of these ranges. */
export function settingsOfResolve({ resolve, podCidr }: OptionalResolveFlags): Partial<CompileOptions> {
  return resolve ? { clusterCIDRs: (podCidr ?? parseRanges(usual.podCidr)).map(cidrText) } : {};
}

/** `--resolve` and the like as words, for a command that resolves the same manifests. */
export function resolveWords(flags: OptionalResolveFlags): string[] {
  if (!flags.resolve) {
    return [];
  }
  const ranges = (flag: string, cidrs: readonly Cidr[] | undefined): string[] =>
    cidrs === undefined ? [] : [flag, cidrs.map(cidrText).join(',')];
  return [
    '--resolve',
    ...ranges('--service-cidr', flags.serviceCidr),
    ...ranges('--pod-cidr', flags.podCidr),
    ...ranges('--load-balancer-cidr', flags.loadBalancerCidr),
    ...(flags.nodes === undefined ? [] : ['--nodes', String(flags.nodes)]),
  ];
}

function parseRanges(text: string): Cidr[] {
  const ranges = text.split(',').map((part) => {
    const cidr = parseCidr(part);
    if (!cidr) {
      throw new InvalidArgumentError(`${describeValue(part)} is not a range of addresses such as 10.96.0.0/12`);
    }
    return cidr;
  });
  if (new Set(ranges.map(({ family }) => family)).size < ranges.length) {
    throw new InvalidArgumentError('expected one range for each family');
  }
  return ranges;
}

function parseNodes(text: string): number {
  const count = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (count < 1) {
    throw new InvalidArgumentError(`${describeValue(text)} is not a number of Nodes, 1 to 9999`);
  }
  return count;
}

/** Whether each Node gets a part of the range of Pods. */
function checkRoom(command: Command, ranges: UsualRanges): void {
  const { nodes, podCIDRs } = resolveOptionsOf(command.opts(), ranges);
  if (podCIDRs.some((cidr) => mostNodes(cidr) < nodes)) {
    command.error(`error: --pod-cidr has no room for ${countOf(nodes, 'node')}`);
  }
}

const flagsOfResolve = ['serviceCidr', 'podCidr', 'loadBalancerCidr', 'nodes'] as const;

/** A flag that has no effect without `--resolve` is probably a mistake. */
function refuseAlone(command: Command): void {
  const flags: OptionalResolveFlags = command.opts();
  const alone = flags.resolve ? undefined : flagsOfResolve.find((name) => flags[name] !== undefined);
  if (alone !== undefined) {
    const flag = command.options.find((option) => option.attributeName() === alone)?.long;
    command.error(`error: ${flag} goes with --resolve`);
  }
}
