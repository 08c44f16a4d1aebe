import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import dnsPacket from 'dns-packet';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createAnswerQuery } from '../../src/dns/answer-query.ts';
import { listDnsRecords } from '../../src/dns/dns-records.ts';
import { type DnsServer, serveDns } from '../../src/dns/serve-dns.ts';
import type { Mapping } from '../../src/lib/unknown-values.ts';

const service = (name: string, spec: Mapping): Mapping => ({ metadata: { namespace: 'shop', name }, spec });

/** So many endpoints that no answer over UDP holds them. */
const many = Array.from({ length: 100 }, (_, index) => ({ addresses: [`10.244.1.${index + 1}`] }));

const sources = {
  services: [
    service('web', {
      clusterIP: '10.96.0.1',
      clusterIPs: ['10.96.0.1', 'fd00::1'],
      ports: [{ name: 'http', port: 80 }],
    }),
    service('db', { clusterIP: 'None' }),
    service('alias', { type: 'ExternalName', externalName: 'web.shop.svc.cluster.local' }),
    service('loop', { type: 'ExternalName', externalName: 'loop.shop.svc.cluster.local' }),
    service('files', { type: 'ExternalName', externalName: 'files.example.com' }),
  ],
  endpointSlices: [
    { metadata: { namespace: 'shop', labels: { 'kubernetes.io/service-name': 'db' } }, endpoints: many, ports: [] },
  ],
};

const options = { domain: 'cluster.local', ttl: 5, serial: 3 };

let server: DnsServer;

beforeAll(async () => {
  const records = listDnsRecords(sources, options.domain);
  const search = ['shop.svc.cluster.local', 'svc.cluster.local', 'cluster.local'];
  const answer = createAnswerQuery(records, { ...options, search });
  server = await serveDns({ ...options, address: '127.0.0.1', port: 0, answer });
});

afterAll(() => server.close());

type Asked = Parameters<typeof dnsPacket.encode>[0];

function queryFor(name: string, type: string, extra: Partial<Asked> = {}): Asked {
  const questions = [{ name, type: type as 'A', class: 'IN' as const }];
  return { type: 'query', id: 7, flags: dnsPacket.RECURSION_DESIRED, questions, ...extra };
}

/** What the types of the library lack. */
type Reply = ReturnType<typeof dnsPacket.decode> & { readonly rcode: string };

async function ask(name: string, type: string, extra?: Partial<Asked>): Promise<Reply> {
  return dnsPacket.decode(await send(dnsPacket.encode(queryFor(name, type, extra)))) as Reply;
}

async function send(message: Buffer): Promise<Buffer> {
  const socket = createSocket('udp4');
  socket.send(message, server.port, '127.0.0.1');
  const [reply] = (await once(socket, 'message')) as [Buffer];
  socket.close();
  return reply;
}

const dataOf = (answers: readonly object[] | undefined): unknown[] =>
  (answers ?? []).map((answer) => ('data' in answer ? answer.data : answer));

