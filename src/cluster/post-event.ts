import { cutText } from '../lib/text.ts';
import { type Mapping, mappingIn, textIn } from '../lib/unknown-values.ts';
import type { ClusterConnection } from './cluster-connection.ts';
import { listPages, resources } from './list-resource.ts';
import { readApiError, readJson } from './read-answer.ts';

/** The object that an Event is about. */
export type EventSubject =
  | { readonly kind: 'Service'; readonly namespace: string; readonly name: string }
  | { readonly kind: 'Node'; readonly name: string };

/** What an Event says. */
export interface EventText {
  readonly regarding: EventSubject;
  /** Why, in one word: `FailedToStartServiceHealthcheck`. */
  readonly reason: string;
  /** What was done or tried, in one word: `Listen`. */
  readonly action: string;
  readonly note: string;
}

/** What creating an Event depends on. */
export interface PostTools {
  readonly connection: ClusterConnection;
  readonly signal: AbortSignal;
  /** The node that reports it. */
  readonly nodeName: string;
  readonly wallClock: () => Date;
  /** Differs each time: `6d1f0c3a9b2e4857`. */
  readonly newId: () => string;
}

/** In milliseconds. */
const timeout = 10_000;

/**
 * Creates a warning (events.k8s.io/v1) about an object as it is now, so that `kubectl describe` shows it; none for an object that is
 * gone. It takes the rights to list the object, and to create Events.
 *
 * @returns whether it was created.
 * @throws ApiError for an answer that is not a success; and what the connection throws.
 */
export async function postEvent(event: EventText, tools: PostTools): Promise<boolean> {
  const limited = { ...tools, signal: AbortSignal.any([tools.signal, AbortSignal.timeout(timeout)]) };
  const object = await findSubject(event.regarding, limited);
  if (object) {
    await create(describeEvent(event, object, limited), limited);
  }
  return object !== undefined;
}

/** Its list has the object, because kube-proxy's account may list Services, but not get one. */
async function findSubject(subject: EventSubject, { connection, signal }: PostTools): Promise<Mapping | undefined> {
  const { kind, name } = subject;
  const path =
    kind === 'Node' ? resources.Node.path : `/api/v1/namespaces/${encodeURIComponent(subject.namespace)}/services`;
  // Names in a field selector are not quoted.
  const fieldSelector = `metadata.name=${name.replaceAll(/[\\,=]/g, '\\$&')}`;
  const tools = { connection, signal, idleTimeout: timeout, pageSize: 1 };
  for await (const { objects } of listPages({ kind, path, fieldSelector }, tools)) {
    return objects[0];
  }
  return undefined;
}

/** Where Events about objects without a namespace are. */
const namespaceOfNodes = 'default';

/** In bytes and characters, what an API server accepts. */
const longest = { note: 1_024, instance: 128, name: 200 };

function describeEvent(
  { regarding, reason, action, note }: EventText,
  object: Mapping,
  { nodeName, wallClock, newId }: PostTools,
): Mapping {
  const { kind, name } = regarding;
  const metadata = mappingIn(object, 'metadata');
  const namespace = regarding.kind === 'Node' ? namespaceOfNodes : regarding.namespace;
  return {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { name: `${name.slice(0, longest.name).replace(/[^a-z0-9]+$/, '')}.${newId()}`, namespace },
    eventTime: wallClock().toISOString().replace('Z', '000Z'),
    reportingController: 'svc2nft',
    reportingInstance: `svc2nft-${nodeName}`.slice(0, longest.instance),
    action,
    reason,
    regarding: {
      ...{ apiVersion: 'v1', kind, name, uid: textIn(metadata, 'uid') },
      ...(regarding.kind === 'Service' && { namespace }),
    },
    note: fitNote(note),
    type: 'Warning',
  };
}

function fitNote(note: string): string {
  let text = cutText(note, longest.note - 3);
  while (Buffer.byteLength(text) > longest.note) {
    text = cutText(text, Math.floor(text.length * 0.8));
  }
  return text;
}

async function create(event: Mapping, { connection, signal }: PostTools): Promise<void> {
  const namespace = encodeURIComponent(textIn(mappingIn(event, 'metadata'), 'namespace'));
  const path = `/apis/events.k8s.io/v1/namespaces/${namespace}/events`;
  const { status, retryAfter, body } = await connection.post(path, event, signal);
  if (status !== 201) {
    throw await readApiError(status, body, retryAfter);
  }
  // To its end, so that the connection serves again.
  await readJson(body);
}
