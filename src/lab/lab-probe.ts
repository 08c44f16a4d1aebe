/** The process that connects to others from where a client is. It ends with its stdin. */

import { createSocket } from 'node:dgram';
import { lookup, Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { get } from 'node:http';
import { connect } from 'node:net';
import { openChannel } from './open-channel.ts';

/** One connection, datagram or question of DNS, from the network namespace of this process. */
export type ProbeRequest =
  | {
      readonly kind: 'http' | 'tcp' | 'udp';
      /** A name, or an address without brackets. */
      readonly host: string;
      readonly port: number;
      /** With HTTP; `/` by default. */
      readonly path?: string;
      /** In milliseconds. */
      readonly timeout: number;
    }
  | { readonly kind: 'dns'; readonly host: string; readonly type: DnsType; readonly timeout: number };

/** What can be asked for. */
type DnsType = 'A' | 'AAAA' | 'CNAME' | 'SRV' | 'PTR' | 'TXT';

/** What came of it. */
export type ProbeResult =
  /** The text that was answered; of DNS, the data of each record, sorted. */
  | { readonly result: 'answered'; readonly texts: readonly string[] }
  /** A TCP reset or an ICMP error. */
  | { readonly result: 'refused' }
  /** No answer in time. */
  | { readonly result: 'dropped' }
  /** DNS does not have the name, or no such record. */
  | { readonly result: 'unknown name' }
  | { readonly result: 'failed'; readonly reason: string };

/** How many are tried at a time, so that none waits for the others. */
const triesAtOnce = 20;

async function probeAll(requests: readonly ProbeRequest[]): Promise<ProbeResult[]> {
  const found: ProbeResult[] = [];
  for (let start = 0; start < requests.length; start += triesAtOnce) {
    found.push(...(await Promise.all(requests.slice(start, start + triesAtOnce).map(probe))));
  }
  return found;
}

/** Never rejects. */
async function probe(request: ProbeRequest): Promise<ProbeResult> {
  try {
    if (request.kind === 'dns') {
      return { result: 'answered', texts: (await resolveRecords(request)).sort() };
    }
    const { address } = await lookup(request.host);
    return { result: 'answered', texts: [await exchange({ ...request, address })] };
  } catch (error) {
    return resultOf(error as NodeJS.ErrnoException);
  }
}

const timedOut = 'ETIMEDOUT';

function resultOf({ code = '', message }: NodeJS.ErrnoException): ProbeResult {
  switch (code) {
    case 'ECONNREFUSED':
    case 'ECONNRESET':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EACCES':
    case 'EPERM':
      return { result: 'refused' };
    case timedOut:
    case 'ETIMEOUT':
      return { result: 'dropped' };
    case 'ENOTFOUND':
    case 'ENODATA':
      return { result: 'unknown name' };
    default:
      return { result: 'failed', reason: message };
  }
}

interface Exchange {
  readonly kind: 'http' | 'tcp' | 'udp';
  readonly host: string;
  readonly address: string;
  readonly port: number;
  readonly path?: string;
  readonly timeout: number;
}

function exchange(request: Exchange): Promise<string> {
  switch (request.kind) {
    case 'http':
      return askHttp(request);
    case 'tcp':
      return askTcp(request);
    case 'udp':
      return askUdp(request);
  }
}

async function askHttp({ host, address, port, path = '/', timeout }: Exchange): Promise<string> {
  const name = host.includes(':') ? `[${host}]` : host;
  const signal = AbortSignal.timeout(timeout);
  const request = get({ host: address, port, path, agent: false, signal, headers: { Host: `${name}:${port}` } });
  try {
    const [response] = (await once(request, 'response')) as [import('node:http').IncomingMessage];
    return await textOf(response);
  } catch (error) {
    throw signal.aborted ? timeoutError() : error;
  }
}

async function askTcp({ address, port, timeout }: Exchange): Promise<string> {
  const socket = connect({ host: address, port, timeout });
  socket.on('timeout', () => socket.destroy(timeoutError()));
  try {
    await once(socket, 'connect');
    socket.end('who answers?\n');
    return await textOf(socket);
  } finally {
    socket.destroy();
  }
}

async function askUdp({ address, port, timeout }: Exchange): Promise<string> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  const signal = AbortSignal.timeout(timeout);
  try {
    socket.connect(port, address);
    await once(socket, 'connect');
    // ICMP errors come as errors of a connected socket.
    const answer = once(socket, 'message', { signal });
    socket.send('who answers?\n');
    const [message] = (await answer) as [Buffer];
    return message.toString();
  } catch (error) {
    throw signal.aborted ? timeoutError() : error;
  } finally {
    socket.close();
  }
}

async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of stream) {
    pieces.push(Buffer.from(piece));
  }
  return Buffer.concat(pieces).toString();
}

function timeoutError(): Error {
  return Object.assign(new Error('no answer in time'), { code: timedOut });
}

async function resolveRecords({ host, type, timeout }: ProbeRequest & { readonly kind: 'dns' }): Promise<string[]> {
  const resolver = new Resolver({ timeout, tries: 1 });
  switch (type) {
    case 'A':
      return resolver.resolve4(host);
    case 'AAAA':
      return resolver.resolve6(host);
    case 'CNAME':
      return resolver.resolveCname(host);
    case 'PTR':
      return resolver.resolvePtr(host);
    case 'TXT':
      return (await resolver.resolveTxt(host)).map((parts) => parts.join(''));
    case 'SRV':
      return (await resolver.resolveSrv(host)).map(
        ({ priority, weight, port, name }) => `${priority} ${weight} ${port} ${name}`,
      );
  }
}

const channel = openChannel({ input: process.stdin, output: process.stdout }, { probe: probeAll });
await channel.ended;
process.exit(0);
