import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';
import { endpointText } from '../net/network.ts';

/** Who answers at a port. */
export interface Identity {
  /** `shop/cart-0` for a Pod, else a node or an address. */
  readonly name: string;
  /** Empty where there is none. */
  readonly node: string;
  readonly zone: string;
}

/** A port that is answered. */
export interface AnsweredPort {
  readonly protocol: 'tcp' | 'udp';
  readonly port: number;
  readonly identity: Identity;
}

/** All ports that are answered in one network namespace. */
export interface PortAnswers {
  /**
   * Opens what is new, closes what is gone.
   *
   * @param addresses at which they are.
   * @returns what could not be opened, in words.
   */
  sync(ports: readonly AnsweredPort[], addresses: readonly string[]): Promise<string[]>;
  /** Takes no new connections; resolves when there are none, or after so many milliseconds. */
  finish(longest: number): Promise<void>;
  /** Ends all connections at once, as when a process is killed. */
  reset(): void;
}

/** What was answered, by the line that tells of it. */
interface PortAnswer extends Identity {
  /** Address and port of the client, as the one who answers saw it. */
  readonly client: string;
  readonly server: string;
  readonly protocol: 'TCP' | 'UDP';
}

/** `shop/cart-0 on node-2 in zone-b answers 10.244.1.5:40122 at 10.244.2.3:8080 over TCP` */
export function answerLine({ name, node, zone, client, server, protocol }: PortAnswer): string {
  const place = `${node === '' ? '' : ` on ${node}`}${zone === '' ? '' : ` in ${zone}`}`;
  return `${name}${place} answers ${client} at ${server} over ${protocol}`;
}

/** Reads what {@link answerLine} writes; undefined for anything else. */
export function readAnswerLine(text: string): PortAnswer | undefined {
  const [, name = '', node = '', zone = '', client = '', server = '', protocol] =
    /^(\S+)(?: on (\S+))?(?: in (\S+))? answers (\S+) at (\S+) over (TCP|UDP)\s*$/.exec(text) ?? [];
  return protocol === undefined ? undefined : { name, node, zone, client, server, protocol: protocol as 'TCP' | 'UDP' };
}

interface OpenPort {
  readonly open: AnsweredPort;
  readonly close: () => void;
}

/** No port is open at first. */
export function createPortAnswers(): PortAnswers {
  const ports = new Map<string, OpenPort>();
  const sockets = new Set<Socket>();
  const keyOf = ({ protocol, port, identity }: AnsweredPort, addresses: readonly string[]): string =>
    JSON.stringify([protocol, port, identity, addresses]);
  const closeAll = (): void => {
    for (const { close } of ports.values()) {
      close();
    }
    ports.clear();
  };
  return {
    sync: async (wanted, addresses) => {
      const keys = new Map(wanted.map((port) => [keyOf(port, addresses), port]));
      for (const [key, { close }] of ports) {
        if (!keys.has(key)) {
          close();
          ports.delete(key);
        }
      }
      const opened = [...keys]
        .filter(([key]) => !ports.has(key))
        .map(async ([key, port]) => {
          try {
            const close =
              port.protocol === 'tcp' ? await openTcp(port, addresses, sockets) : await openUdp(port, addresses);
            ports.set(key, { open: port, close });
            return [];
          } catch (error) {
            return [
              `${port.identity.name} cannot listen at ${port.protocol} port ${port.port}: ${(error as Error).message}`,
            ];
          }
        });
      return (await Promise.all(opened)).flat();
    },
    finish: async (longest) => {
      closeAll();
      await Promise.race([noneLeft(sockets), pause(longest)]);
    },
    reset: () => {
      closeAll();
      for (const socket of sockets) {
        socket.resetAndDestroy();
      }
    },
  };
}

async function noneLeft(sockets: ReadonlySet<Socket>): Promise<void> {
  await Promise.all([...sockets].map((socket) => once(socket, 'close')));
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds).unref());
}

/** A server for each address. */
async function openTcp(
  { port, identity }: AnsweredPort,
  addresses: readonly string[],
  sockets: Set<Socket>,
): Promise<() => void> {
  const http = answerHttp(identity);
  const servers: Server[] = [];
  const close = (): void => {
    for (const server of servers) {
      server.close();
    }
    http.closeIdleConnections();
  };
  try {
    for (const host of addresses) {
      const server = createServer({ allowHalfOpen: true }, (socket) => {
        sockets.add(socket);
        socket.once('close', () => sockets.delete(socket)).on('error', () => socket.destroy());
        answerStream(socket, identity, http);
      });
      servers.push(server);
      server.listen({ host, port });
      await once(server, 'listening');
    }
  } catch (error) {
    close();
    throw error;
  }
  return close;
}

/** Requests of HTTP get an HTTP answer; any other text, and the end of what the client says, gets a line. */
function answerStream(socket: Socket, identity: Identity, http: HttpServer): void {
  const say = (): void => {
    socket.write(`${answerLine(answerTo(socket, identity))}\n`);
  };
  const sayLast = (): void => {
    say();
    socket.end();
  };
  const first = (piece: Buffer): void => {
    socket.off('end', sayLast);
    if (/^[A-Z]{3,10} \S/.test(piece.toString('latin1', 0, 100))) {
      socket.pause();
      socket.unshift(piece);
      http.emit('connection', socket);
      process.nextTick(() => socket.resume());
      return;
    }
    say();
    socket.on('data', say).once('end', () => socket.end());
  };
  socket.once('data', first).once('end', sayLast);
}

function answerHttp(identity: Identity): HttpServer {
  return createHttpServer((request, response) => {
    const answer = answerTo(request.socket, identity);
    request.resume();
    const asJson = (request.headers.accept ?? '').includes('application/json');
    const body = asJson ? `${JSON.stringify(answer)}\n` : `${answerLine(answer)}\n`;
    response.writeHead(200, {
      'Content-Type': asJson ? 'application/json' : 'text/plain; charset=utf-8',
      'Content-Length': Buffer.byteLength(body),
    });
    response.end(request.method === 'HEAD' ? undefined : body);
  });
}

function answerTo(socket: Socket, identity: Identity): PortAnswer {
  return {
    ...identity,
    client: placeText(socket.remoteAddress, socket.remotePort),
    server: placeText(socket.localAddress, socket.localPort),
    protocol: 'TCP',
  };
}

function placeText(address = '', port = 0): string {
  return endpointText({ address, port });
}

/** A socket for each address: an answer has to come from the address that was asked. */
async function openUdp({ port, identity }: AnsweredPort, addresses: readonly string[]): Promise<() => void> {
  const sockets: UdpSocket[] = [];
  try {
    for (const address of addresses) {
      const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
      sockets.push(socket);
      socket.on('message', (_, peer) => answerDatagram(socket, { address, port, peer }, identity));
      socket.bind(port, address);
      await once(socket, 'listening');
      socket.on('error', () => undefined);
    }
  } catch (error) {
    closeSockets(sockets);
    throw error;
  }
  return () => closeSockets(sockets);
}

function closeSockets(sockets: readonly UdpSocket[]): void {
  for (const socket of sockets) {
    socket.close();
  }
}

function answerDatagram(
  socket: UdpSocket,
  { address, port, peer }: { readonly address: string; readonly port: number; readonly peer: RemoteInfo },
  identity: Identity,
): void {
  const answer: PortAnswer = {
    ...identity,
    client: placeText(peer.address, peer.port),
    server: placeText(address, port),
    protocol: 'UDP',
  };
  socket.send(`${answerLine(answer)}\n`, peer.port, peer.address);
}
