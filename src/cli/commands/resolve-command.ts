import { Command } from 'commander';
import {
  type Diagnostic,
  hasError,
  severityOf,
  withoutLeniency,
  withStrictSeverity,
} from '../../diagnostics/diagnostic.ts';
import { readDocuments } from '../../phases/1-read/read-documents.ts';
import { validate } from '../../phases/2-validate/validate.ts';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { addFileOptions, addLeniencyOptions, type InputFlags, inputPaths } from '../flags/compile-flags.ts';
import { formatOption } from '../flags/general-flags.ts';
import { addResolveOptions, type ResolveFlags, resolveOptionsOf } from '../flags/resolve-flags.ts';
import { lacksInput } from '../input/load-cluster.ts';
import { loadInput } from '../input/load-files.ts';
import { resolveDocuments } from '../input/resolve-documents.ts';
import { addHelpTexts } from '../manual/format-help.ts';
import { reportDiagnostics } from '../output/report-diagnostics.ts';
import { writeOutput } from '../output/write-output.ts';

const examples = `
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

Services and EndpointSlices that an API server would refuse are errors, so is a cluster IP or node port that another Service has. Pods and Endpoints of the
input are not checked so strictly. A selector that matches no Pod gets a warning with the closest labels, a targetPort that no container declares, too.
`;

/** The flags of `svc2nft resolve`. */
interface ResolveCommandFlags extends ResolveFlags, InputFlags {
  readonly keepGoing?: true;
  readonly strict?: true;
  readonly output: 'json' | 'yaml';
}

/** `svc2nft resolve`: what a control plane makes of manifests. */
export function resolveCommand(context: Context, setExitCode: (code: number) => void): Command {
  const command = addResolveOptions(addLeniencyOptions(addFileOptions(new Command('resolve')), 'resolve'))
    .description('Completes manifests as a control plane does: addresses, node ports, Pods and EndpointSlices.')
    .optionsGroup('Output:')
    .addOption(formatOption('how the objects are written', ['json', 'yaml']).default('json'))
    .action(async (paths: string[], flags: ResolveCommandFlags) => {
      setExitCode(await runResolve(inputPaths(paths, flags), flags, context));
    });
  return addHelpTexts(command, { notes, examples });
}

async function runResolve(paths: readonly string[], flags: ResolveCommandFlags, context: Context): Promise<number> {
  if (lacksInput(paths, context)) {
    return exitCodes.wrongUsage;
  }
  const { texts, diagnostics } = await loadInput(paths, context.stdin);
  const { documents, diagnostics: aboutTexts } = readDocuments(texts);
  const invalid = validate(documents).diagnostics.filter((one) => severityOf(one) === 'error');
  const leftOut = new Set(flags.keepGoing ? invalid.map(({ place }) => place?.document) : []);
  const resolved = resolveDocuments(
    documents.filter((document) => !leftOut.has(document)),
    resolveOptionsOf(flags),
  );
  const severe = flags.strict ? withStrictSeverity : withoutLeniency;
  const [aboutFiles, aboutObjects] = [
    severe([...diagnostics, ...aboutTexts]),
    severe(onePerPlace([...invalid, ...resolved.diagnostics])),
  ];
  const isRefused = hasError(aboutFiles) || (hasError(aboutObjects) && !flags.keepGoing);
  reportDiagnostics([...aboutFiles, ...aboutObjects], { refused: isRefused, context });
  if (isRefused) {
    return exitCodes.badInput;
  }
  const objects = resolved.documents.map(({ value }) => value);
  return writeOutput(await textOf(objects, flags.output), undefined, context);
}

/** The first of those about one value: what makes no valid rules, an API server refuses as well. */
function onePerPlace(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const seen = new Map<unknown, Set<string>>();
  return diagnostics.filter(({ place }) => {
    const paths = seen.get(place?.document) ?? new Set();
    seen.set(place?.document, paths);
    const path = JSON.stringify(place?.path);
    const isFirst = !(place && paths.has(path));
    paths.add(path);
    return isFirst;
  });
}

async function textOf(objects: readonly unknown[], format: ResolveCommandFlags['output']): Promise<string> {
  const list = { apiVersion: 'v1', kind: 'List', items: objects };
  if (format === 'json') {
    return `${JSON.stringify(list, undefined, 2)}\n`;
  }
  const { stringify } = await import('yaml');
  return stringify(list, { aliasDuplicateObjects: false });
}
