import { collectAll } from '../lib/lists.ts';
import { isMapping, type Mapping, mappingIn } from '../lib/unknown-values.ts';
import { describeConnectionError } from './cluster-connection.ts';
import type { FollowTools } from './follow-resource.ts';
import {
  type ApiKind,
  defaultPageSize,
  listPages,
  type Resource,
  resources,
  withoutHeadless,
} from './list-resource.ts';
import { ApiError } from './read-answer.ts';

/** What is read of a cluster, besides Services, EndpointSlices and ServiceCIDRs. */
export interface ClusterNeeds {
  /** The names that the node may have, the likeliest first. */
  readonly nodeNames: readonly string[];
  /** All Nodes, not only that one. */
  readonly allNodes?: true | undefined;
  readonly pods?: true | undefined;
  /** EndpointSlices of headless Services, too, which no rule depends on. */
  readonly headless?: true | undefined;
}

/** What reading depends on besides what is read. */
export type ReadTools = Pick<FollowTools, 'connection' | 'signal' | 'idleTimeout' | 'wait'> & {
  /** Objects in a page; 500 by default. */
  readonly pageSize?: number;
};

/** What a cluster has: all objects of each kind, as of the moments at which the lists were read. */
export interface ClusterObjects {
  readonly objects: readonly Mapping[];
  /** The Node that has one of the names that the node may have; undefined if there is none, or Nodes may not be listed. */
  readonly nodeName: string | undefined;
  /** The kinds that this user may not list, or of Nodes not all. What was read of them is among the objects. */
  readonly forbidden: readonly ForbiddenKind[];
}

/** A kind that the API server does not let a user list. */
interface ForbiddenKind {
  readonly kind: ApiKind;
  /** `nodes` */
  readonly plural: string;
  /** In the words of the server, in one line. */
  readonly reason: string;
}

/** A list that could not be read, so that nothing is known of the cluster. */
export class ClusterReadError extends Error {
  override readonly name = 'ClusterReadError';
  /** `services` */
  readonly plural: string;

  constructor(plural: string, options: ErrorOptions) {
    super(`cannot list ${plural}`, options);
    this.plural = plural;
  }
}

/**
 * Reads a cluster once, all lists to their ends and side by side. What is not needed is dropped page by page, so that a large
 * cluster takes little memory.
 *
 * @throws ClusterReadError for the first list that cannot be read; one that is forbidden is part of the result.
 */
export async function readCluster(needs: ClusterNeeds, tools: ReadTools): Promise<ClusterObjects> {
  const failed = new AbortController();
  const reader = { ...tools, signal: AbortSignal.any([tools.signal, failed.signal]) };
  try {
    const [{ found, ...nodes }, ...others] = await Promise.all([
      readNodes(needs, reader),
      readKind(resources.Service, reader),
      readKind({ ...resources.EndpointSlice, ...(!needs.headless && { labelSelector: withoutHeadless }) }, reader),
      readKind(resources.ServiceCIDR, reader),
      ...(needs.pods ? [readKind(resources.Pod, reader)] : []),
    ]);
    const all = [nodes, ...others];
    return {
      objects: collectAll(all, ({ objects }) => objects),
      nodeName: found,
      forbidden: all.flatMap(({ forbidden }) => forbidden ?? []),
    };
  } finally {
    failed.abort();
  }
}

/** The objects of a kind, and whether these are not all, because others are forbidden. */
interface KindReading {
  readonly objects: readonly Mapping[];
  readonly forbidden?: ForbiddenKind;
}

/**
 * The node's Node alone, if one of its names is right: others are as large as a hundred Services, and a user may be allowed to
 * list this one only. Else all Nodes, which say what the right name would be.
 */
async function readNodes(
  { nodeNames, allNodes }: ClusterNeeds,
  tools: ReadTools,
): Promise<KindReading & { readonly found: string | undefined }> {
  const all = allNodes ? await readKind(resources.Node, tools) : undefined;
  if (all && !all.forbidden) {
    const names = new Set(all.objects.map(nameOf));
    return { ...all, found: nodeNames.find((name) => names.has(name)) };
  }
  for (const name of nodeNames) {
    const own = await readKind({ ...resources.Node, fieldSelector: `metadata.name=${name}` }, tools);
    if (own.objects.length > 0) {
      return { ...all, ...own, found: name };
    }
  }
  return { ...(all ?? (await readKind(resources.Node, tools))), found: undefined };
}

