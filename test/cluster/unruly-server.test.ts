import { afterEach, expect, test, vi } from 'vitest';
import { connectToCluster } from '../../src/cluster/cluster-connection.ts';
import { followCluster } from '../../src/cluster/follow-cluster.ts';
import { type ApiObject, ApiServer } from '../support/api-server.js';

/** How often each misbehavior happens; more for a long look: RUNS=50. */
const runs = Number(process.env['RUNS'] ?? 3);

let cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.reverse()) {
    await cleanup();
  }
  cleanups = [];
});

/** What a server does wrong, and what ends that. */
const misbehaviors: Readonly<Record<string, (server: ApiServer, run: number) => Promise<(() => unknown) | undefined>>> =
  {
    'cuts connections in the middle of an object': async (server) => {
      server.cut();
      return undefined;
    },
    'forgets its history': async (server) => {
      server.cut();
      server.forgetHistory();
      return undefined;
    },
    'answers with 429': async (server) => refuse(server, 429),
    'answers with 500': async (server) => refuse(server, 500),
    'answers with 410': async (server) => refuse(server, 410),
    'answers with 404': async (server) => refuse(server, 404),
    'says nothing': async (server) => {
      server.silence(true);
      return () => server.silence(false);
    },
    'sends the last event again': async (server) => {
      server.repeat('last');
      return undefined;
    },
    'sends an earlier event again': async (server) => {
      server.repeat('earlier');
      return undefined;
    },
    'sends what is not JSON': async (server) => {
      server.sendLine('<html>');
      return undefined;
    },
    'is slow': async (server) => {
      server.slowDown(5);
      return () => server.slowDown(0);
    },
    'no longer accepts the token': async (server) => {
      server.requireToken('another');
      server.cut();
      return () => server.requireToken(undefined);
    },
    // A version that means two things, as after restoring a backup without care, misleads every client.
    'comes back with later versions': async (server, run) => {
      await server.restart({ firstVersion: 2_000_000 + 1_000 * run, down: 20 });
      return undefined;
    },
    'comes back with earlier versions': async (server, run) => {
      await server.restart({ firstVersion: 900_000 - 1_000 * run, down: 20 });
      return undefined;
    },
  };

function refuse(server: ApiServer, status: number): () => unknown {
  server.refuse({ status });
  server.cut();
  return () => server.refuse(undefined);
}

test.each(Object.keys(misbehaviors))(
  'following stays in step with a server that %s',
  async (name) => {
    const server = new ApiServer({
      firstVersion: 1_000_000,
      objects: [{ kind: 'Node', metadata: { name: 'worker-1' } }],
    });
    await server.listen();
    const connection = await connectToCluster({
      server: server.url,
      readCredentials: () => Promise.resolve({ headers: { authorization: 'Bearer one' }, tls: {} }),
    });
    const objects: Record<string, unknown> = {};
    const follower = followCluster({
      connection,
      nodeName: 'worker-1',
      idleTimeout: 500,
      onChanges: ({ apply = [], remove = [] }) => {
        for (const { kind, namespace = '', name: removed } of remove) {
          delete objects[`${kind}/${namespace}/${removed}`];
        }
        for (const object of apply as readonly ApiObject[]) {
          objects[nameOf(object)] = object;
        }
      },
    });
    cleanups.push(
      () => server.close(),
      () => connection.close(),
      () => follower.close(),
    );
    for (let run = 0; run < runs; run += 1) {
      change(server, 3 * run);
      // Some at once, some when what was sent before has arrived.
      await new Promise((resolve) => setTimeout(resolve, 7 * (run % 4)));
      const end = await misbehaviors[name]?.(server, run);
      change(server, 3 * run + 1);
      await new Promise((resolve) => setTimeout(resolve, 11 * (run % 5)));
      await end?.();
      change(server, 3 * run + 2);
      await vi.waitFor(
        () => expect(objects).toEqual(Object.fromEntries(server.objects().map((object) => [nameOf(object), object]))),
        { timeout: 30_000, interval: 5 },
      );
    }
  },
  60_000 + 10_000 * runs,
);

/** Adds, changes and removes some of a few objects. */
function change(server: ApiServer, step: number): void {
  for (let index = 0; index < 8; index += 1) {
    const kind = index % 2 === 0 ? 'Service' : 'EndpointSlice';
    if ((step + index) % 3 === 0) {
      server.remove(kind, 'shop', `item-${index}`);
    } else {
      server.apply({ kind, metadata: { name: `item-${index}`, namespace: 'shop' }, step });
    }
  }
}

function nameOf({ kind, metadata }: ApiObject): string {
  return `${kind}/${metadata.namespace ?? ''}/${metadata.name}`;
}
