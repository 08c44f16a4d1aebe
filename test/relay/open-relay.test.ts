import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, test } from 'vitest';
import type { EndpointAddress } from '../../src/net/network.ts';
import { type OpenRelay, openRelay } from '../../src/relay/open-relay.ts';

const ends: (() => unknown)[] = [];

afterEach(() => {
  for (const end of ends.splice(0)) {
    end();
  }
});

/** A server at a port that was free. */
async function listen(onConnection: (socket: Socket) => void): Promise<{ server: Server; port: number }> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    ends.push(() => socket.destroy());
    onConnection(socket);
  });
  server.listen({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  ends.push(() => server.close());
  return { server, port: (server.address() as AddressInfo).port };
}

/** A port whose queue of connections is full, because the thread that listens there never accepts one. */
async function fullPort(): Promise<number> {
  const worker = new Worker(
    `const { createServer } = require('node:net');
    const { parentPort } = require('node:worker_threads');
    const server = createServer();
    server.listen({ host: '127.0.0.1', port: 0, backlog: 1 }, () => {
      parentPort.postMessage(server.address().port);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    });`,
    { eval: true },
  );
  ends.push(() => worker.terminate());
  const [port] = await once(worker, 'message');
  for (let waiting = 0; waiting < 2; waiting += 1) {
    const socket = dial(port).on('error', () => undefined);
    await once(socket, 'connect');
  }
  return port;
}

async function freePort(): Promise<number> {
  const { server, port } = await listen(() => undefined);
  server.close();
  await once(server, 'close');
  return port;
}

/** All that comes until the other side ends. */
async function text(socket: Socket): Promise<string> {
  let received = '';
  socket.on('data', (part) => {
    received += part;
  });
  await once(socket, 'end');
  return received;
}

interface Relayed {
  readonly relay: OpenRelay;
  readonly port: number;
  readonly room: { left: number };
}

async function relayTo(endpoint: EndpointAddress | undefined, most = 10): Promise<Relayed> {
  const port = await freePort();
  const room = { left: most };
  const relay = await openRelay({ address: '127.0.0.1', port, pick: () => endpoint, room });
  ends.push(relay.close);
  return { relay, port, room };
}

function dial(port: number): Socket {
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
  ends.push(() => socket.destroy());
  return socket;
}

/** The code of the error that ends a connection; undefined for a regular end. */
async function endOf(socket: Socket): Promise<string | undefined> {
  const failure = once(socket, 'error').then(([error]) => (error as NodeJS.ErrnoException).code);
  const end = once(socket.resume(), 'end').then(() => undefined);
  return Promise.race([failure, end.catch(() => failure)]);
}

describe('a relay', () => {
  test('passes the end of one side on, and the answer that follows it', async () => {
    const { port: target } = await listen((socket) => {
      void text(socket).then((question) => socket.end(`${question}, answered`));
    });
    const { port, room } = await relayTo({ address: '127.0.0.1', port: target });
    const socket = dial(port);
    socket.end('question');
    expect(await text(socket)).toBe('question, answered');
    await expect.poll(() => room.left).toBe(10);
  });

  test('passes on what an endpoint says before it ends, while the client still talks', async () => {
    let heard: Promise<string> | undefined;
    const { port: target } = await listen((socket) => {
      socket.end('hello');
      heard = text(socket);
    });
    const { port } = await relayTo({ address: '127.0.0.1', port: target });
    const socket = dial(port);
    expect(await text(socket)).toBe('hello');
    socket.end('and goodbye');
    expect(await heard).toBe('and goodbye');
  });

  test('copies much, at the speed of the slower side', async () => {
    const { port: target } = await listen((socket) => void socket.pipe(socket));
    const { port } = await relayTo({ address: '127.0.0.1', port: target });
    const socket = dial(port);
    const sent = 'x'.repeat(20_000_000);
    socket.end(sent);
    expect((await text(socket)).length).toBe(sent.length);
  });

  test('resets the client where no endpoint listens, and goes on', async () => {
    const { port, room } = await relayTo({ address: '127.0.0.1', port: await freePort() });
    expect(await endOf(dial(port))).toBe('ECONNRESET');
    expect(await endOf(dial(port))).toBe('ECONNRESET');
    await expect.poll(() => room.left).toBe(10);
  });

  test('resets the client without an endpoint, and beyond the number of connections', async () => {
    expect(await endOf(dial((await relayTo(undefined)).port))).toBe('ECONNRESET');
    const { port: target } = await listen((socket) => {
      socket.write('hello');
      void text(socket).then(() => socket.end());
    });
    const { port, room } = await relayTo({ address: '127.0.0.1', port: target }, 1);
    const first = dial(port);
    await once(first, 'data');
    expect(await endOf(dial(port))).toBe('ECONNRESET');
    first.destroy();
    await expect.poll(() => room.left).toBe(1);
  });

  test.each(['client', 'endpoint'])('passes a reset of the %s on', async (side) => {
    let accept = (_: Socket): void => undefined;
    const accepted = new Promise<Socket>((resolve) => {
      accept = resolve;
    });
    const { port: target } = await listen((socket) => {
      socket.write('hello');
      accept(socket);
    });
    const { port, room } = await relayTo({ address: '127.0.0.1', port: target });
    const client = dial(port);
    await once(client, 'data');
    const endpoint = await accepted;
    const [one, other] = side === 'client' ? [client, endpoint] : [endpoint, client];
    const end = endOf(other);
    one.on('error', () => undefined).resetAndDestroy();
    expect(await end).toBe('ECONNRESET');
    await expect.poll(() => room.left).toBe(10);
  });

  test('ends its connections when it is closed, and frees its port at once', async () => {
    const { port: target } = await listen((socket) => void socket.write('hello'));
    const { port, relay, room } = await relayTo({ address: '127.0.0.1', port: target });
    const client = dial(port);
    await once(client, 'data');
    const end = endOf(client);
    relay.close();
    const again = await openRelay({ address: '127.0.0.1', port, pick: () => undefined, room });
    ends.push(again.close);
    expect(await end).toBe('ECONNRESET');
    await expect.poll(() => room.left).toBe(10);
  });

  test('does not wait for endpoints that do not answer, when it is closed', async () => {
    const { port, relay, room } = await relayTo({ address: '127.0.0.1', port: await fullPort() });
    const client = dial(port);
    const end = endOf(client);
    await expect.poll(() => room.left).toBe(9);
    relay.close();
    expect(await end).toBe('ECONNRESET');
    // Otherwise after the time that an endpoint has to accept.
    await expect.poll(() => room.left).toBe(10);
  });

  test('says why it cannot listen', async () => {
    const { port } = await listen(() => undefined);
    const opening = openRelay({ address: '127.0.0.1', port, pick: () => undefined, room: { left: 1 } });
    await expect(opening).rejects.toThrow(`127.0.0.1:${port}: another socket uses it`);
  });
});
