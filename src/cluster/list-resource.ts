import type { ClusterConnection } from './cluster-connection.ts';
import { type ListPage, readApiError, readJson, readListPage } from './read-answer.ts';

/** Objects of one kind, all or those that selectors choose. */
export interface Resource {
  readonly kind: string;
  /** `/api/v1/services` */
  readonly path: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** A server without this API, or that forbids it, has no such objects. */
  readonly isOptional?: true;
}

/** The kinds that rules depend on, and Pods, which only explain something. */
export type ApiKind = 'Node' | 'Service' | 'EndpointSlice' | 'ServiceCIDR' | 'Pod';

/** Where an API server has all objects of a kind. */
export const resources: Readonly<Record<ApiKind, Resource>> = {
  Node: { kind: 'Node', path: '/api/v1/nodes' },
  Service: { kind: 'Service', path: '/api/v1/services' },
  EndpointSlice: { kind: 'EndpointSlice', path: '/apis/discovery.k8s.io/v1/endpointslices' },
  ServiceCIDR: { kind: 'ServiceCIDR', path: '/apis/networking.k8s.io/v1/servicecidrs', isOptional: true },
  Pod: { kind: 'Pod', path: '/api/v1/pods' },
};

/** What excludes slices of headless Services, which no rule depends on. */
export const withoutHeadless = '!service.kubernetes.io/headless';

/** Objects in a page of a list by default, as for kubectl. */
export const defaultPageSize = 500;

/** What a request depends on besides its resource. */
export interface RequestTools {
  readonly connection: ClusterConnection;
  /** Ends the request. */
  readonly signal: AbortSignal;
  /** After how many milliseconds without a byte a connection counts as dead. Servers send a bookmark each minute. */
  readonly idleTimeout: number;
  /** Called whenever something arrives, but for errors. */
  readonly onHeard?: () => void;
}

/** What is asked of a resource. */
interface ResourceRequest<T> {
  /** Besides the selectors. */
  readonly query: Readonly<Record<string, string>>;
  readonly read: (body: AsyncIterable<Uint8Array>) => Promise<T>;
}

/**
 * The pages of a list, each as soon as it is there. All objects have been given once a page says that none is next.
 *
 * @throws ApiError for an answer that is not a success, also after some pages; and what the connection throws.
 */
export async function* listPages(
  resource: Resource,
  tools: RequestTools & { readonly pageSize: number },
): AsyncGenerator<ListPage> {
  for (let next = ''; ; ) {
    const page = await requestResource(
      resource,
      {
        query: { limit: `${tools.pageSize}`, ...(next !== '' && { continue: next }) },
        read: async (body) => readListPage(await readJson(body), resource.kind),
      },
      tools,
    );
    yield page;
    next = page.next;
    if (next === '') {
      return;
    }
  }
}

/** Sends a request and reads the answer. @throws ApiError for an answer that is not a success. */
export async function requestResource<T>(
  { path, labelSelector, fieldSelector }: Resource,
  { query, read }: ResourceRequest<T>,
  { connection, signal, idleTimeout, onHeard }: RequestTools,
): Promise<T> {
  const idle = new AbortController();
  const reason = new Error(`nothing was received for ${idleTimeout / 1_000} s`);
  const timer = setTimeout(() => idle.abort(reason), idleTimeout);
  const parameters = new URLSearchParams({
    ...(labelSelector !== undefined && { labelSelector }),
    ...(fieldSelector !== undefined && { fieldSelector }),
    ...query,
  });
  try {
    const answer = await connection.get(`${path}?${parameters}`, AbortSignal.any([signal, idle.signal]));
    const watched = noticing(answer.body, () => {
      timer.refresh();
      if (answer.status === 200) {
        onHeard?.();
      }
    });
    if (answer.status !== 200) {
      throw await readApiError(answer.status, watched, answer.retryAfter);
    }
    return await read(watched);
  } finally {
    clearTimeout(timer);
    // What was not read to its end.
    idle.abort(reason);
  }
}

/** Calls back whenever something arrives. */
async function* noticing(body: AsyncIterable<Uint8Array>, onChunk: () => void): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    onChunk();
    yield chunk;
  }
}
