import { afterEach, describe, expect, test } from 'vitest';
import { type ClusterConnection, connectToCluster, podConnectOptions } from '../../src/cluster/cluster-connection.ts';
import { type ClusterNeeds, readCluster } from '../../src/cluster/read-cluster.ts';
import { readPodFacts } from '../../src/kubernetes/pods.ts';
import { type ApiObject, ApiServer } from '../support/api-server.js';

const bulky = { managedFields: [{ manager: 'kubectl' }], annotations: { last: 'applied' } };

function node(name: string): ApiObject {
  const status = { addresses: [{ type: 'InternalIP', address: '192.0.2.11' }], images: [{ names: ['large'] }] };
  return { kind: 'Node', metadata: { name, ...bulky }, spec: { podCIDR: '10.244.1.0/24' }, status };
}

function named(kind: string, name: string, labels = {}): ApiObject {
  return { kind, metadata: { name, namespace: 'shop', labels, ...bulky }, spec: {} };
}

const pod: ApiObject = {
  kind: 'Pod',
  metadata: { name: 'web-1', namespace: 'shop', labels: { app: 'web' }, ...bulky },
  spec: {
    nodeName: 'worker-1',
    volumes: [{ name: 'data' }],
    readinessGates: [{ conditionType: 'balanced' }],
    containers: [{ name: 'web', image: 'web', env: [{ name: 'A' }], ports: [{ name: 'http', containerPort: 80 }] }],
    initContainers: [{ name: 'side', restartPolicy: 'Always', ports: [{ containerPort: 90 }] }],
  },
  status: {
    phase: 'Running',
    podIPs: [{ ip: '10.244.1.5' }],
    conditions: [{ type: 'Ready', status: 'False', reason: 'ReadinessGatesNotReady' }],
  },
};

let server: ApiServer;
let connection: ClusterConnection;

afterEach(async () => {
  await connection.close();
  await server.close();
});

interface Reading {
  readonly objects?: readonly ApiObject[];
  readonly pageSize?: number;
  readonly waits?: number[];
  readonly without?: readonly string[];
  readonly prepare?: () => void;
  /** Called before each request. */
  readonly onRequest?: (path: string) => void;
}

async function read(needs: Partial<ClusterNeeds> = {}, reading: Reading = {}) {
  const { objects = [node('worker-1'), node('worker-2')], without = [], pageSize, onRequest } = reading;
  server = new ApiServer({ objects, without });
  await server.listen();
  connection = await connectToCluster(podConnectOptions({ env: {}, server: server.url }));
  reading.prepare?.();
  const get: ClusterConnection['get'] = (path, signal) => {
    onRequest?.(path);
    return connection.get(path, signal);
  };
  return readCluster(
    { nodeNames: ['worker-1'], ...needs },
    {
      connection: { ...connection, get },
      signal: new AbortController().signal,
      idleTimeout: 10_000,
      wait: async (milliseconds) => {
        reading.waits?.push(milliseconds);
      },
      ...(pageSize !== undefined && { pageSize }),
    },
  );
}

function namesOf(objects: readonly object[]): string[] {
  return (objects as readonly ApiObject[]).map(({ kind, metadata }) => `${kind} ${metadata.name}`);
}

