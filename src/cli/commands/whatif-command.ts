import { Command } from 'commander';
import { changeCluster } from '../../control-plane/change-cluster.ts';
import { severityOf } from '../../diagnostics/diagnostic.ts';
import type { Document } from '../../diagnostics/document.ts';
import { describeWhatIf, type WhatIfCluster } from '../../inspect/whatif/describe-what-if.ts';
import { renderWhatIf } from '../../inspect/whatif/render-what-if.ts';
import type { NamedChange, WhatIf } from '../../inspect/whatif/what-if.ts';
import { escapeControls } from '../../lib/text.ts';
import { isMapping, type Mapping } from '../../lib/unknown-values.ts';
import { documentsOf } from '../../phases/1-read/read-documents.ts';
import { validate } from '../../phases/2-validate/validate.ts';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { addChangeOptions, type RequestedChange } from '../flags/change-flags.ts';
import { addLiveOptions, type ClusterFlags } from '../flags/cluster-flags.ts';
import { addFileOptions, type InputFlags, inputPaths } from '../flags/compile-flags.ts';
import { formatOption } from '../flags/general-flags.ts';
import { addResolveChoice, type OptionalResolveFlags } from '../flags/resolve-flags.ts';
import { readsCluster, wantsStdinTwice } from '../input/load-cluster.ts';
import { loadObjects } from '../input/load-objects.ts';
import { addHelpTexts } from '../manual/format-help.ts';
import { fitLines } from '../output/fit-text.ts';
import { writeOutput } from '../output/write-output.ts';

const examples = `
  svc2nft whatif dump.yaml --drain worker-2
  svc2nft whatif --live --lose-zone eu-central-1a
  svc2nft whatif shop.yaml --resolve --scale deployment/web=1 --drain node-1
  svc2nft whatif dump.yaml --set shop/web.spec.externalTrafficPolicy=Local
  svc2nft whatif today.yaml --with tomorrow.yaml -o json | jq '.items[] | select(.effects[0] == "outage")'
`;

const notes = `
The input needs all Nodes and Pods: without Pods, a drain moves nothing to other Nodes. It also needs Deployments and the like if Pods do not name their owners.
Changes apply in order, each to the result of the one before. The result is the cluster once everything is ready again; what happens meanwhile is not shown.

  --drain      Pods with a controller are recreated on other Nodes that accept them, first on those with the fewest Pods of the workload;
               Pods of DaemonSets stay, others are gone. PodDisruptionBudgets and free memory are ignored
  --lose-zone  no Pod is recreated elsewhere: a cluster does that only after minutes
  --scale      down as the ReplicaSet controller chooses: Pods that are not ready, then on Nodes with several, then the newest; of a
               StatefulSet the highest numbers. Up as svc2nft resolve makes Pods. KIND is deployment, statefulset, replicaset or
               replicationcontroller, or short for it
  --set        VALUE is YAML; an empty one removes the field. What an API server refuses is an error; what it sets, clears and allocates
               because of the change is included
  --with       for comparison with another snapshot, or with --resolve with other manifests

EndpointSlices of a controller are recreated where Pods of their Service come or go; others only lose the endpoints that are gone.

Each node weighs the same, and so does each service port. A share is that of new connections; Pods and nodes connect to the cluster IP, external clients to
a node port, load balancer or external IP. With policy Local, their shares are averaged over nodes with endpoints, as load balancers choose these.

  text  an effect, the service ports that have it, the worst effects first; at most ten of each
  wide  all of them
  json  {changes, nodes, pods, servicePorts, crossZone, items: [{namespace, service, portName, protocol, family, effects, treatments,
        shares, frontendsRemoved, frontendsAdded, broken, affinitySeconds, sourceRanges, crossZone}]}; effects, the worst first: outage,
        partial-outage, frontend-removed, source-lost, affinity-lost, connections-broken, source-ranges, shares, cross-zone, served-again,
        frontend-added, source-kept, affinity-gained
`;

/** The flags of `svc2nft whatif`; changes are collected in their order. */
interface WhatIfFlags extends ClusterFlags, OptionalResolveFlags, InputFlags {
  readonly output: 'text' | 'wide' | 'json';
}

/** `svc2nft whatif`: what a change means for the clients of Services. */
export function whatifCommand(context: Context, setExitCode: (code: number) => void): Command {
  const requested: RequestedChange[] = [];
  const base = addResolveChoice(addLiveOptions(addFileOptions(new Command('whatif'))));
  const command = addChangeOptions(base, requested)
    .description('Says what a change of the cluster would mean for the clients of its Services, and changes nothing.')
    .optionsGroup('Output:')
    .addOption(formatOption('wide: every service port; json: everything', ['text', 'wide', 'json']).default('text'))
    .action(async (paths: string[], flags: WhatIfFlags) => {
      setExitCode(await runWhatIf(inputPaths(paths, flags), flags, { requested, context }));
    });
  return addHelpTexts(command, { notes, examples });
}

