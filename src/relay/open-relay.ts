import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { describeBindError } from '../health/http-server.ts';
import { type EndpointAddress, endpointText } from '../net/network.ts';

/** Where a relay listens, and where its connections go. */
export interface RelayOptions {
  readonly address: string;
  readonly port: number;
  /** Called for each connection; undefined refuses it. */
  readonly pick: () => EndpointAddress | undefined;
  /** Shared by relays: how many more connections all of them may have. */
  readonly room: { left: number };
}

/** A relay that listens. */
export interface OpenRelay {
  /** Frees the port at once, and ends all connections. */
  close(): void;
}

/** Opens a relay. @throws Error, also in the callback of the system, when the port cannot be had. */
export type RelayOpener = (options: RelayOptions) => Promise<OpenRelay>;

/** In milliseconds, for an endpoint to accept a connection, as in kube-proxy. */
const connectTimeout = 5_000;

/** In milliseconds: a peer that is gone without a word is noticed some time after so long. */
const keepAliveDelay = 30_000;

/** Both sides: one may end while the other goes on, and small writes do not wait. */
const socketOptions = {
  allowHalfOpen: true,
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: keepAliveDelay,
} as const;

/**
 * Listens for TCP connections and copies bytes between each and an endpoint, both ways. The end of one direction is passed on while
 * the other one goes on; an error on one side resets the other. @throws Error when the port cannot be had.
 */
export const openRelay: RelayOpener = async ({ address, port, pick, room }) => {
  const sockets = new Set<Socket>();
  const hold = (socket: Socket): void => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  };
  // Nothing is read from a client before its endpoint has accepted.
  const server = createServer({ ...socketOptions, pauseOnConnect: true }, (client) => {
    const endpoint = room.left > 0 ? pick() : undefined;
    if (!endpoint) {
      client.on('error', ignore).resetAndDestroy();
      return;
    }
    room.left -= 1;
    const target = connect({ ...socketOptions, host: endpoint.address, port: endpoint.port });
    hold(client);
    hold(target);
    join(client, target, () => {
      room.left += 1;
    });
  });
  const isListening = once(server, 'listening');
  server.listen({ host: address, port, ipv6Only: true });
  try {
    await isListening;
  } catch (error) {
    throw new Error(describeBindError(error, endpointText({ address, port })), { cause: error });
  }
  // A connection that cannot be accepted, for lack of file descriptors, must not end the process.
  server.on('error', ignore);
  return {
    close: () => {
      server.close();
      // A regular end would look like that of a whole answer.
      for (const socket of sockets) {
        reset(socket);
      }
    },
  };
};

/** @param onEnd called when both sockets are closed. */
function join(client: Socket, target: Socket, onEnd: () => void): void {
  let open = 2;
  for (const [socket, other] of [
    [client, target],
    [target, client],
  ] as const) {
    socket.on('error', ignore);
    socket.once('close', (hadError) => {
      open -= 1;
      if (open === 0) {
        onEnd();
      }
      // Otherwise it may still have bytes to send, and ends by itself.
      if (hadError || !socket.readableEnded) {
        reset(other);
      }
    });
  }
  target.setTimeout(connectTimeout, () => target.destroy());
  target.once('connect', () => {
    target.setTimeout(0);
    client.pipe(target);
    target.pipe(client);
  });
}

/** Node would put off the reset of a socket that is connecting until it is connected, and the process could not end before. */
function reset(socket: Socket): void {
  socket.connecting ? socket.destroy() : socket.resetAndDestroy();
}

function ignore(): void {
  // `close` follows, and handles it.
}
