import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectionOptions } from 'node:tls';
import { cutText, escapeControls, hideCredentials } from '../lib/text.ts';

/** A connection to the API server of a cluster. */
export interface ClusterConnection {
  /** Its address, `https://10.0.0.1:6443`. */
  readonly server: string;
  /**
   * Sends a GET request, and resolves once the status is known. The body has to be read to its end, or the signal aborted.
   *
   * @param path with its query, `/api/v1/services?limit=500`.
   * @throws Error of the network or of TLS, or an AbortError.
   */
  get(path: string, signal: AbortSignal): Promise<ApiResponse>;
  /** Sends a POST request with an object as JSON; otherwise as `get`. */
  post(path: string, object: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<ApiResponse>;
  /** Ends all requests. */
  close(): Promise<void>;
}

/** The beginning of an answer. */
export interface ApiResponse {
  readonly status: number;
  /** How long the server asks to wait before another request (Retry-After), in milliseconds. */
  readonly retryAfter: number | undefined;
  readonly body: AsyncIterable<Uint8Array>;
}

/** What the server has to see. */
export interface Credentials {
  /** Headers of a request: `authorization`. */
  readonly headers: Readonly<Record<string, string>>;
  /** Certificates and the like, for `https:`. */
  readonly tls: Pick<ConnectionOptions, 'ca' | 'cert' | 'key' | 'rejectUnauthorized' | 'servername'>;
}

/** Where a cluster's API server is, and how to be let in. */
export interface ConnectOptions {
  /** `https://10.0.0.1:6443`, `http://127.0.0.1:8080`. A path before the API is kept. */
  readonly server: string;
  /** Read before every request, because tokens and certificates are rotated. */
  readonly readCredentials: () => Promise<Credentials>;
  /**
   * In milliseconds, how long reading them may take; 30,000 by default. A program that a kubeconfig names may wait for somebody
   * to log in.
   */
  readonly credentialsTimeout?: number;
}

/** In milliseconds. */
const connectTimeout = 5_000;

/**
 * Connects to an API server. Nothing is sent before the first request.
 *
 * @throws Error for what is not a URL, or has a user or a password.
 */
export async function connectToCluster({
  server,
  readCredentials,
  credentialsTimeout = 30_000,
}: ConnectOptions): Promise<ClusterConnection> {
  const { buildConnector, Pool } = await import('undici');
  const { origin, pathname, username, password } = new URL(server);
  if (username !== '' || password !== '') {
    throw new Error('the URL of the API server has a user or a password; name them in a kubeconfig');
  }
  const readInTime = limitReading(readCredentials, credentialsTimeout);
  let connector: { readonly tls: string; readonly connect: ReturnType<typeof buildConnector> } | undefined;

  // A connector keeps TLS sessions, so it is only replaced when a certificate was.
  const connectorFor = (tls: Credentials['tls']): ReturnType<typeof buildConnector> => {
    const description = JSON.stringify(tls);
    if (connector?.tls !== description) {
      connector = { tls: description, connect: buildConnector({ ...tls, timeout: connectTimeout, allowH2: false }) };
    }
    return connector.connect;
  };
  const pool = new Pool(origin, {
    connect: (options, callback) => {
      // A key or certificate that is not valid, such as half of a file, throws at once.
      readInTime()
        .then(({ tls }) => connectorFor(tls)(options, callback))
        .catch((error) => callback(error, null));
    },
    // Readers have their own limits: a watch may be silent for long.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  const request = async (path: string, signal: AbortSignal, content?: string): Promise<ApiResponse> => {
    const { headers } = await readInTime(signal);
    const type = content === undefined ? {} : { 'content-type': 'application/json' };
    const {
      statusCode,
      headers: answered,
      body,
    } = await pool.request({
      method: content === undefined ? 'GET' : 'POST',
      path: `${pathname.replace(/\/$/, '')}${path}`,
      headers: { accept: 'application/json', 'user-agent': 'svc2nft', ...type, ...headers },
      ...(content !== undefined && { body: content }),
      signal,
    });
    return { status: statusCode, retryAfter: readRetryAfter(answered['retry-after']), body };
  };
  return {
    server: origin,
    get: (path, signal) => request(path, signal),
    post: async (path, object, signal) => request(path, signal, JSON.stringify(object)),
    close: () => pool.destroy(),
  };
}

/**
 * Credentials for each request, unless they take too long, or the signal is aborted. While they are being read, others wait for
 * the same, so that a program that hangs is not started again and again.
 */
function limitReading(read: ConnectOptions['readCredentials'], longest: number): ReadInTime {
  let reading: Promise<Credentials> | undefined;
  return async (signal) => {
    reading ??= read().finally(() => {
      reading = undefined;
    });
    const done = new AbortController();
    const ends = signal ? AbortSignal.any([signal, done.signal]) : done.signal;
    const limit = sleep(longest, undefined, { signal: ends }).then((): never => {
      throw new Error(`the credentials could not be read within ${longest / 1_000} s`);
    });
    try {
      return await Promise.race([reading, limit]);
    } finally {
      done.abort();
    }
  };
}

type ReadInTime = (signal?: AbortSignal) => Promise<Credentials>;

const advice = 'name its issuer with --certificate-authority, or certificate-authority in the kubeconfig';
const wantsClientCertificate = 'it wants a client certificate, or does not accept this one';

/** What is wrong with a connection, by the codes of Node and OpenSSL; what is not here is clear enough in their own words. */
const connectionErrors: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: `its certificate is self-signed, and not trusted; ${advice}`,
  SELF_SIGNED_CERT_IN_CHAIN: `its certificate was issued by an authority that is not trusted; ${advice}`,
  UNABLE_TO_GET_ISSUER_CERT: `its certificate was issued by an authority that is not trusted; ${advice}`,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: `its certificate was issued by an authority that is not trusted; ${advice}`,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: `its certificate was issued by an authority that is not trusted; ${advice}`,
  CERT_HAS_EXPIRED: 'its certificate has expired; renew it, or check the clock',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet; check the clock',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: wantsClientCertificate,
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: wantsClientCertificate,
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: wantsClientCertificate,
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: wantsClientCertificate,
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS; is its URL one with http:?',
};

/**
 * What is wrong with a request or its answer: one line without credentials, and without details that change from one attempt to
 * the next.
 */
export function describeConnectionError(error: unknown): string {
  const { message, cause, code = '', cert, socket } = error as Partial<FailedConnection>;
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const names = escapeControls(cutText(cert?.subjectaltname ?? 'none', 200));
    return `its certificate is for other names: ${names}`;
  }
  if (code === 'UND_ERR_SOCKET' && socket?.bytesRead === 0) {
    return 'it ended the connection without an answer; over TLS it may want a client certificate';
  }
  // Of a DOMException it is a number.
  const known = /^ERR_OSSL_/.test(String(code))
    ? `the client certificate or its key is not valid: ${message}`
    : undefined;
  const reason = connectionErrors[code] ?? known ?? (message || code || 'unknown error');
  const whole = cause instanceof Error && cause.message !== '' ? `${reason}: ${cause.message}` : reason;
  return escapeControls(cutText(hideCredentials(whole).trim(), 300));
}

