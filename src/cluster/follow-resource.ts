import type { ObjectReference } from '../diagnostics/diagnostic.ts';
import { type Mapping, mappingIn, textIn } from '../lib/unknown-values.ts';
import { describeConnectionError } from './cluster-connection.ts';
import { listPages, type RequestTools, type Resource, requestResource } from './list-resource.ts';
import { ApiError, isOlder, readLines, readWatchEvent } from './read-answer.ts';

/** Receives the objects of a resource. */
export interface ResourceReceiver {
  /** What changed, the last state of each object; a list comes in parts. */
  change(changes: { readonly apply: readonly Mapping[]; readonly remove: readonly ObjectReference[] }): void;
  /** All objects were given, after the start and after each time that the list had to be read again. */
  listed(): void;
  /** Following works, or does not. */
  report(state: ResourceState): void;
  /** Something was received, whatever it says. */
  heard(): void;
}

/** How following one resource goes. */
export type ResourceState =
  | { readonly state: 'listing' | 'watching' | 'absent' }
  /** The objects stay as they are until the server answers again. `delay`: until the next attempt, in milliseconds. */
  | { readonly state: 'retrying'; readonly reason: string; readonly delay: number };

/** What following depends on besides the resource. */
export interface FollowTools extends RequestTools {
  /** Resolves after so many milliseconds, and is rejected when the signal is aborted. */
  readonly wait: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  /** From 0 to 1. */
  readonly random: () => number;
  /** In milliseconds, from any start. */
  readonly now: () => number;
  /** Objects in a page of a list. */
  readonly pageSize: number;
}

/**
 * Lists the objects of a resource, then watches them, until the signal is aborted. A watch that ends continues from the last
 * version; where the server does not have that version any more, or sends what contradicts itself, the list is read again.
 * Errors of the server and of the network are reported and retried, never thrown.
 */
export async function followResource(
  resource: Resource,
  receiver: ResourceReceiver,
  tools: FollowTools,
): Promise<void> {
  const following: Following = {
    resource,
    receiver,
    tools: { ...tools, onHeard: () => receiver.heard() },
    known: new Set(),
    streaming: 'possible',
    streamAgainAt: 0,
    absences: 0,
    hasWorked: false,
    hasLasted: false,
    hasListed: false,
  };
  const nextDelay = countAttempts();
  while (!tools.signal.aborted) {
    following.hasWorked = false;
    following.hasLasted = false;
    following.hasListed = false;
    const hadVersion = following.version !== undefined;
    const reason = await listAndWatch(following).catch((error: unknown) => error ?? new Error('aborted'));
    if (tools.signal.aborted) {
      return;
    }
    const delay = nextDelay(following, hadVersion) * (0.5 + tools.random() / 2);
    const wait = Math.max(delay, retryAfterOf(reason));
    if (reason !== undefined) {
      receiver.report({ state: 'retrying', reason: describeConnectionError(reason), delay: wait });
    }
    if (wait > 0) {
      await tools.wait(wait, tools.signal).catch(() => undefined);
    }
  }
}

/** What is known of a resource while it is followed. */
interface Following {
  readonly resource: Resource;
  readonly receiver: ResourceReceiver;
  readonly tools: FollowTools;
  /** The objects that the receiver was given, `namespace/name`. */
  known: Set<string>;
  /** The last version that was seen; undefined before the list is read to its end, and when it has to be read again. */
  version?: string | undefined;
  /** Whether the server sends the list as the beginning of a watch; `failed`: the next attempt is without. */
  streaming: 'possible' | 'failed' | 'refused';
  /** When a server that has refused this is asked again, with a list that is due then. */
  streamAgainAt: number;
  /** How often the server has said in turn that it does not have this API. */
  absences: number;
  /** Since the last attempt began, the server has sent changes, or kept a watch open. */
  hasWorked: boolean;
  /** Since the last attempt began, the server has kept a watch open for a while. */
  hasLasted: boolean;
  /** Since the last attempt began, a list was read to its end. */
  hasListed: boolean;
}

/** In milliseconds: doubled with each failure. The last one is short, because endpoints are wrong meanwhile. */
const delays = { first: 100, last: 2_000 };

function backoff(failures: number): number {
  return failures <= 0 ? 0 : Math.min(delays.first * 2 ** (failures - 1), delays.last);
}