describe('what is read', () => {
  test('is as much as is needed: one Node, and neither Pods nor slices of headless Services', async () => {
    const headless = named('EndpointSlice', 'db', { 'service.kubernetes.io/headless': '' });
    const objects = [
      node('worker-1'),
      node('worker-2'),
      named('Service', 'web'),
      named('EndpointSlice', 'web'),
      headless,
      pod,
    ];
    const { objects: found, nodeName, forbidden } = await read({}, { objects });
    expect({ names: namesOf(found), nodeName, forbidden }).toEqual({
      names: ['Node worker-1', 'Service web', 'EndpointSlice web'],
      nodeName: 'worker-1',
      forbidden: [],
    });
    expect(server.requests.map((path) => path.replace(/limit=\d+/, '')).sort()).toEqual([
      '/api/v1/nodes?fieldSelector=metadata.name%3Dworker-1&',
      '/api/v1/services?',
      '/apis/discovery.k8s.io/v1/endpointslices?labelSelector=%21service.kubernetes.io%2Fheadless&',
      '/apis/networking.k8s.io/v1/servicecidrs?',
    ]);
  });

  test('is more when asked', async () => {
    const headless = named('EndpointSlice', 'db', { 'service.kubernetes.io/headless': '' });
    const objects = [node('worker-1'), node('worker-2'), headless, pod];
    const found = await read({ allNodes: true, pods: true, headless: true }, { objects });
    expect(namesOf(found.objects)).toEqual(['Node worker-1', 'Node worker-2', 'EndpointSlice db', 'Pod web-1']);
  });

  test('has what facts about Pods and Nodes are made of, and not the rest', async () => {
    const { objects } = await read({ pods: true }, { objects: [node('worker-1'), pod] });
    const [ownNode, ownPod = {}] = objects;
    expect(readPodFacts(ownPod)).toEqual(readPodFacts(pod));
    expect(ownNode).toMatchObject({
      spec: { podCIDR: '10.244.1.0/24' },
      status: { addresses: [{ address: '192.0.2.11' }] },
    });
    const text = JSON.stringify(objects);
    expect(['managedFields', 'applied', 'images', 'volumes', 'env'].filter((word) => text.includes(word))).toEqual([]);
  });

  test('has what says where else a Pod may run, and which hints endpoints get', async () => {
    const hinted = { 'service.kubernetes.io/topology-mode': 'Auto' };
    const service = { kind: 'Service', metadata: { name: 'web' }, spec: {} };
    const { objects } = await read(
      { pods: true },
      {
        objects: [
          { ...service, metadata: Object.assign({ annotations: { ...hinted, last: 'applied' } }, service.metadata) },
          { ...pod, spec: { nodeSelector: { disk: 'ssd' }, tolerations: [{ operator: 'Exists' }], volumes: [] } },
        ],
      },
    );
    expect(objects).toMatchObject([
      { metadata: { name: 'web', annotations: hinted } },
      { spec: { nodeSelector: { disk: 'ssd' }, tolerations: [{ operator: 'Exists' }] } },
    ]);
    expect(JSON.stringify(objects)).not.toContain('applied');
  });

  test('is the Node with the first of the names that exists, or all Nodes', async () => {
    const short = await read({ nodeNames: ['worker-2.example', 'worker-2'] });
    expect({ names: namesOf(short.objects), nodeName: short.nodeName }).toEqual({
      names: ['Node worker-2'],
      nodeName: 'worker-2',
    });
    await connection.close();
    await server.close();
    const unknown = await read({ nodeNames: ['laptop'] });
    expect({ names: namesOf(unknown.objects), nodeName: unknown.nodeName }).toEqual({
      names: ['Node worker-1', 'Node worker-2'],
      nodeName: undefined,
    });
  });
});