/** What errors of Node and undici may have. */
interface FailedConnection extends NodeJS.ErrnoException {
  readonly cause: unknown;
  readonly cert: { readonly subjectaltname?: string };
  readonly socket: { readonly bytesRead?: number };
}

/** The header has seconds, or a date, which API servers do not send. */
function readRetryAfter(value: string | string[] | undefined): number | undefined {
  const text = Array.isArray(value) ? value[0] : value;
  return text !== undefined && /^\d{1,5}$/.test(text) ? Number(text) * 1_000 : undefined;
}

/** Where every Pod has what identifies it to the API server. */
const accountFolder = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Differences from what a Pod has. */
export interface PodConnectOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** In place of KUBERNETES_SERVICE_HOST, which is a cluster IP: it is reached only once a service proxy has run. */
  readonly server?: string | undefined;
  readonly tokenFile?: string | undefined;
  readonly caFile?: string | undefined;
}

/**
 * Where the API server is and how to be let in, for a program in a Pod.
 *
 * @throws Error outside of a Pod, unless a server is given.
 */
export function podConnectOptions({ env = process.env, server, tokenFile, caFile }: PodConnectOptions): ConnectOptions {
  const address = server ?? serverOf(env);
  const token = tokenFile ?? `${accountFolder}/token`;
  const ca = caFile ?? `${accountFolder}/ca.crt`;
  return {
    server: address,
    readCredentials: async () => {
      // A server for tests has neither; `https:` outside of a Pod may have a certificate that the system trusts.
      const isOptional = server !== undefined;
      const [tokenText, caText] = await Promise.all([
        readIfThere(token, isOptional && tokenFile === undefined),
        address.startsWith('https:') ? readIfThere(ca, isOptional && caFile === undefined) : undefined,
      ]);
      return {
        headers: tokenText === undefined ? {} : { authorization: `Bearer ${tokenText.trim()}` },
        tls: caText === undefined ? {} : { ca: caText },
      };
    },
  };
}

function serverOf(env: Readonly<Record<string, string | undefined>>): string {
  const host = env['KUBERNETES_SERVICE_HOST'];
  const port = env['KUBERNETES_SERVICE_PORT'] ?? '443';
  if (!host) {
    throw new Error('KUBERNETES_SERVICE_HOST is not set, so this is not a Pod');
  }
  return `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

async function readIfThere(file: string, isOptional: boolean): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (isOptional && error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      return undefined;
    }
    throw error;
  }
}
