import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import type { CommandResult } from '../../support/run-main.ts';
import { applyTestsRun } from './apply-tests.ts';
import { http, listOf, type Manifest, service, slice, snapshotFlags, workerNode } from './manifests.ts';
import { openNode, type TestNode } from './open-node.ts';

const services = [
  service('cart', { type: 'NodePort', clusterIP: '10.96.0.10', ports: [{ ...http, nodePort: 30080 }] }),
  service('web', { clusterIP: '10.96.0.11', ports: [http] }),
];
const slices = [slice('cart', ['10.244.1.11', '10.244.2.11']), slice('web', ['10.244.2.12'])];
const whole = [...services, ...slices, workerNode];
const status = {
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Failure',
  message: 'etcdserver: request timed out',
  code: 500,
};

/** What the API server answers for a list; items have no kind. */
function typedList(kind: string, items: readonly Manifest[], metadata: Manifest = {}): Manifest {
  const apiVersion = kind.startsWith('EndpointSlice') ? 'discovery.k8s.io/v1' : 'v1';
  const bare = items.map(({ kind: _, apiVersion: __, ...item }) => item);
  return { kind, apiVersion, metadata: { resourceVersion: '7', ...metadata }, items: bare };
}

function table(name: string): Manifest {
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: { resourceVersion: '7' },
    columnDefinitions: [{ name: 'Name', type: 'string' }],
    rows: [{ cells: [name], object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1' } }],
  };
}

function metadataOnly(items: readonly Manifest[]): Manifest {
  const objects = items.map(({ metadata }) => ({ metadata }));
  return { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1', metadata: {}, items: objects };
}

const typed = {
  services: typedList('ServiceList', services),
  slices: typedList('EndpointSliceList', slices),
  nodes: typedList('NodeList', [workerNode]),
};

/** Documents that are not the whole cluster, and what the one message says. */
const halves: readonly (readonly [string, readonly Manifest[], string])[] = [
  ['no Services in a List', [listOf([...slices, workerNode])], 'no-services: the input has 2 EndpointSlices but no'],
  ['no EndpointSlices in a List', [listOf([...services, workerNode])], 'no-endpoint-slices: the input has 2 Services'],
  ['no Node in a List', [listOf([...services, ...slices])], 'node-not-found: the input has no Node "worker-1"'],
  [
    'EndpointSlices of other Services',
    [listOf([...services, slice('other', ['10.244.1.9']), workerNode])],
    'no-endpoint-slices: the input has 2 Services and 1 EndpointSlice, but none of these belongs to one of those',
  ],
  ['no ServiceList', [typed.slices, typed.nodes], 'no-services: the input has 2 EndpointSlices but no Service'],
  ['no EndpointSliceList', [typed.services, typed.nodes], 'no-endpoint-slices: the input has 2 Services but no'],
  ['no NodeList', [typed.services, typed.slices], 'node-not-found: the input has no Node "worker-1"'],
  ['an empty ServiceList', [typedList('ServiceList', []), typed.slices, typed.nodes], 'no-services: the input has 2'],
  [
    'an empty EndpointSliceList',
    [typed.services, typedList('EndpointSliceList', []), typed.nodes],
    'no-endpoint-slices: the input has 2 Services but no EndpointSlice',
  ],
  ['an empty NodeList', [typed.services, typed.slices, typedList('NodeList', [])], 'node-not-found: the input has no'],
  [
    'Endpoints in place of EndpointSlices',
    [typed.services, { kind: 'EndpointsList', apiVersion: 'v1', metadata: {}, items: [{}, {}, {}] }, typed.nodes],
    'no-endpoint-slices: the input has 3 v1 Endpoints, which are not read',
  ],
  ...(['services', 'slices', 'nodes'] as const).flatMap((name) => {
    const replaced = (list: Manifest): Manifest[] => Object.values({ ...typed, [name]: list });
    const { kind, items } = typed[name] as { kind: string; items: Manifest[] };
    return [
      [
        `a page of ${name}`,
        replaced(typedList(kind, items.slice(0, 1), { continue: 'eyJ2Ijo', remainingItemCount: 1 })),
        'incomplete-list',
      ],
      [`an error for ${name}`, replaced(status), 'api-error: Status: '],
      [`a Table for ${name}`, replaced(table('cart')), 'abridged-objects: Table: '],
      [`metadata for ${name}`, replaced(metadataOnly(items)), 'abridged-objects: PartialObjectMetadataList: '],
    ] as const;
  }),
  ['an error alone', [status], 'api-error: Status: an error of the API server in place of objects'],
  ['an error among the items', [listOf([...services, status, ...slices, workerNode])], 'api-error: Status: '],
  [
    'a watch of Services without its list',
    [listOf([...slices, workerNode]), ...services.map((object) => ({ type: 'MODIFIED', object }))],
    'incomplete-list: Service shop/cart: the watch has no initial list',
  ],
  [
    'a watch of all without its lists',
    whole.map((object) => ({ type: object === workerNode ? 'ADDED' : 'DELETED', object })),
    'incomplete-list: Service shop/cart: the watch has no initial list',
  ],
  ['a page in a List', [listOf([typedList('ServiceList', services, { continue: 'x' }), ...slices])], 'incomplete-list'],
];

describe.skipIf(!applyTestsRun)('apply of half a cluster', () => {
  let node: TestNode;

  beforeAll(async () => {
    node = await openNode();
  });

  afterAll(async () => {
    await node.close();
  });

  /** The documents as one JSON text after the other, or as YAML. */
  async function apply(
    documents: readonly Manifest[],
    { format = 'json', flags = snapshotFlags }: { format?: string; flags?: readonly string[] } = {},
  ): Promise<CommandResult> {
    const texts = documents.map((document) => (format === 'json' ? JSON.stringify(document) : stringify(document)));
    const file = join(node.folder, `input.${format}`);
    await writeFile(file, texts.join(format === 'json' ? '\n' : '---\n'));
    return node.svc2nft(['apply', ...flags, file]);
  }

  function everything(): Promise<string> {
    return node.print('list', 'ruleset');
  }

  const cases = halves.flatMap(([name, documents, says]) =>
    ['json', 'yaml'].map((format) => ({ name, documents, says, format })),
  );

  describe('where there is a table', () => {
    let before = '';

    beforeAll(async () => {
      await node.nft('flush ruleset');
      await apply(whole);
      before = await everything();
    });

    test.each(cases)('$name, as $format: refused, and the table stays', async ({ documents, says, format }) => {
      for (const flags of [snapshotFlags, [...snapshotFlags, '--dry-run']]) {
        const { exitCode, stdout, stderr } = await apply(documents, { format, flags });
        expect(stderr).toContain(`error ${says}`);
        expect(stderr.match(/^\S*:? ?error /gm)).toHaveLength(1);
        expect(stderr).toContain('kubectl get ');
        expect(stderr).toMatch(/^1 error: nothing is changed$/m);
        expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
        expect(await everything()).toBe(before);
      }
      expect(before).toContain('shop/cart:http');
    });

    test.each(halves.filter(([, , says]) => /^(api-error|incomplete|abridged)/.test(says)))(
      '--allow-empty does not allow %s',
      async (_, documents, says) => {
        const { exitCode, stderr } = await apply(documents, { flags: [...snapshotFlags, '--allow-empty'] });
        expect(stderr).toContain(`error ${says}`);
        expect(exitCode).toBe(1);
        expect(await everything()).toBe(before);
      },
    );
  });

  describe('where there is none', () => {
    beforeAll(() => node.nft('flush ruleset'));

    test.each(cases)('$name, as $format: no table is created either', async ({ documents, says, format }) => {
      const { exitCode, stderr } = await apply(documents, { format });
      expect(stderr).toContain(`error ${says}`);
      expect(exitCode).toBe(1);
      expect(await everything()).toBe('');
    });
  });

  describe('with no table at first', () => {
    beforeEach(async () => {
      await node.nft('flush ruleset');
    });

    test('an empty cluster: refused where the table serves Services, unless it is meant', async () => {
      await apply(whole);
      const before = await everything();
      const empty = listOf([workerNode]);
      const { exitCode, stderr } = await apply([empty]);
      expect(stderr).toContain(
        'error no-services: the input has no Service with a cluster IP, but the table in the kernel serves 2 Services (shop/cart, shop/web)',
      );
      expect(exitCode).toBe(1);
      expect(await everything()).toBe(before);
      const meant = await apply([empty], { flags: [...snapshotFlags, '--allow-empty'] });
      expect(meant).toMatchObject({ exitCode: 0, stderr: '' });
      expect(await everything()).not.toContain('shop/');
      expect((await apply([empty])).exitCode).toBe(0);
    });

    describe('namespaces', () => {
      const inNamespace = (object: Manifest, namespace: string): Manifest => ({
        ...object,
        metadata: { ...(object['metadata'] as Manifest), namespace },
      });
      const apiServer = [
        service('kubernetes', { clusterIP: '10.96.0.1', ports: [{ name: 'https', port: 443 }] }),
        slice('kubernetes', ['192.0.2.99'], [{ name: 'https', port: 6443 }]),
      ].map((object) => inNamespace(object, 'default'));
      const dns = [service('dns', { clusterIP: '10.96.0.53', ports: [http] }), slice('dns', ['10.244.2.53'])].map(
        (object) => inNamespace(object, 'kube-system'),
      );
      const shop = [...services, ...slices];

      test.each<[string, readonly Manifest[], string]>([
        [
          'only default',
          apiServer,
          'all Services of the input are in namespace default, but the table in the kernel serves 3 Services (kube-system/dns, shop/cart, shop/web) of other namespaces',
        ],
        [
          'only shop',
          shop,
          'all Services of the input are in namespace shop, but the table in the kernel serves 2 Services (default/kubernetes, kube-system/dns) of other namespaces',
        ],
        [
          'all but default',
          [...shop, ...dns],
          'the input has no Service default/kubernetes, which every cluster has and the table in the kernel serves',
        ],
      ])('%s: refused, unless it is meant', async (_, objects, says) => {
        expect((await apply([listOf([...apiServer, ...dns, ...shop, workerNode])])).exitCode).toBe(0);
        const before = await everything();
        const part = [listOf([...objects, workerNode])];
        for (const flags of [snapshotFlags, [...snapshotFlags, '--dry-run']]) {
          const { exitCode, stdout, stderr } = await apply(part, { flags });
          expect(stderr).toContain(`error no-services: ${says}; get all`);
          expect(stderr).toMatch(/^1 error: nothing is changed$/m);
          expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
          expect(await everything()).toBe(before);
        }
        const meant = await apply(part, { flags: [...snapshotFlags, '--allow-empty'] });
        expect(meant).toMatchObject({
          exitCode: 0,
          stderr: '',
          stdout: expect.stringMatching(/ {2}removed \d Service/),
        });
        // What the table serves now is no more than the input has.
        expect((await apply(part)).exitCode).toBe(0);
      });

      test('a namespace that is gone is not refused', async () => {
        await apply([listOf([...apiServer, ...dns, ...shop, workerNode])]);
        const { exitCode, stdout } = await apply([listOf([...apiServer, ...dns, workerNode])]);
        expect(stdout).toContain('removed 2 Services (shop/cart, shop/web)');
        expect(exitCode).toBe(0);
      });
    });

    test('headless Services alone do not count', async () => {
      await apply(whole);
      const before = await everything();
      const headless = service('db', { clusterIP: 'None', ports: [http] });
      const { exitCode, stderr } = await apply([listOf([headless, slice('db', ['10.244.1.5']), workerNode])]);
      expect(stderr).toContain('error no-services: the input has no Service with a cluster IP');
      expect(exitCode).toBe(1);
      expect(await everything()).toBe(before);
    });

    test('an empty cluster where there is no table, or where it serves nothing: it is created', async () => {
      const empty = listOf([workerNode]);
      expect((await apply([empty])).stdout).toContain('table ip svc2nft: created');
      expect((await apply([empty])).stdout).toContain('table ip svc2nft: up to date');
    });

    test('--node-ip stands for the Node', async () => {
      const flags = [...snapshotFlags, '--node-ip', '192.0.2.11'];
      const { exitCode } = await apply([listOf([...services, ...slices])], { flags });
      expect(exitCode).toBe(0);
      expect(await everything()).toContain('shop/cart:http');
    });

    test('--allow-empty allows what is missing', async () => {
      await apply(whole);
      const flags = [...snapshotFlags, '--allow-empty'];
      const { exitCode, stdout, stderr } = await apply([listOf([...services, workerNode])], { flags });
      expect(stderr).toMatch(/^warning no-endpoint-slices: /m);
      expect(stdout).toContain('2 -> 0 endpoints');
      expect(exitCode).toBe(0);
    });

    test('an older snapshot is applied, and what it removes is named last, in a dry run too', async () => {
      await apply(whole);
      const old = [listOf([services[0], slices[0], workerNode])];
      const dryRun = await apply(old, { flags: [...snapshotFlags, '--dry-run'] });
      expect(dryRun.stdout).toMatch(
        /^table ip svc2nft: would be changed .*\n {2}shop\/web:http {2}gone: .*\n {2}would remove 1 Service \(shop\/web\)\n/,
      );
      expect(await everything()).toContain('shop/web:http');
      const { exitCode, stdout } = await apply(old);
      expect(stdout).toMatch(
        /^table ip svc2nft: changed .*\n {2}shop\/web:http {2}gone: .*\n {2}removed 1 Service \(shop\/web\)\n/,
      );
      expect(exitCode).toBe(0);
      expect(await everything()).not.toContain('shop/web:http');
    });

    test('typed lists that are whole are applied', async () => {
      const { exitCode, stderr } = await apply(Object.values(typed));
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      expect(await everything()).toContain('shop/cart:http');
    });
  });
});