interface Run {
  readonly requested: readonly RequestedChange[];
  readonly context: Context;
}

/** Prints what changes; resolves to the exit code. */
async function runWhatIf(paths: readonly string[], flags: WhatIfFlags, run: Run): Promise<number> {
  const { requested, context } = run;
  const others = requested.flatMap((one) => ('path' in one ? [one.path] : []));
  if (requested.length === 0) {
    context.stderr.write(
      'error: nothing is changed: use --drain, --lose-zone, --scale, --set or --with (see --help)\n',
    );
    return exitCodes.wrongUsage;
  }
  const read = paths.length > 0 || readsCluster(paths, flags, context) ? paths : ['-'];
  const stdin = others.indexOf('-');
  const rest = [...read, ...others.filter((_, index) => index !== stdin)];
  if (wantsStdinTwice(rest, { flag: '--with', value: others[stdin] }, context)) {
    return exitCodes.wrongUsage;
  }
  const documents = await loadObjects(paths, flags, { needs: { allNodes: true, pods: true }, context });
  if (typeof documents === 'number') {
    return documents;
  }
  const after = await changeDocuments(documents, flags, run);
  if (typeof after === 'number') {
    return after;
  }
  const [before, now] = [documents, after].map(clusterOf);
  if (!before || !now || before.snapshot.nodes.length === 0 || now.snapshot.nodes.length === 0) {
    const problem = before?.snapshot.nodes.length === 0 ? 'the input has no Node' : 'no Node is left';
    context.stderr.write(
      `error: ${problem}, and shares are those of connections on each Node; for manifests use --resolve\n`,
    );
    return exitCodes.badInput;
  }
  const whatIf = describeWhatIf(before, now, requested.map(nameChange));
  return writeOutput(textOf(whatIf, flags, context), undefined, context);
}

function clusterOf(documents: readonly Document[]): WhatIfCluster {
  return { documents, snapshot: validate(documents).snapshot };
}

/** The documents after all changes; the exit code, after a message, where one is not possible. */
async function changeDocuments(
  documents: readonly Document[],
  flags: WhatIfFlags,
  { requested, context }: Run,
): Promise<readonly Document[] | number> {
  let current = documents;
  for (const one of requested) {
    const next = 'path' in one ? await loadOther(one.path, flags, context) : changeObjects(current, one);
    if (typeof next === 'number') {
      return next;
    }
    if (typeof next === 'string') {
      context.stderr.write(`error: ${escapeControls(`${one.text}: ${next}`)}\n`);
      return exitCodes.badInput;
    }
    current = next;
  }
  return current;
}

/** Other files are read as the first ones are, but for a cluster in their place. */
function loadOther(
  path: string,
  { resolve, serviceCidr, podCidr, loadBalancerCidr, nodes }: WhatIfFlags,
  context: Context,
): Promise<readonly Document[] | number> {
  const flags = {
    ...(resolve && { resolve }),
    ...(serviceCidr && { serviceCidr }),
    ...(podCidr && { podCidr }),
    ...(loadBalancerCidr && { loadBalancerCidr }),
    ...(nodes !== undefined && { nodes }),
  };
  return loadObjects([path], flags, { needs: {}, context: { ...context, isPlugin: false } });
}

/** The changed objects, or what is wrong with the change. */
function changeObjects(
  documents: readonly Document[],
  { change }: Extract<RequestedChange, { readonly change: unknown }>,
): readonly Document[] | string {
  const objects = documents.flatMap(({ value }): Mapping[] => (isMapping(value) ? [value] : []));
  const changed = changeCluster(objects, change);
  if ('problem' in changed) {
    return changed.problem;
  }
  const next = documentsOf(changed.objects);
  const invalid =
    change.kind === 'set' ? validate(next).diagnostics.find((one) => severityOf(one) === 'error') : undefined;
  return invalid ? invalid.message : next;
}

function nameChange(one: RequestedChange): NamedChange {
  return { kind: 'path' in one ? 'with' : one.change.kind, text: one.text };
}

/** Service ports of a section of the text. */
const shownPorts = 10;

function textOf(whatIf: WhatIf, { output }: WhatIfFlags, { stdout }: Context): string {
  if (output === 'json') {
    return `${JSON.stringify(whatIf, undefined, 2)}\n`;
  }
  const limit = output === 'wide' ? Number.POSITIVE_INFINITY : shownPorts;
  return fitLines(renderWhatIf(whatIf, { limit }), stdout);
}
