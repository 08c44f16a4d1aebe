import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { endpointText } from '../net/network.ts';

/** What is asked for. */
export interface HttpQuestion {
  readonly path: string;
  readonly query: URLSearchParams;
}

/** What is answered. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Whom a server listens to, and what it says. */
export interface ServerOptions {
  /** An address of this machine; undefined for all, of both families where there are two. */
  readonly address?: string | undefined;
  readonly port: number;
  /** With the address `::`: whether to leave the port of IPv4 to others. */
  readonly ipv6Only?: boolean;
  readonly respond: (question: HttpQuestion) => HttpAnswer | Promise<HttpAnswer>;
}

/** A server that listens. */
export interface OpenServer {
  /** Frees the port at once, and ends all connections. */
  close(): void;
}

/** Opens a server. @throws Error, also in the callback of the system, when the port cannot be had. */
export type ServerOpener = (options: ServerOptions) => Promise<OpenServer>;

/** In milliseconds. Requests are short, and whoever can reach the port can open connections. */
const limits = { headersTimeout: 10_000, requestTimeout: 20_000, connectionsCheckingInterval: 5_000 };

/** How many connections a server has at most; more are closed at once. Each takes a file descriptor, and there may be many servers. */
const mostConnections = 200;

/** An HTTP server whose method and body of requests do not count. @throws Error when the port cannot be had. */
export const openHttpServer: ServerOpener = async ({ address, port, ipv6Only = false, respond }) => {
  const server = createServer(limits, (request, response) => {
    // Not asynchronous unless the answer is: a health check must not wait for other work.
    const send = ({ status, headers, body }: HttpAnswer): void => {
      response.writeHead(status, { ...headers, 'Content-Length': Buffer.byteLength(body) }).end(body);
    };
    try {
      const answer = respond(questionOf(request.url));
      answer instanceof Promise ? answer.then(send, () => send(failure)) : send(answer);
    } catch {
      send(failure);
    }
  });
  server.maxConnections = mostConnections;
  const isListening = once(server, 'listening');
  server.listen({ port, ipv6Only, ...(address !== undefined && { host: address }) });
  try {
    await isListening;
  } catch (error) {
    throw new Error(describeBindError(error, endpointText({ address: address ?? '*', port })), { cause: error });
  }
  server.on('error', () => undefined);
  return { close: () => close(server) };
};

function close(server: Server): void {
  server.close();
  server.closeAllConnections();
}

function questionOf(url = '/'): HttpQuestion {
  const [path = '/', query = ''] = url.split('?', 2);
  return { path, query: new URLSearchParams(query) };
}

const failure: HttpAnswer = plainText('bug in svc2nft\n', 500);

/** An answer in words. */
export function plainText(body: string, status: number = 200): HttpAnswer {
  const headers = { 'Content-Type': 'text/plain; charset=utf-8', 'X-Content-Type-Options': 'nosniff' };
  return { status, headers, body };
}

/** An answer for programs. */
export function jsonText(body: string): HttpAnswer {
  const headers = { 'Content-Type': 'application/json', 'X-Content-Type-Options': 'nosniff' };
  return { status: 200, headers, body };
}

/** The answer to a path that there is not, as Go's servers give it. */
export const notFound: HttpAnswer = plainText('404 page not found\n', 404);

/** Why a port cannot be had, in words. */
export function describeBindError(error: unknown, place: string): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: 'another socket uses it',
    EADDRNOTAVAIL: 'this machine does not have the address',
    EACCES: 'no permission',
    EAFNOSUPPORT: 'this machine does not have this family of addresses',
  };
  return `${place}: ${reasons[code ?? ''] ?? message}`;
}
