import { afterEach, describe, expect, test, vi } from 'vitest';
import { connectToCluster, podConnectOptions } from '../../src/cluster/cluster-connection.ts';
import { type ClusterFollower, type FollowClusterOptions, followCluster } from '../../src/cluster/follow-cluster.ts';
import type { ResourceState } from '../../src/cluster/follow-resource.ts';
import type { Changes } from '../../src/engine/engine.ts';
import { type ApiObject, ApiServer, type ServerOptions } from '../support/api-server.js';

const node: ApiObject = { kind: 'Node', metadata: { name: 'worker-1' }, status: {} };

function service(name: string, labels: Readonly<Record<string, string>> = {}, port = 80): ApiObject {
  return { kind: 'Service', metadata: { name, namespace: 'shop', labels }, spec: { ports: [{ port }] } };
}

function slice(name: string, labels: Readonly<Record<string, string>> = {}): ApiObject {
  return { kind: 'EndpointSlice', metadata: { name, namespace: 'shop', labels }, endpoints: [] };
}

const shop: readonly ApiObject[] = [
  node,
  { kind: 'Node', metadata: { name: 'worker-2' } },
  service('cart'),
  service('other', { 'service.kubernetes.io/service-proxy-name': '' }),
  slice('cart-1'),
  slice('headless-1', { 'service.kubernetes.io/headless': '' }),
  { kind: 'ServiceCIDR', metadata: { name: 'kubernetes' }, spec: { cidrs: ['10.96.0.0/16'] } },
];

/** What a follower has told so far. */
interface Replica {
  readonly server: ApiServer;
  readonly follower: ClusterFollower;
  readonly calls: Changes[];
  readonly states: [kind: string, state: ResourceState][];
  /** The kind of all that was received. */
  readonly heard: string[];
  /** `kind/namespace/name` of the objects that there are, with their versions. */
  objects(): Readonly<Record<string, unknown>>;
  isComplete(): boolean;
}

let cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.reverse()) {
    await cleanup();
  }
  cleanups = [];
});

async function startServer(options: ServerOptions): Promise<ApiServer> {
  const server = new ApiServer(options);
  await server.listen();
  cleanups.push(() => server.close());
  return server;
}

async function startFollower(
  options: ServerOptions | ApiServer = { objects: shop },
  settings: Partial<FollowClusterOptions> = {},
): Promise<Replica> {
  const server = options instanceof ApiServer ? options : await startServer(options);
  const connection = await connectToCluster(podConnectOptions({ env: {}, server: server.url }));
  const calls: Changes[] = [];
  const states: [string, ResourceState][] = [];
  const heard: string[] = [];
  const objects: Record<string, unknown> = {};
  const follower = followCluster({
    connection,
    nodeName: 'worker-1',
    onChanges: (changes) => {
      calls.push(changes);
      for (const { kind, namespace = '', name } of changes.remove ?? []) {
        delete objects[`${kind}/${namespace}/${name}`];
      }
      for (const object of (changes.apply ?? []) as readonly ApiObject[]) {
        objects[nameOf(object)] = object;
      }
    },
    onState: (kind, state) => states.push([kind, state]),
    onHeard: (kind) => heard.push(kind),
    ...settings,
  });
  cleanups.push(
    () => connection.close(),
    () => follower.close(),
  );
  const isComplete = () => calls.some(({ complete }) => complete);
  await vi.waitFor(() => expect(isComplete()).toBe(true), patience);
  return { server, follower, calls, states, heard, objects: () => objects, isComplete };
}

/** How long to wait for something that has to happen. */
const patience = { timeout: 20_000, interval: 5 };

function nameOf({ kind, metadata }: ApiObject): string {
  return `${kind}/${metadata.namespace ?? ''}/${metadata.name}`;
}

/** The objects of a server that rules depend on, with their versions. */
function relevant(server: ApiServer): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    server
      .objects()
      .filter(({ kind, metadata }) => kind !== 'Node' || metadata.name === 'worker-1')
      .filter(({ metadata }) => !Object.keys(metadata.labels ?? {}).some((label) => label.includes('/headless')))
      .filter(({ metadata }) => !Object.keys(metadata.labels ?? {}).some((label) => label.endsWith('proxy-name')))
      .map((object) => [nameOf(object), object]),
  );
}

async function expectInStep({ objects, server }: Replica): Promise<void> {
  await vi.waitFor(() => expect(objects()).toEqual(relevant(server)), patience);
}