describe('a query', () => {
  test.each<[string, string, unknown[]]>([
    ['web.shop.svc.cluster.local', 'A', ['10.96.0.1']],
    ['WEB.shop.svc.Cluster.local', 'AAAA', ['fd00::1']],
    ['1.0.96.10.in-addr.arpa', 'PTR', ['web.shop.svc.cluster.local']],
    ['files.shop.svc.cluster.local', 'A', ['files.example.com']],
    ['alias.shop.svc.cluster.local', 'A', ['web.shop.svc.cluster.local', '10.96.0.1']],
    ['alias.shop.svc.cluster.local', 'CNAME', ['web.shop.svc.cluster.local']],
    ['web', 'A', ['web.shop.svc.cluster.local', '10.96.0.1']],
    ['web.shop', 'A', ['web.shop.svc.cluster.local', '10.96.0.1']],
    ['web.shop.svc', 'A', ['web.shop.svc.cluster.local', '10.96.0.1']],
  ])('for %s %s is answered', async (name, type, data) => {
    const reply = await ask(name, type);
    expect([reply.rcode, reply.flag_aa, dataOf(reply.answers)]).toEqual(['NOERROR', true, data]);
    expect(reply.questions?.[0]?.name).toBe(name);
  });

  test('for a port comes with the addresses of its target', async () => {
    const { answers, additionals } = await ask('_http._tcp.web.shop.svc.cluster.local', 'SRV');
    expect(dataOf(answers)).toEqual([{ priority: 0, weight: 100, port: 80, target: 'web.shop.svc.cluster.local' }]);
    expect(dataOf(additionals)).toEqual(['10.96.0.1', 'fd00::1']);
  });

  test.each([
    ['web.shop.svc.cluster.local', 'TXT', 'NOERROR'],
    ['svc.cluster.local', 'A', 'NOERROR'],
    ['cluster.local', 'A', 'NOERROR'],
    ['nobody.shop.svc.cluster.local', 'A', 'NXDOMAIN'],
    ['9.9.96.10.in-addr.arpa', 'PTR', 'NXDOMAIN'],
  ])('for %s %s without records says so with %s, and who knows', async (name, type, code) => {
    const { rcode, answers, authorities } = await ask(name, type);
    expect([rcode, answers]).toEqual([code, []]);
    expect(authorities).toMatchObject([{ type: 'SOA', data: { serial: 3, minimum: 5 } }]);
  });

  test('for what no zone has is refused', async () => {
    const { rcode, flag_aa, authorities } = await ask('example.com', 'A');
    expect([rcode, flag_aa, authorities]).toEqual(['REFUSED', false, []]);
    expect((await ask('.', 'NS')).rcode).toBe('REFUSED');
  });

  test('for the zone itself tells its authority', async () => {
    expect(dataOf((await ask('cluster.local', 'SOA')).answers)).toMatchObject([{ mname: 'ns.dns.cluster.local' }]);
    expect(dataOf((await ask('cluster.local', 'NS')).answers)).toEqual(['ns.dns.cluster.local']);
  });

  test('for a name that leads to itself ends', async () => {
    expect((await ask('loop.shop.svc.cluster.local', 'A')).answers?.length).toBeLessThan(20);
  });
});

describe('an answer that is too long for UDP', () => {
  test('is cut, and whole over TCP', async () => {
    const short = await ask('db.shop.svc.cluster.local', 'A');
    expect([short.flag_tc, short.answers]).toEqual([true, []]);
    const socket = connect(server.port, '127.0.0.1');
    const query = dnsPacket.streamEncode(queryFor('db.shop.svc.cluster.local', 'A'));
    // In two pieces, and two queries at once.
    socket.write(query.subarray(0, 5));
    socket.write(Buffer.concat([query.subarray(5), query]));
    let received = Buffer.alloc(0);
    const lengths: (number | undefined)[] = [];
    for await (const piece of socket) {
      received = Buffer.concat([received, piece as Buffer]);
      while (received.length > 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const end = 2 + received.readUInt16BE(0);
        lengths.push(dnsPacket.streamDecode(received.subarray(0, end)).answers?.length);
        received = received.subarray(end);
      }
      if (lengths.length === 2) {
        break;
      }
    }
    expect(lengths).toEqual([100, 100]);
  });

  test('may be longer where the client says so, to a limit', async () => {
    const edns = (udpPayloadSize: number): Partial<Asked> => ({
      additionals: [
        {
          type: 'OPT',
          name: '.',
          udpPayloadSize,
          extendedRcode: 0,
          ednsVersion: 0,
          flags: 0,
          flag_do: false,
          options: [],
        },
      ],
    });
    const reply = await ask('db.shop.svc.cluster.local', 'A', edns(65_535));
    expect([reply.flag_tc, reply.additionals?.map(({ type }) => type)]).toEqual([true, ['OPT']]);
    expect((await ask('web.shop.svc.cluster.local', 'A', edns(0))).answers).toHaveLength(1);
  });
});

test('what is no query gets no answer, and does no harm', async () => {
  const socket = createSocket('udp4');
  const response = dnsPacket.encode({ ...queryFor('web.shop.svc.cluster.local', 'A'), type: 'response' });
  for (const message of [Buffer.alloc(0), Buffer.from('x'), Buffer.alloc(600, 0xff), response]) {
    socket.send(message, server.port, '127.0.0.1');
  }
  let received = 0;
  socket.on('message', () => {
    received += 1;
  });
  expect((await ask('web.shop.svc.cluster.local', 'A')).rcode).toBe('NOERROR');
  expect(received).toBe(0);
  socket.close();
});