describe('a list', () => {
  const services = Array.from({ length: 25 }, (_, index) => named('Service', `web-${index}`));

  test('is read page by page', async () => {
    const { objects } = await read({}, { objects: [node('worker-1'), ...services], pageSize: 10 });
    expect(namesOf(objects)).toEqual(['Node worker-1', ...namesOf(services)]);
    expect(server.countRequests('/services?')).toBe(3);
  });

  test('begins again where a page comes too late, and has each object once', async () => {
    let isForgotten = false;
    const waits: number[] = [];
    const { objects } = await read(
      {},
      {
        objects: [node('worker-1'), ...services],
        pageSize: 10,
        waits,
        onRequest: (path) => {
          if (path.includes('continue') && !isForgotten) {
            isForgotten = true;
            server.forgetHistory();
          }
        },
      },
    );
    expect(namesOf(objects)).toEqual(['Node worker-1', ...namesOf(services)]);
    expect(server.countRequests('/services?')).toBe(2 + 3);
    expect(waits).toEqual([0]);
  });

  test('that never comes to its end is an error, not half of a list', async () => {
    const onRequest = (path: string): void => {
      if (path.includes('continue')) {
        server.forgetHistory();
      }
    };
    await expect(read({}, { objects: [node('worker-1'), ...services], pageSize: 10, onRequest })).rejects.toMatchObject(
      {
        message: 'cannot list services',
        plural: 'services',
      },
    );
    expect(server.countRequests('/services?')).toBe(3 * 2);
  });

  test.each([
    [undefined, [500]],
    [3, [3_000]],
    [3_600, [10_000]],
  ])(
    'of a busy server is asked for again, in the time that it says (%s s), but no longer than 10 s',
    async (retryAfter, expected) => {
      const waits: number[] = [];
      const refusal = { status: 429, only: '/services', ...(retryAfter !== undefined && { retryAfter }) };
      let asked = 0;
      const { objects } = await read(
        {},
        {
          waits,
          prepare: () => server.refuse(refusal),
          onRequest: (path) => {
            asked += path.includes('/services') ? 1 : 0;
            server.refuse(asked < 2 ? refusal : undefined);
          },
        },
      );
      expect({ names: namesOf(objects), waits }).toEqual({ names: ['Node worker-1'], waits: expected });
    },
  );

  test('is given up after three attempts', async () => {
    await expect(read({}, { prepare: () => server.refuse({ status: 503, only: '/endpointslices' }) })).rejects.toThrow(
      'cannot list endpointslices',
    );
    expect(server.countRequests('/endpointslices')).toBe(3);
  });

  test('that the server does not know is an error, but for ServiceCIDRs, which older ones lack', async () => {
    const { objects } = await read({}, { without: ['ServiceCIDR'] });
    expect(namesOf(objects)).toEqual(['Node worker-1']);
    await connection.close();
    await server.close();
    await expect(read({}, { without: ['EndpointSlice'] })).rejects.toThrow('cannot list endpointslices');
    expect(server.countRequests('/endpointslices')).toBe(1);
  });
});

describe('a user who may not list', () => {
  test('a kind is told which, and gets the rest', async () => {
    const { objects, forbidden } = await read(
      {},
      { objects: [node('worker-1'), named('Service', 'web')], prepare: () => server.forbid({ endpointslices: '' }) },
    );
    expect(namesOf(objects)).toEqual(['Node worker-1', 'Service web']);
    expect(forbidden).toEqual([
      {
        kind: 'EndpointSlice',
        plural: 'endpointslices',
        reason:
          'endpointslices.discovery.k8s.io is forbidden: User "viewer" cannot list resource "endpointslices" in API group "discovery.k8s.io" at the cluster scope',
      },
    ]);
  });

  test('all Nodes gets the own one, and is told so where all were asked for', async () => {
    const prepare = (): void => server.forbid({ nodes: 'worker-1' });
    expect(await read({}, { prepare })).toMatchObject({ nodeName: 'worker-1', forbidden: [] });
    await connection.close();
    await server.close();
    const { objects, nodeName, forbidden } = await read({ allNodes: true }, { prepare });
    expect({ names: namesOf(objects), nodeName, kinds: forbidden.map(({ kind }) => kind) }).toEqual({
      names: ['Node worker-1'],
      nodeName: 'worker-1',
      kinds: ['Node'],
    });
  });

  test('any Node is told so', async () => {
    const { objects, nodeName, forbidden } = await read({}, { prepare: () => server.forbid({ nodes: '' }) });
    expect({ objects, nodeName, kinds: forbidden.map(({ kind }) => kind) }).toEqual({
      objects: [],
      nodeName: undefined,
      kinds: ['Node'],
    });
  });
});

test('the other lists end with the first that fails', async () => {
  const services = Array.from({ length: 25 }, (_, index) => named('Service', `web-${index}`));
  await expect(
    read(
      {},
      { objects: services, pageSize: 1, prepare: () => server.refuse({ status: 401, only: '/endpointslices' }) },
    ),
  ).rejects.toMatchObject({ plural: 'endpointslices', cause: { status: 401 } });
  const asked = server.countRequests('/services');
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(server.countRequests('/services')).toBe(asked);
});