describe('a cluster', () => {
  test.each(['yes', 'refused'] as const)('is listed, then watched; streaming lists: %s', async (streamingLists) => {
    const replica = await startFollower({ objects: shop, streamingLists }, { pageSize: 1 });
    expect(Object.keys(replica.objects()).sort()).toEqual([
      'EndpointSlice/shop/cart-1',
      'Node//worker-1',
      'Service/shop/cart',
      'ServiceCIDR//kubernetes',
    ]);
    await expectInStep(replica);
    expect(replica.calls.filter(({ complete }) => complete)).toEqual([{ complete: true }]);
    expect(replica.calls.at(-1)).toEqual({ complete: true });
    replica.server.apply(service('mail'), service('cart', {}, 81), slice('mail-1'));
    replica.server.remove('EndpointSlice', 'shop', 'cart-1');
    await expectInStep(replica);
    expect(Object.keys(replica.objects())).toHaveLength(5);
    replica.server.remove('Service', 'shop', 'mail');
    await expectInStep(replica);
  });

  test('tells of everything that it hears, bookmarks included, but not of refusals', async () => {
    const { server, heard } = await startFollower({ objects: shop });
    const kinds = (): string[] => [...new Set(heard)].sort();
    expect(kinds()).toEqual(['EndpointSlice', 'Node', 'Service', 'ServiceCIDR']);
    heard.length = 0;
    server.bookmark();
    await vi.waitFor(() => expect(kinds()).toEqual(['EndpointSlice', 'Node', 'Service', 'ServiceCIDR']), patience);
    server.refuse({ status: 503 });
    server.cut();
    const moreRequests = async (): Promise<void> => {
      const before = server.requests.length;
      await vi.waitFor(() => expect(server.requests.length).toBeGreaterThan(before + 8), patience);
    };
    await moreRequests();
    heard.length = 0;
    await moreRequests();
    expect(heard).toEqual([]);
  });

  test('is complete although the server has no ServiceCIDR', async () => {
    const replica = await startFollower({ objects: shop.slice(0, 6), without: ['ServiceCIDR'] });
    await expectInStep(replica);
    expect(replica.states).toContainEqual(['ServiceCIDR', { state: 'absent' }]);
  });

  test('has ServiceCIDRs soon if the server was only starting; else they are looked for less and less often', async () => {
    const waits: number[] = [];
    const cidrs = '/servicecidrs';
    const server = await startServer({ objects: shop });
    server.refuse({ status: 404, only: cidrs });
    const connection = await connectToCluster(podConnectOptions({ env: {}, server: server.url }));
    const names: string[] = [];
    const follower = followCluster({
      connection,
      nodeName: 'worker-1',
      onChanges: ({ apply = [], complete }) => {
        names.push(...(apply as readonly ApiObject[]).map(nameOf), ...(complete ? ['complete'] : []));
      },
      random: () => 1,
      wait: (milliseconds) => {
        waits.push(milliseconds);
        return new Promise((resolve) => setTimeout(resolve, 1));
      },
    });
    cleanups.push(
      () => connection.close(),
      () => follower.close(),
    );
    await vi.waitFor(() => expect(waits.length).toBeGreaterThan(8), patience);
    expect(waits.slice(0, 8)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
    expect(names).toContain('complete');
    expect(names).not.toContain('ServiceCIDR//kubernetes');
    server.refuse(undefined);
    await vi.waitFor(() => expect(names).toContain('ServiceCIDR//kubernetes'), patience);
  });

  test('is not complete while one list cannot be read', async () => {
    const server = await startServer({ objects: shop });
    server.refuse({ status: 500, only: 'endpointslices' });
    const connection = await connectToCluster(podConnectOptions({ env: {}, server: server.url }));
    const calls: Changes[] = [];
    const states: string[] = [];
    const follower = followCluster({
      connection,
      nodeName: 'worker-1',
      onChanges: (changes) => calls.push(changes),
      onState: (kind, { state }) => states.push(`${kind} ${state}`),
      wait: () => Promise.resolve(),
    });
    cleanups.push(
      () => connection.close(),
      () => follower.close(),
    );
    await vi.waitFor(() => {
      expect(states.filter((state) => state === 'EndpointSlice retrying').length).toBeGreaterThan(5);
      expect(states).toEqual(expect.arrayContaining(['Service watching', 'Node watching', 'ServiceCIDR watching']));
    }, patience);
    expect(calls.some(({ complete }) => complete)).toBe(false);
    server.refuse(undefined);
    await vi.waitFor(() => expect(calls.at(-1)).toEqual({ complete: true }), patience);
  });
});

describe('a watch', () => {
  test('continues from the last version after connections are cut in the middle of an object', async () => {
    const replica = await startFollower();
    const { server } = replica;
    server.apply(service('cart', {}, 81));
    await expectInStep(replica);
    const lists = () => server.requests.filter((request) => request.includes('sendInitialEvents')).length;
    const before = lists();
    server.cut();
    server.apply(service('cart', {}, 82), service('mail'));
    server.remove('EndpointSlice', 'shop', 'cart-1');
    await expectInStep(replica);
    expect(lists()).toBe(before);
    expect(replica.states.some(([, { state }]) => state === 'retrying')).toBe(true);
  });

  test('gives way to a list when the server has forgotten the version', async () => {
    const replica = await startFollower();
    const { server } = replica;
    server.cut();
    server.remove('Service', 'shop', 'cart');
    server.apply(service('mail'));
    server.forgetHistory();
    await expectInStep(replica);
    expect(Object.keys(replica.objects())).not.toContain('Service/shop/cart');
  });

  test.each([1, 1_000_000])(
    'gives way to a list when the server comes back with versions from %d on',
    async (first) => {
      const replica = await startFollower();
      replica.server.apply(service('mail'));
      await expectInStep(replica);
      const restart = replica.server.restart({ firstVersion: first, down: 100 });
      replica.server.remove('Service', 'shop', 'cart');
      replica.server.apply(service('bank'));
      await restart;
      await expectInStep(replica);
    },
  );

  test('is not misled by events that come twice, or again after later ones', async () => {
    const replica = await startFollower();
    const { server } = replica;
    server.apply(service('cart', {}, 81));
    server.apply(service('cart', {}, 82));
    server.repeat('last');
    await expectInStep(replica);
    server.remove('Service', 'shop', 'cart');
    server.repeat('earlier');
    await vi.waitFor(() => {
      expect(replica.states.some(([, state]) => state.state === 'retrying' && /went back/.test(state.reason))).toBe(
        true,
      );
    }, patience);
    await expectInStep(replica);
    expect(Object.keys(replica.objects())).not.toContain('Service/shop/cart');
  });

  test.each([
    ['{"type":"MODIFIED","object":'],
    ['<html>'],
    [
      '{"type":"MODIFIED","object":{"kind":"Pod","metadata":{"name":"cart","namespace":"shop","resourceVersion":"9999"}}}',
    ],
    ['{"type":"RENAMED","object":{"kind":"Service","metadata":{"name":"cart","resourceVersion":"9999"}}}'],
    ['{"type":"ERROR","object":{"kind":"Status","code":500,"message":"etcd is away"}}'],
    ['null'],
  ])('survives the line %s', async (line) => {
    const replica = await startFollower();
    replica.server.sendLine(line);
    replica.server.apply(service('mail'));
    await expectInStep(replica);
  });

  test('that is silent for too long is started again', async () => {
    const replica = await startFollower({ objects: shop }, { idleTimeout: 300 });
    replica.server.silence(true);
    replica.server.apply(service('mail'));
    await vi.waitFor(() => {
      expect(replica.states.some(([, state]) => state.state === 'retrying' && /0\.3 s/.test(state.reason))).toBe(true);
    }, patience);
    replica.server.silence(false);
    await expectInStep(replica);
  });

  test('gives the last state of objects whose events arrive together', async () => {
    const replica = await startFollower();
    replica.server.silence(true);
    replica.server.apply(service('mail'));
    replica.server.remove('Service', 'shop', 'mail');
    replica.server.remove('Service', 'shop', 'cart');
    replica.server.apply(service('cart', {}, 443));
    replica.server.silence(false);
    await expectInStep(replica);
  });
});

describe('a server that refuses', () => {
  test.each([429, 500, 503])('with status %d is asked again after the time that it names', async (status) => {
    const waits: number[] = [];
    const replica = await startFollower(
      { objects: shop },
      {
        wait: (milliseconds) => {
          waits.push(milliseconds);
          return new Promise((resolve) => setTimeout(resolve, 5));
        },
      },
    );
    replica.server.refuse({ status, retryAfter: 17 });
    replica.server.cut();
    replica.server.apply(service('mail'));
    await vi.waitFor(() => expect(waits.filter((wait) => wait === 17_000).length).toBeGreaterThan(3), patience);
    replica.server.refuse(undefined);
    await expectInStep(replica);
  });

  test('without naming a time is asked less and less often, every 2 s in the end', async () => {
    const waits: number[] = [];
    const replica = await startFollower(
      { objects: shop },
      {
        random: () => 1,
        wait: (milliseconds) => {
          waits.push(milliseconds);
          return new Promise((resolve) => setTimeout(resolve, 1));
        },
      },
    );
    replica.server.refuse({ status: 500, only: '/services' });
    replica.server.cut();
    await vi.waitFor(() => expect(waits.filter((wait) => wait === 2_000).length).toBeGreaterThan(2), patience);
    expect([...new Set(waits)]).toEqual([100, 200, 400, 800, 1_600, 2_000]);
    replica.server.refuse(undefined);
    replica.server.apply(service('mail'));
    await expectInStep(replica);
  });

  test.each([
    ['at once', 'yes', []],
    ['at once', 'refused', []],
    ['after an event', 'yes', ['{"type":"BOOKMARK","object":{"kind":"KIND","metadata":{"resourceVersion":"999999"}}}']],
  ] as const)(
    'to go on with a watch, %s, is asked for the list less and less often; streaming lists: %s',
    async (_when, streamingLists, lines) => {
      const waits: number[] = [];
      const replica = await startFollower(
        { objects: shop, streamingLists },
        {
          random: () => 1,
          wait: (milliseconds) => {
            waits.push(milliseconds);
            return new Promise((resolve) => setTimeout(resolve, 1));
          },
        },
      );
      const expired = '{"type":"ERROR","object":{"kind":"Status","code":410,"message":"too old"}}';
      replica.server.spoilWatches(...lines.map((line) => line.replace('KIND', 'Service')), expired);
      replica.server.cut();
      await vi.waitFor(() => expect(waits.filter((wait) => wait === 2_000).length).toBeGreaterThan(40), patience);
      expect(waits.filter((wait) => wait < 2_000).length).toBeLessThan(50);
      replica.server.spoilWatches();
      replica.server.apply(service('mail'));
      await expectInStep(replica);
    },
  );

  test.each([404, 422])(
    'streaming lists with status %d is asked for them again, with a list that is due after ten minutes',
    async (status) => {
      let passed = 0;
      const server = await startServer({ objects: shop.slice(0, 6) });
      server.refuse({ status, only: 'sendInitialEvents' });
      const lists = (query: string) =>
        server.requests.filter((request) => request.includes('/services?') && request.includes(query)).length;
      const replica = await startFollower(server, {
        now: () => performance.now() + passed,
        wait: () => new Promise((resolve) => setTimeout(resolve, 1)),
      });
      const relist = async (name: string): Promise<void> => {
        server.cut();
        server.forgetHistory();
        server.apply(service(name));
        await expectInStep(replica);
      };
      await relist('mail');
      await relist('bank');
      expect([lists('sendInitialEvents'), lists('limit')]).toEqual([1, 3]);
      passed += 600_000;
      // The server still refuses them.
      await relist('shop');
      await relist('store');
      expect([lists('sendInitialEvents'), lists('limit')]).toEqual([2, 5]);
      server.refuse(undefined);
      await relist('room');
      expect([lists('sendInitialEvents'), lists('limit')]).toEqual([2, 6]);
      passed += 600_000;
      await relist('hall');
      expect([lists('sendInitialEvents'), lists('limit')]).toEqual([3, 6]);
    },
  );

  test('because the token is old gets the new one', async () => {
    let token = 'first';
    const server = await startServer({ objects: shop });
    server.requireToken('first');
    const connection = await connectToCluster({
      server: server.url,
      readCredentials: () => Promise.resolve({ headers: { authorization: `Bearer ${token}` }, tls: {} }),
    });
    const names = new Set<string>();
    const reasons: string[] = [];
    const follower = followCluster({
      connection,
      nodeName: 'worker-1',
      onChanges: ({ apply = [] }) => {
        for (const object of apply) {
          names.add(nameOf(object as ApiObject));
        }
      },
      onState: (_kind, state) => state.state === 'retrying' && reasons.push(state.reason),
    });
    cleanups.push(
      () => connection.close(),
      () => follower.close(),
    );
    await vi.waitFor(() => expect(names).toContain('Service/shop/cart'), patience);
    server.requireToken('second');
    server.cut();
    server.apply(service('mail'));
    await vi.waitFor(() => expect(reasons).toContain('Unauthorized'), patience);
    token = 'second';
    await vi.waitFor(() => expect(names).toContain('Service/shop/mail'), patience);
  });
});

test('closing ends all requests and waits', async () => {
  const replica = await startFollower();
  replica.server.refuse({ status: 503, retryAfter: 60 });
  replica.server.cut();
  await vi.waitFor(() => expect(replica.states.some(([, { state }]) => state === 'retrying')).toBe(true), patience);
  await replica.follower.close();
  const { length } = replica.server.requests;
  replica.server.refuse(undefined);
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(replica.server.requests).toHaveLength(length);
});