/**
 * How long to wait after each attempt, in milliseconds. A watch that ends in due time continues at once; so does one whose
 * version is too old, but not again and again: lists are what costs a server most.
 */
function countAttempts(): (following: Following, hadVersion: boolean) => number {
  let failures = 0;
  let relists = 0;
  return ({ version, hasWorked, hasLasted, hasListed }, hadVersion) => {
    const needsNewList = (hadVersion || hasListed) && version === undefined;
    relists = (hasLasted ? 0 : relists) + Number(needsNewList);
    failures = hasWorked || needsNewList ? 0 : failures + 1;
    failures = hasListed ? Math.min(failures, 1) : failures;
    return Math.max(backoff(failures), backoff(relists - 1));
  };
}

/** In milliseconds, what a server may ask for at most. */
const longestRetryAfter = 60_000;

function retryAfterOf(error: unknown): number {
  return error instanceof ApiError ? Math.min(error.retryAfter ?? 0, longestRetryAfter) : 0;
}

/** Reads the list, unless its version is known, and watches until the watch ends. */
async function listAndWatch(following: Following): Promise<void> {
  const { resource, receiver } = following;
  try {
    if (following.version === undefined && !canStream(following)) {
      receiver.report({ state: 'listing' });
      await readList(following);
    }
    await watch(following);
  } catch (error) {
    // An API that had objects does not vanish.
    if (resource.isOptional && following.known.size === 0 && isRefused(error, [403, 404])) {
      await waitForApi(following);
      return;
    }
    const couldStream = following.streaming === 'possible';
    noteFailure(following, error);
    if (!couldStream || following.streaming !== 'refused') {
      throw error;
    }
    await listAndWatch(following);
  }
}

/** In milliseconds. A server that is just starting refuses what it can do a moment later. */
const streamingInterval = 600_000;

/** Whether to ask for the list as the beginning of a watch. */
function canStream(following: Following): boolean {
  if (following.streaming === 'refused' && following.tools.now() >= following.streamAgainAt) {
    following.streaming = 'possible';
  }
  return following.streaming === 'possible';
}

/** How servers answer that do not know what is asked: a list as the beginning of a watch, or a version. */
const refusals = [400, 404, 405, 406, 415, 422];

/** Chooses how the next attempt goes. */
function noteFailure(following: Following, error: unknown): void {
  if (following.version !== undefined) {
    following.version = needsList(error) ? undefined : following.version;
  } else if (following.streaming === 'possible') {
    following.streaming = isRefused(error, refusals) ? 'refused' : 'failed';
    following.streamAgainAt = following.tools.now() + streamingInterval;
  }
}

async function waitForApi(following: Following): Promise<void> {
  const { receiver, tools } = following;
  receiver.report({ state: 'absent' });
  receiver.listed();
  const interval = Math.min(absentIntervals.first * 2 ** following.absences, absentIntervals.last);
  following.absences += 1;
  await tools.wait(interval * (0.5 + tools.random() / 2), tools.signal);
  following.hasWorked = true;
}

/** In milliseconds: how often to look whether an API has come; soon at first, because a server that is just starting lacks some. */
const absentIntervals = { first: 1_000, last: 60_000 };

function isRefused(error: unknown, statuses: readonly number[]): boolean {
  return error instanceof ApiError && statuses.includes(error.status);
}

/** Whether a watch cannot continue from the last version: it is too old, or not one of this server, or something was lost. */
function needsList(error: unknown): boolean {
  return (
    isRefused(error, [0, 410, ...refusals]) ||
    (error instanceof Error && /too large resource version/i.test(error.message))
  );
}

async function readList(following: Following): Promise<void> {
  const listed = new Set<string>();
  for await (const { objects, next, version } of listPages(following.resource, following.tools)) {
    applyListed(following, objects, listed);
    if (next === '') {
      finishList(following, listed, version);
    }
  }
}

/** Gives a part of a list to the receiver: each object is as the server has it, so none has to wait for the others. */
function applyListed({ known, receiver }: Following, objects: readonly Mapping[], listed: Set<string>): void {
  for (const object of objects) {
    const key = keyOf(object);
    listed.add(key);
    known.add(key);
  }
  receiver.change({ apply: objects, remove: [] });
}

