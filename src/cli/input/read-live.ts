import { setTimeout as sleep } from 'node:timers/promises';
import { type ClusterConnection, describeConnectionError } from '../../cluster/cluster-connection.ts';
import { ApiError } from '../../cluster/read-answer.ts';
import { type ClusterNeeds, type ClusterObjects, ClusterReadError, readCluster } from '../../cluster/read-cluster.ts';
import type { Document } from '../../diagnostics/document.ts';
import { escapeControls } from '../../lib/text.ts';
import type { CompileOptions } from '../../options.ts';
import type { ReadResult } from '../../phases/1-read/read-documents.ts';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import type { ClusterFlags } from '../flags/cluster-flags.ts';
import { type Progress, withProgress } from '../output/progress.ts';
import { connectCluster } from './connect-cluster.ts';

/** What a command reads of a cluster, besides Services, EndpointSlices, ServiceCIDRs and the Node that rules are for. */
export type LiveNeeds = Pick<ClusterNeeds, 'allNodes' | 'pods' | 'headless'>;

/** What reading a cluster depends on. */
interface LiveRequest {
  readonly options: Pick<CompileOptions, 'nodeName' | 'nodeAddresses'>;
  readonly needs: LiveNeeds;
  readonly context: Context;
  readonly progress?: Progress | undefined;
}

/** The objects of a cluster, and which of its Nodes is meant; undefined where neither a flag nor the name of this machine says so. */
interface LiveSnapshot extends ReadResult {
  readonly live: { readonly nodeName: string | undefined };
}

/**
 * Reads the cluster that flags name, in place of files, and reports on stderr what it does not let this user see.
 *
 * @returns the exit code if there is no answer, or what is missing would make every answer wrong.
 */
export async function readLive(flags: ClusterFlags, request: LiveRequest): Promise<LiveSnapshot | number> {
  const { context, progress } = request;
  const connection = await connectCluster(flags, context);
  if (typeof connection === 'string') {
    context.stderr.write(`error: ${connection}\n`);
    return exitCodes.badInput;
  }
  try {
    return await (progress
      ? readWith(connection, { ...request, progress })
      : withProgress(context, (own) => readWith(connection, { ...request, progress: own })));
  } catch (error) {
    if (!(error instanceof ClusterReadError)) {
      throw error;
    }
    return reportFailure(error, connection.server, context);
  } finally {
    await connection.close();
  }
}

/** In milliseconds: a server that says nothing for so long is not waited for. */
const longestSilence = 30_000;

async function readWith(
  connection: ClusterConnection,
  { options, needs, context, progress }: LiveRequest & { readonly progress: Progress },
): Promise<LiveSnapshot | number> {
  progress.step(`reading ${connection.server}`);
  const found = await readCluster(
    { ...needs, nodeNames: options.nodeName === undefined ? namesOfMachine(context) : [options.nodeName] },
    {
      connection,
      signal: new AbortController().signal,
      idleTimeout: longestSilence,
      wait: async (milliseconds, signal) => {
        await sleep(milliseconds, undefined, { signal });
      },
    },
  );
  const lack = reportForbidden(found, options, context) ?? reportMissingNode(found, options, context);
  const source = { file: connection.server, locate: () => undefined };
  const documents = found.objects.map((value): Document => ({ value, source, path: [] }));
  return lack ?? { documents, diagnostics: [], live: { nodeName: found.nodeName } };
}

/** As kubelet registers it: in full or up to the first dot. */
function namesOfMachine({ hostName }: Context): string[] {
  const name = hostName.toLowerCase();
  return [...new Set([name, name.replace(/\..*/s, '')])];
}

/** What is not known without a kind that may be missing. */
const consequences: Readonly<Record<string, string>> = {
  ServiceCIDR: 'what happens at unused cluster IPs is not known',
  Pod: 'only those that EndpointSlices name are known',
};

/** Reports each kind that this user may not list; the exit code if nothing can be said without one of them. */
function reportForbidden(
  { forbidden, nodeName }: ClusterObjects,
  { nodeAddresses }: LiveRequest['options'],
  { stderr }: Context,
): number | undefined {
  let exitCode: number | undefined;
  for (const { kind, plural, reason } of forbidden) {
    const otherwise = kind === 'Node' ? withoutNodes(nodeName, nodeAddresses) : consequences[kind];
    const isNode = kind === 'Node' && otherwise === undefined;
    const remedy = isNode ? '; without it, name the addresses of the node with --node-ip' : '';
    stderr.write(
      otherwise === undefined
        ? `error: may not list ${plural}: ${reason}${remedy}\n`
        : `warning: may not list ${plural}: ${reason}; ${otherwise}\n`,
    );
    exitCode = otherwise === undefined ? exitCodes.noPermission : exitCode;
  }
  return exitCode;
}

/** What is not known without Nodes; undefined where nothing can be said without the one that rules are for. */
function withoutNodes(nodeName: string | undefined, given: readonly string[]): string | undefined {
  if (nodeName !== undefined) {
    return `of the Nodes, only ${escapeControls(nodeName)} is known`;
  }
  return given.length > 0 ? 'of the node, only what --node-ip and --zone say is known' : undefined;
}

/** A cluster without the Node has nothing to say about it. Where it has others, compiling says which. */
function reportMissingNode(
  { objects, forbidden, nodeName }: ClusterObjects,
  { nodeName: wanted, nodeAddresses }: LiveRequest['options'],
  { stderr }: Context,
): number | undefined {
  const isNamed = wanted !== undefined && nodeName === undefined && nodeAddresses.length === 0;
  const hasNodes = objects.some(({ kind }) => kind === 'Node');
  if (!isNamed || hasNodes || forbidden.some(({ kind }) => kind === 'Node')) {
    return undefined;
  }
  stderr.write(`error: the cluster has no Node ${JSON.stringify(wanted)}, nor any other\n`);
  return exitCodes.badInput;
}

/** Why the cluster could not be read, in one line. */
function reportFailure({ plural, cause }: ClusterReadError, server: string, { stderr }: Context): number {
  const reason = describeConnectionError(cause);
  if (!(cause instanceof ApiError)) {
    stderr.write(`error: cannot read from ${server}: ${reason}\n`);
    return exitCodes.badInput;
  }
  if (cause.status === 401) {
    stderr.write(`error: ${server} does not accept the credentials: ${reason}; check the user of the kubeconfig\n`);
    return exitCodes.noPermission;
  }
  stderr.write(`error: cannot list ${plural} of ${server}: ${reason}\n`);
  return exitCodes.badInput;
}