async function readKind(resource: Resource, tools: ReadTools): Promise<KindReading> {
  for (let attempt = 1; ; attempt += 1) {
    const read = await readList(resource, tools).catch((error: unknown) => whatFollows(error, resource));
    if (Array.isArray(read)) {
      return { objects: read };
    }
    if ('objects' in read) {
      return read;
    }
    if (attempt === attempts) {
      throw read.error;
    }
    await tools.wait(Math.min(read.delay ?? firstWait * attempt, longestWait), tools.signal);
  }
}

/** What follows from a list that could not be read: that there are no objects, or another attempt. @throws ClusterReadError */
function whatFollows(
  cause: unknown,
  { kind, path, isOptional }: Resource,
): KindReading | { readonly error: ClusterReadError; readonly delay: number | undefined } {
  const plural = path.replace(/.*\//, '');
  const error = new ClusterReadError(plural, { cause });
  const status = cause instanceof ApiError ? cause.status : undefined;
  if (status === 403) {
    // Only kinds of the table are read.
    return { objects: [], forbidden: { kind: kind as ApiKind, plural, reason: describeConnectionError(cause) } };
  }
  if (status === 404 && isOptional) {
    return { objects: [] };
  }
  if (!(cause instanceof ApiError) || !passing.includes(cause.status)) {
    throw error;
  }
  return { error, delay: cause.status === 410 ? 0 : cause.retryAfter };
}

/** How often a list is begun. */
const attempts = 3;

/** A page that comes too late (410): the list begins again, because its parts have to fit. And a server that is busy or starting. */
const passing = [410, 429, 500, 503, 504];

/** In milliseconds, between two attempts: where the server does not say how long, and where it says more. */
const firstWait = 500;
const longestWait = 10_000;

async function readList(resource: Resource, { pageSize = defaultPageSize, ...tools }: ReadTools): Promise<Mapping[]> {
  const objects: Mapping[] = [];
  for await (const page of listPages(resource, { ...tools, pageSize })) {
    for (const object of page.objects) {
      objects.push(withoutBulk(object, resource.kind));
    }
  }
  return objects;
}

/** An object without what nobody asks for, and which is often most of it. */
function withoutBulk(object: Mapping, kind: string): Mapping {
  const { managedFields: _, annotations: __, ...metadata } = mappingIn(object, 'metadata');
  switch (kind) {
    case 'Service':
      return { ...object, metadata: { ...metadata, ...keptAnnotations(object) } };
    case 'Node': {
      const { images: ___, ...status } = mappingIn(object, 'status');
      return { ...object, metadata, status };
    }
    case 'Pod':
      return { ...object, metadata, spec: slimPodSpec(mappingIn(object, 'spec')) };
    default:
      return { ...object, metadata };
  }
}

/** Those that say which hints the EndpointSlice controller sets. */
const hintAnnotations = ['service.kubernetes.io/topology-aware-hints', 'service.kubernetes.io/topology-mode'];

function keptAnnotations(object: Mapping): Mapping {
  const annotations = mappingIn(mappingIn(object, 'metadata'), 'annotations');
  const kept = Object.entries(annotations).filter(([key]) => hintAnnotations.includes(key));
  return kept.length > 0 ? { annotations: Object.fromEntries(kept) } : {};
}

/**
 * Of containers, their ports and whether they keep running, and where else the Pod may run: environments and volumes of a cluster's Pods
 * are gigabytes.
 */
function slimPodSpec(spec: Mapping): Mapping {
  const slim = (list: unknown): unknown =>
    Array.isArray(list)
      ? list.map((one) =>
          isMapping(one) ? { name: one['name'], ports: one['ports'], restartPolicy: one['restartPolicy'] } : one,
        )
      : list;
  const kept = podFields.map((field) => [field, spec[field]]).filter(([, value]) => value !== undefined);
  return {
    containers: slim(spec['containers']),
    initContainers: slim(spec['initContainers']),
    ...Object.fromEntries(kept),
  };
}

const podFields = ['nodeName', 'hostNetwork', 'readinessGates', 'hostname', 'subdomain', 'nodeSelector', 'tolerations'];

function nameOf(object: Mapping): unknown {
  return mappingIn(object, 'metadata')['name'];
}
