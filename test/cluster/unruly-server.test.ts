import { afterEach, expect, test, vi } from 'vitest';
import { connectToCluster } from '../../src/cluster/cluster-connection.ts';
import { followCluster } from '../../src/cluster/follow-cluster.ts';
import { type ApiObject, ApiServer } from '../support/api-server.js';
import { callHere, misbehaviors } from '../support/misbehaviors.ts';

/** How often each misbehavior happens; more for a long look: RUNS=50. */
const runs = Number(process.env['RUNS'] ?? 3);

let cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.reverse()) {
    await cleanup();
  }
  cleanups = [];
});

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
      const end = await misbehaviors[name]?.(callHere(server), run);
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
