import { isMapping, type Mapping, mappingIn, textIn } from '../lib/unknown-values.ts';

interface ApiErrorOptions {
  readonly status?: number;
  readonly retryAfter?: number | undefined;
  readonly cause?: unknown;
}

/** The API server refused, or what it sent is not understood. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** The status of HTTP, or of the metav1.Status inside a watch; 0 for an answer that is not understood. */
  readonly status: number;
  /** How long the server asks to wait, in milliseconds. */
  readonly retryAfter: number | undefined;

  constructor(message: string, { status = 0, retryAfter, cause }: ApiErrorOptions = {}) {
    super(message, { cause });
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** In bytes. etcd keeps objects of up to 1.5 MB; a Status is short, but a proxy in between may answer with anything. */
const longestLine = 64_000_000;
const longestPage = 256_000_000;
const longestError = 1_000_000;

/** The lines of a text in UTF-8, as many at a time as have arrived together. What follows the last line feed is dropped. */
export async function* readLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string[]> {
  let parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    const end = chunk.lastIndexOf(0x0a) + 1;
    if (end > 0) {
      const text = Buffer.concat([...parts, chunk.subarray(0, end)]).toString();
      parts = [];
      length = 0;
      yield text.split('\n').filter((line) => line.trim() !== '');
    }
    if (end < chunk.length) {
      parts.push(chunk.subarray(end));
      length += chunk.length - end;
    }
    if (length > longestLine) {
      throw new ApiError(`a line of the watch is longer than ${longestLine / 1e6} MB`);
    }
  }
}

/**
 * A whole body as JSON.
 *
 * @param longest how many bytes it may have.
 * @throws ApiError for a longer one, which is not read to its end, and for what is not JSON.
 */
export async function readJson(body: AsyncIterable<Uint8Array>, longest: number = longestPage): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > longest) {
      throw new ApiError(`the answer is longer than ${longest / 1e6} MB`);
    }
    chunks.push(chunk);
  }
  return parse(Buffer.concat(chunks).toString());
}

/** A page of a list. */
export interface ListPage {
  /** With `kind` and `apiVersion`, which the items of a list lack. */
  readonly objects: readonly Mapping[];
  /** The version of the whole list, from which a watch goes on. */
  readonly version: string;
  /** Where the next page starts; empty after the last one. */
  readonly next: string;
}

/** @throws ApiError unless it is a list of that kind. */
export function readListPage(answer: unknown, kind: string): ListPage {
  if (!isMapping(answer) || answer['kind'] !== `${kind}List` || !Array.isArray(answer['items'])) {
    throw new ApiError(`the answer is not a ${kind}List`);
  }
  const metadata = mappingIn(answer, 'metadata');
  const version = textIn(metadata, 'resourceVersion');
  if (version === '') {
    throw new ApiError(`the ${kind}List has no resourceVersion`);
  }
  const apiVersion = answer['apiVersion'];
  const objects = answer['items'].map((item: unknown) => {
    if (!isMapping(item) || nameOf(item) === '') {
      throw new ApiError(`the ${kind}List has an item without a name`);
    }
    return { ...item, apiVersion, kind };
  });
  return { objects, version, next: textIn(metadata, 'continue') };
}

/** An event of a watch. */
export type WatchEvent =
  | { readonly type: 'applied' | 'deleted'; readonly object: Mapping; readonly version: string }
  /** Nothing changed up to this version. `isInitialEnd`: all objects that there were at the start have been sent. */
  | { readonly type: 'bookmark'; readonly version: string; readonly isInitialEnd: boolean };

/** The annotation of the bookmark that ends the initial events of a streaming list. */
const initialEndAnnotation = 'k8s.io/initial-events-end';

/** @throws ApiError for an error that the server reports, and for what is not an event about that kind. */
export function readWatchEvent(line: string, kind: string): WatchEvent {
  const event = parse(line);
  const object = isMapping(event) ? event['object'] : undefined;
  if (!isMapping(event) || !isMapping(object)) {
    throw new ApiError('the watch has a line that is not an event');
  }
  if (event['type'] === 'ERROR') {
    throw errorOf(object, 500);
  }
  const metadata = mappingIn(object, 'metadata');
  const version = textIn(metadata, 'resourceVersion');
  if (object['kind'] !== kind || version === '') {
    throw new ApiError(`the watch has an event that is not about a ${kind} with a resourceVersion`);
  }
  switch (event['type']) {
    case 'BOOKMARK':
      return {
        type: 'bookmark',
        version,
        isInitialEnd: mappingIn(metadata, 'annotations')[initialEndAnnotation] === 'true',
      };
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
      if (nameOf(object) === '') {
        throw new ApiError(`the watch has a ${kind} without a name`);
      }
      return { type: event['type'] === 'DELETED' ? 'deleted' : 'applied', object, version };
    default:
      throw new ApiError('the watch has an event of an unknown type');
  }
}

/** The error in an answer that is not a success: a metav1.Status, or anything else that a proxy between may send. */
export async function readApiError(
  status: number,
  body: AsyncIterable<Uint8Array>,
  retryAfter: number | undefined,
): Promise<ApiError> {
  const answer = await readJson(body, longestError).catch(() => undefined);
  return isMapping(answer) && answer['kind'] === 'Status'
    ? errorOf(answer, status, retryAfter)
    : new ApiError(`the server answers with status ${status}`, { status, retryAfter });
}

function errorOf(status: Mapping, fallback: number, retryAfter?: number): ApiError {
  const code = typeof status['code'] === 'number' ? status['code'] : fallback;
  const seconds = mappingIn(status, 'details')['retryAfterSeconds'];
  const wait = retryAfter ?? (typeof seconds === 'number' && seconds > 0 ? seconds * 1_000 : undefined);
  return new ApiError(textIn(status, 'message') || `the server answers with status ${code}`, {
    status: code,
    retryAfter: wait,
  });
}

function nameOf(object: Mapping): string {
  return textIn(mappingIn(object, 'metadata'), 'name');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ApiError('the answer is not JSON', { cause });
  }
}

/**
 * Whether a version is older than another one (Kubernetes 1.35 and newer say that versions of a resource compare as
 * numbers; those before did so, too). False when one of them is not a number.
 */
export function isOlder(version: string, than: string): boolean {
  if (!/^\d+$/.test(version) || !/^\d+$/.test(than)) {
    return false;
  }
  return version.length === than.length ? version < than : version.length < than.length;
}
