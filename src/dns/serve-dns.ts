import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, isIPv6, type Server, type Socket } from 'node:net';
import dnsPacket, { type Answer, type Packet, type Question } from 'dns-packet';
import type { AnswerQuery } from './answer-query.ts';
import type { DnsRecord } from './dns-records.ts';
import { authorityOf, type ZoneOptions } from './print-zones.ts';

/** Where a server listens, and what it says. */
export interface ServeDnsOptions extends ZoneOptions {
  readonly address: string;
  /** 0 for any. */
  readonly port: number;
  readonly answer: AnswerQuery;
}

/** A DNS server that listens, over UDP and TCP. */
export interface DnsServer {
  readonly port: number;
  close(): void;
}

/** In bytes: without EDNS (RFC 1035), and with it, so that no packet is fragmented (dnsflagday.net/2020). */
const udpSizes = { least: 512, most: 1_232 };

/** In milliseconds: a TCP connection that asks nothing for so long is closed. */
const idleTimeout = 10_000;

/** How many TCP connections there are at most; more are closed at once. */
const mostConnections = 200;

/** Opens a server. @throws Error when an address or port cannot be had. */
export async function serveDns(options: ServeDnsOptions): Promise<DnsServer> {
  const tcp = createServer((socket) => answerStream(socket, options));
  tcp.maxConnections = mostConnections;
  tcp.listen({ host: options.address, port: options.port });
  await once(tcp, 'listening');
  const { port } = tcp.address() as { readonly port: number };
  const udp = createSocket(isIPv6(options.address) ? 'udp6' : 'udp4');
  udp.on('message', (message, peer) => answerDatagram(udp, { message, peer }, options));
  try {
    udp.bind(port, options.address);
    await once(udp, 'listening');
  } catch (error) {
    close(tcp, udp);
    throw error;
  }
  // A peer that is gone is no reason to end.
  udp.on('error', () => undefined);
  return { port, close: () => close(tcp, udp) };
}

function close(tcp: Server, udp: UdpSocket): void {
  tcp.close();
  udp.close();
}

function answerDatagram(
  udp: UdpSocket,
  { message, peer }: { readonly message: Buffer; readonly peer: RemoteInfo },
  options: ServeDnsOptions,
): void {
  const reply = replyTo(message, options, 'udp');
  if (reply) {
    udp.send(reply, peer.port, peer.address);
  }
}

/** Messages of a stream have their length before them, in two bytes. */
function answerStream(socket: Socket, options: ServeDnsOptions): void {
  let pending = Buffer.alloc(0);
  socket.setTimeout(idleTimeout, () => socket.destroy());
  socket.on('error', () => undefined);
  socket.on('data', (piece) => {
    pending = Buffer.concat([pending, piece as Buffer]);
    for (let length = lengthOf(pending); length !== undefined; length = lengthOf(pending)) {
      const reply = replyTo(pending.subarray(2, 2 + length), options, 'tcp');
      pending = pending.subarray(2 + length);
      if (!reply) {
        socket.destroy();
        return;
      }
      const size = Buffer.alloc(2);
      size.writeUInt16BE(reply.length);
      socket.write(Buffer.concat([size, reply]));
    }
  });
}

/** The length of a message that is there as a whole. */
function lengthOf(pending: Buffer): number | undefined {
  const length = pending.length < 2 ? Number.POSITIVE_INFINITY : pending.readUInt16BE(0);
  return pending.length >= 2 + length ? length : undefined;
}

/** Undefined for what is not a query, which gets no answer. */
function replyTo(message: Buffer, options: ServeDnsOptions, transport: 'udp' | 'tcp'): Buffer | undefined {
  const query = decode(message);
  const [question] = query?.questions ?? [];
  if (query?.type !== 'query' || !question || query.questions?.length !== 1) {
    return undefined;
  }
  const edns = query.additionals?.find((one) => one.type === 'OPT');
  const reply = replyPacket(query, question, options);
  const whole = dnsPacket.encode({ ...reply, ...(edns && { additionals: [...(reply.additionals ?? []), ownEdns] }) });
  const allowed = edns ? Math.min(Math.max(edns.udpPayloadSize, udpSizes.least), udpSizes.most) : udpSizes.least;
  if (transport === 'tcp' ? whole.length <= 0xffff : whole.length <= allowed) {
    return whole;
  }
  // The client asks again over TCP.
  const flags = (reply.flags ?? 0) | dnsPacket.TRUNCATED_RESPONSE;
  return dnsPacket.encode({ ...reply, flags, answers: [], additionals: edns ? [ownEdns] : [] });
}

const ownEdns: Answer = {
  type: 'OPT',
  name: '.',
  udpPayloadSize: udpSizes.most,
  extendedRcode: 0,
  ednsVersion: 0,
  flags: 0,
  flag_do: false,
  options: [],
};

function decode(message: Buffer): ReturnType<typeof dnsPacket.decode> | undefined {
  try {
    return dnsPacket.decode(message);
  } catch {
    return undefined;
  }
}

/** As in the header of a message (RFC 1035, section 4.1.1). */
const responseCodes = { NOERROR: 0, NXDOMAIN: 3, REFUSED: 5 } as const;

function replyPacket(query: Packet, question: Question, options: ServeDnsOptions): Packet {
  const { domain, ttl, serial } = options;
  const name = question.name === '.' ? '.' : `${question.name}.`;
  const { code, answers, additionals, zone } = options.answer(name, question.type);
  const { server, contact, refresh, retry, expire } = authorityOf(domain);
  const authority: Answer[] =
    zone === undefined
      ? []
      : [
          {
            ...{ type: 'SOA', name: zone, ttl },
            data: {
              mname: withoutDot(server),
              rname: withoutDot(contact),
              serial,
              refresh,
              retry,
              expire,
              minimum: ttl,
            },
          },
          { type: 'NS', name: zone, ttl, data: withoutDot(server) },
        ];
  const isApex = zone !== undefined && name.toLowerCase() === `${zone}.`;
  const ownAnswers = isApex ? authority.filter(({ type }) => type === question.type) : [];
  const found = [...ownAnswers, ...answers.map((record) => answerOf(record, ttl))];
  return {
    type: 'response',
    ...(query.id !== undefined && { id: query.id }),
    flags:
      ((query.flags ?? 0) & dnsPacket.RECURSION_DESIRED) |
      (zone === undefined ? 0 : dnsPacket.AUTHORITATIVE_ANSWER) |
      responseCodes[code],
    questions: [question],
    answers: found,
    authorities: found.length > 0 ? [] : authority.slice(0, 1),
    additionals: additionals.map((record) => answerOf(record, ttl)),
  };
}

function answerOf(record: DnsRecord, ttl: number): Answer {
  const name = withoutDot(record.name);
  switch (record.type) {
    case 'A':
    case 'AAAA':
      return { name, ttl, type: record.type, data: record.address };
    case 'SRV': {
      const { priority, weight, port, target } = record;
      return { name, ttl, type: 'SRV', data: { priority, weight, port, target: withoutDot(target) } };
    }
    case 'CNAME':
    case 'PTR':
      return { name, ttl, type: record.type, data: withoutDot(record.target) };
    case 'TXT':
      return { name, ttl, type: 'TXT', data: record.text };
  }
}

function withoutDot(name: string): string {
  return name.slice(0, -1);
}
