import { Command, InvalidArgumentError } from 'commander';
import { mostNodes } from '../../control-plane/make-nodes.ts';
import { resolveObjects } from '../../control-plane/resolve-objects.ts';
import { hasError, severityOf } from '../../diagnostics/diagnostic.ts';
import { countOf } from '../../lib/text.ts';
import { describeValue, type Mapping } from '../../lib/unknown-values.ts';
import { type Cidr, parseCidr } from '../../net/address.ts';
import { readDocuments } from '../../phases/1-read/read-documents.ts';
import { validate } from '../../phases/2-validate/validate.ts';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { addFileOptions, inputPaths } from '../flags/compile-flags.ts';
import { formatOption } from '../flags/general-flags.ts';
import { lacksInput, noteServices } from '../input/load-cluster.ts';
import { loadInput } from '../input/load-files.ts';
import { addHelpTexts } from '../manual/format-help.ts';
import { reportDiagnostics } from '../output/report-diagnostics.ts';
import { writeOutput } from '../output/write-output.ts';

const examples = `
  svc2nft resolve shop.yaml | svc2nft compile - --node node-1 --cluster-cidr 10.244.0.0/16
  svc2nft resolve shop.yaml | svc2nft list - --node node-1 --cluster-cidr 10.244.0.0/16
  svc2nft resolve shop.yaml --nodes 5 --load-balancer-cidr 198.51.100.0/24 -o yaml > cluster.yaml
  svc2nft resolve manifests/ --service-cidr 10.96.0.0/12,fd00:10:96::/112 --pod-cidr 10.244.0.0/16,fd00:10:244::/48
`;

const notes = `
Manifests say little: a selector, ports, a type. This command adds what a control plane would, so that all others can take them:

  Services       all fields that an API server sets; cluster IPs, node ports, ports for health checks, addresses of load balancers
  Nodes          node-1 and so on, in the zones zone-a, zone-b and zone-c, unless the input has Nodes
  Pods           of Deployments, StatefulSets, DaemonSets, Jobs and whatever else has replicas and a template, ready, spread over the
                 nodes; not of those that have Pods in the input
  EndpointSlices of Services with a selector, as the EndpointSlice controller makes them; of v1 Endpoints, as the mirroring controller does

What is given stays. The rest follows from names: a Service keeps its address when others come and go, unless two lead to the same one. The same
input gives the same output, and doing it again changes nothing.

Services that an API server would refuse are errors, so is a cluster IP or node port that another Service has. EndpointSlices and Pods of the input are not
checked so strictly.
`;

/** The flags of `svc2nft resolve`. */
interface ResolveFlags {
  readonly filename?: readonly string[];
  readonly serviceCidr: readonly Cidr[];
  readonly podCidr: readonly Cidr[];
  readonly loadBalancerCidr: readonly Cidr[];
  readonly nodes: number;
  readonly output: 'json' | 'yaml';
}

/** `svc2nft resolve`: what a control plane makes of manifests. */
export function resolveCommand(context: Context, setExitCode: (code: number) => void): Command {
  const command = addFileOptions(new Command('resolve'))
    .description('Completes manifests as a control plane does: addresses, node ports, Pods and EndpointSlices.')
    .optionsGroup('Cluster:')
    .option(
      '--service-cidr <cidrs>',
      'the range of cluster IPs, one for each family, separated by a comma; the first one is for Services that name no family (default: 10.96.0.0/12)',
      parseRanges,
    )
    .option(
      '--pod-cidr <cidrs>',
      'the range of Pods, one for each family, separated by a comma (default: 10.244.0.0/16)',
      parseRanges,
    )
    .option(
      '--load-balancer-cidr <cidrs>',
      'the range of load balancers, one for each family, separated by a comma (default: they get no address)',
      parseRanges,
    )
    .option('--nodes <number>', 'how many Nodes there are, if the input has none', parseNodes, 3)
    .optionsGroup('Output:')
    .addOption(formatOption('how the objects are written', ['json', 'yaml']).default('json'))
    .action(async (paths: string[], flags: Partial<ResolveFlags> & Pick<ResolveFlags, 'nodes' | 'output'>) => {
      setExitCode(await runResolve(inputPaths(paths, flags), { ...defaultRanges(), ...flags }, context));
    });
  return addHelpTexts(command, { notes, examples });
}

function defaultRanges(): Pick<ResolveFlags, 'serviceCidr' | 'podCidr' | 'loadBalancerCidr'> {
  return { serviceCidr: parseRanges('10.96.0.0/12'), podCidr: parseRanges('10.244.0.0/16'), loadBalancerCidr: [] };
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

async function runResolve(paths: readonly string[], flags: ResolveFlags, context: Context): Promise<number> {
  const { serviceCidr, podCidr, loadBalancerCidr, nodes, output } = flags;
  const small = podCidr.find((cidr) => mostNodes(cidr) < nodes);
  if (small) {
    context.stderr.write(`error: --pod-cidr has no room for ${countOf(nodes, 'node')} (see --help)\n`);
    return exitCodes.wrongUsage;
  }
  if (lacksInput(paths, context)) {
    return exitCodes.wrongUsage;
  }
  const { texts, diagnostics } = await loadInput(paths, context.stdin);
  const { documents, diagnostics: aboutTexts } = readDocuments(texts);
  const invalid = validate(documents).diagnostics.filter((one) => severityOf(one) === 'error');
  const resolved = resolveObjects(documents, {
    serviceCIDRs: serviceCidr,
    podCIDRs: podCidr,
    loadBalancerCIDRs: loadBalancerCidr,
    nodes,
  });
  const all = [...diagnostics, ...aboutTexts, ...invalid, ...resolved.diagnostics];
  const isRefused = hasError(all);
  reportDiagnostics(all, { refused: isRefused, context });
  if (isRefused) {
    await noteServices(paths, context);
    return exitCodes.badInput;
  }
  return writeOutput(await textOf(resolved.objects, output), undefined, context);
}

async function textOf(objects: readonly Mapping[], format: ResolveFlags['output']): Promise<string> {
  const list = { apiVersion: 'v1', kind: 'List', items: objects };
  if (format === 'json') {
    return `${JSON.stringify(list, undefined, 2)}\n`;
  }
  const { stringify } = await import('yaml');
  return stringify(list, { aliasDuplicateObjects: false });
}
