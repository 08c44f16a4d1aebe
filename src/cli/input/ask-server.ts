import { parseBindAddress, servers } from '../../config/bind-address.ts';
import { endpointText } from '../../net/network.ts';

/** What a server of this machine says; without a status, why it says nothing. */
export interface ServerAnswer {
  readonly status: number | null;
  readonly body: string;
}

/** In milliseconds. */
const longestAnswer = 5_000;

/** In bytes. Metrics of an agent are far smaller. */
const largestAnswer = 2 ** 26;

/**
 * Asks over HTTP, without following redirects.
 *
 * @param place such as `127.0.0.1:10249`; an empty one says nothing.
 */
export async function askServer(place: string, path: string): Promise<ServerAnswer> {
  if (place === '') {
    return { status: null, body: '' };
  }
  try {
    const answer = await fetch(`http://${place}${path}`, {
      signal: AbortSignal.timeout(longestAnswer),
      redirect: 'manual',
    });
    return { status: answer.status, body: await readBody(answer) };
  } catch (error) {
    return { status: null, body: describeSilence(error) };
  }
}

/** @throws Error if it is too large: anything may listen there. */
async function readBody({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body ?? []) {
    length += chunk.length;
    if (length > largestAnswer) {
      throw new Error(`an answer of more than ${largestAnswer / 2 ** 20} MiB`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function describeSilence(error: unknown): string {
  const { name, message, cause } = error as Error & { readonly cause?: NodeJS.ErrnoException };
  if (name === 'TimeoutError') {
    return `nothing within ${longestAnswer / 1_000} s`;
  }
  return cause?.code === 'ECONNREFUSED' ? 'nothing listens there' : (cause?.message ?? message);
}

/** Where to ask a server that is bound to an address, which may have no port: what listens on all addresses, at the own one. */
export function placeOfServer(boundTo: string, server: keyof typeof servers): string {
  const bound = parseBindAddress(boundTo, servers[server].port);
  return bound ? reachablePlace(endpointText({ address: bound.address ?? '0.0.0.0', port: bound.port })) : '';
}

/** The same for a place with a port, as an agent names it. */
export function reachablePlace(place: string): string {
  return place.replace(/^(0\.0\.0\.0|\[::\])(?=:)/, '127.0.0.1');
}
