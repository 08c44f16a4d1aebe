import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { type OpenServer, openHttpServer, type ServerOptions } from '../../src/health/http-server.ts';

let servers: OpenServer[] = [];

afterEach(() => {
  for (const server of servers) {
    server.close();
  }
  servers = [];
});

/** A port of 127.0.0.1 that nobody has. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}

async function open(options: Partial<ServerOptions> = {}): Promise<number> {
  const port = options.port ?? (await freePort());
  const respond = () => ({ status: 503, headers: { 'X-Kind': 'test' }, body: 'two €\n' });
  servers.push(await openHttpServer({ address: '127.0.0.1', respond, ...options, port }));
  return port;
}

/** All bytes of the answer to a request. */
async function send(port: number, request: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  const parts: Buffer[] = [];
  socket.on('data', (part) => parts.push(part));
  socket.write(request);
  await once(socket, 'close');
  return Buffer.concat(parts).toString();
}

const closing = 'Host: x\r\nConnection: close\r\n\r\n';

describe('a server', () => {
  test('answers with status, headers, the length in bytes, and the body', async () => {
    const answer = await send(await open(), `GET /a?b=1 HTTP/1.1\r\n${closing}`);
    expect(answer.replace(/Date: .*\r\n/, '')).toBe(
      'HTTP/1.1 503 Service Unavailable\r\nX-Kind: test\r\nContent-Length: 8\r\nConnection: close\r\n\r\ntwo €\n',
    );
  });

  test.each(['POST', 'DELETE', 'OPTIONS', 'PROPFIND'])('answers %s as it answers GET', async (method) => {
    const answer = await send(
      await open(),
      `${method} / HTTP/1.1\r\nContent-Length: 3\r\n${closing.replace('\r\n\r\n', '\r\n\r\nabc')}`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 503 .*\r\n\r\ntwo €\n$/s);
  });

  test('closes connections that are too many, and answers again when others have ended', async () => {
    const port = await open();
    const sockets = Array.from({ length: 250 }, () => connect(port, '127.0.0.1').on('error', () => undefined));
    let closed = 0;
    for (const socket of sockets) {
      socket.once('close', () => {
        closed += 1;
      });
    }
    await expect.poll(() => closed).toBe(50);
    for (const socket of sockets) {
      socket.destroy();
    }
    await expect.poll(async () => (await send(port, `GET / HTTP/1.1\r\n${closing}`)).slice(0, 12)).toBe('HTTP/1.1 503');
  });

  test('answers HEAD without a body', async () => {
    const answer = await send(await open(), `HEAD / HTTP/1.1\r\n${closing}`);
    expect(answer).toMatch(/^HTTP\/1\.1 503 .*Content-Length: 8\r\n.*\r\n\r\n$/s);
  });

  test('hands on path and query', async () => {
    const port = await open({
      respond: async ({ path, query }) => ({ status: 200, headers: {}, body: `${path} ${query.get('from')}` }),
    });
    expect(await send(port, `GET /debug/explain?from=10.0.0.1%2F32&to=x HTTP/1.0\r\n\r\n`)).toMatch(
      /\/debug\/explain 10\.0\.0\.1\/32$/,
    );
  });

  test.each([
    [
      'throws',
      () => {
        throw new Error('no');
      },
    ],
    ['is rejected', () => Promise.reject(new Error('no'))],
  ])('answers 500 when the answer %s', async (_, respond) => {
    expect(await send(await open({ respond }), `GET / HTTP/1.1\r\n${closing}`)).toMatch(/^HTTP\/1\.1 500 /);
  });

  test('that closes ends its connections, and frees the port at once', async () => {
    const port = await open();
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    const closed = once(socket, 'close');
    servers.pop()?.close();
    expect(await open({ port })).toBe(port);
    await closed;
  });
});

describe('a port that cannot be had', () => {
  test('is named, with the reason', async () => {
    const port = await open();
    await expect(open({ port })).rejects.toThrow(`127.0.0.1:${port}: another socket uses it`);
    await expect(open({ address: '203.0.113.77', port })).rejects.toThrow(
      `203.0.113.77:${port}: this machine does not have the address`,
    );
  });
});