/** Removes what a list that was read to its end does not have. */
function finishList(following: Following, listed: Set<string>, version: string): void {
  const { resource, receiver, known } = following;
  const remove = [...known].filter((key) => !listed.has(key)).map((key) => referenceOf(resource.kind, key));
  following.known = listed;
  following.version = version;
  following.hasListed = true;
  following.absences = 0;
  following.streaming = following.streaming === 'failed' ? 'possible' : following.streaming;
  if (remove.length > 0) {
    receiver.change({ apply: [], remove });
  }
  receiver.listed();
}

/** Servers end a watch after this many seconds, twice as many at most: then not all nodes come back at the same time. */
const watchSeconds = 300;

/** In milliseconds: a watch that lasts so long has worked, even if nothing changed. */
const longEnough = 5_000;

/** Reads events until the server ends the watch. Without a version, the watch begins with the list. */
async function watch(following: Following): Promise<void> {
  const { resource, receiver, tools, version } = following;
  const query = {
    watch: 'true',
    allowWatchBookmarks: 'true',
    timeoutSeconds: `${Math.round(watchSeconds * (1 + tools.random()))}`,
    ...(version === undefined
      ? { sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan' }
      : { resourceVersion: version }),
  };
  const read = async (body: AsyncIterable<Uint8Array>): Promise<void> => {
    const start = tools.now();
    const listed = new Set<string>();
    receiver.report({ state: version === undefined ? 'listing' : 'watching' });
    for await (const lines of readLines(body)) {
      readEvents(following, lines, listed);
      noteTime(following, start);
    }
    noteTime(following, start);
  };
  await requestResource(resource, { query, read }, tools);
  if (following.version === undefined) {
    throw new Error('the server ended the list early');
  }
}

function noteTime(following: Following, start: number): void {
  following.hasLasted ||= following.version !== undefined && following.tools.now() - start >= longEnough;
  following.hasWorked ||= following.hasLasted;
}

/** Reads events that arrived together. The receiver gets the last state of each object. */
function readEvents(following: Following, lines: readonly string[], listed: Set<string>): void {
  const changed = new Map<string, Mapping | undefined>();
  try {
    for (const line of lines) {
      readEvent(following, line, { listed, changed });
    }
  } finally {
    // Those before a line that is not understood are true.
    giveChanges(following, changed);
  }
}

interface EventMaps {
  /** The initial objects. */
  readonly listed: Set<string>;
  /** Objects by name, undefined for those that were deleted. */
  readonly changed: Map<string, Mapping | undefined>;
}

function readEvent(following: Following, line: string, { listed, changed }: EventMaps): void {
  const { resource, receiver, known, version } = following;
  const event = readWatchEvent(line, resource.kind);
  // Initial objects come in any order; after them, versions only grow.
  if (version !== undefined && isOlder(event.version, version)) {
    throw new ApiError(`the watch went back from version ${version} to ${event.version}`);
  }
  if (event.type !== 'bookmark') {
    const key = keyOf(event.object);
    const isThere = event.type === 'applied';
    changed.set(key, isThere ? event.object : undefined);
    for (const keys of [known, listed]) {
      isThere ? keys.add(key) : keys.delete(key);
    }
  } else if (version === undefined && event.isInitialEnd) {
    giveChanges(following, changed);
    finishList(following, listed, event.version);
    receiver.report({ state: 'watching' });
  }
  if (following.version !== undefined) {
    following.hasWorked ||= version !== undefined;
    following.version = event.version;
  }
}

function giveChanges({ resource, receiver }: Following, changed: Map<string, Mapping | undefined>): void {
  const apply = [...changed.values()].filter((object) => object !== undefined);
  const gone = [...changed].filter(([, object]) => object === undefined);
  if (changed.size > 0) {
    receiver.change({ apply, remove: gone.map(([key]) => referenceOf(resource.kind, key)) });
  }
  changed.clear();
}

function keyOf(object: Mapping): string {
  const metadata = mappingIn(object, 'metadata');
  return `${textIn(metadata, 'namespace')}/${textIn(metadata, 'name')}`;
}

function referenceOf(kind: string, key: string): ObjectReference {
  const [namespace = '', name = ''] = key.split('/');
  return { kind, name, ...(namespace !== '' && { namespace }) };
}
