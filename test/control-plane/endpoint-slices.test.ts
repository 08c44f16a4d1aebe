import { describe, expect, test } from 'vitest';
import { makeEndpointSlices, type SliceSources } from '../../src/control-plane/endpoint-slices.ts';
import type { Mapping } from '../../src/lib/unknown-values.ts';

const node = (name: string, zone?: string): Mapping => ({
  kind: 'Node',
  metadata: { name, labels: zone === undefined ? {} : { 'topology.kubernetes.io/zone': zone } },
});

const nodes = [node('node-1', 'zone-a'), node('node-2', 'zone-b'), node('node-3')];

function service(spec: Mapping = {}, metadata: Mapping = {}): Mapping {
  return {
    kind: 'Service',
    metadata: { name: 'web', namespace: 'shop', ...metadata },
    spec: {
      type: 'ClusterIP',
      clusterIP: '10.96.0.1',
      ipFamilies: ['IPv4'],
      selector: { app: 'web' },
      ports: [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 'http' }],
      ...spec,
    },
  };
}

interface PodOptions {
  readonly metadata?: Mapping;
  readonly spec?: Mapping;
  readonly status?: Mapping;
}

function pod(number: number, { metadata, spec, status }: PodOptions = {}): Mapping {
  return {
    kind: 'Pod',
    metadata: { name: `web-${number}`, namespace: 'shop', labels: { app: 'web', tier: 'front' }, ...metadata },
    spec: {
      nodeName: `node-${1 + (number % 3)}`,
      containers: [{ name: 'main', ports: [{ name: 'http', containerPort: 8080 }] }],
      ...spec,
    },
    status: {
      phase: 'Running',
      conditions: [{ type: 'Ready', status: 'True' }],
      podIPs: [{ ip: `10.244.${number >> 8}.${number & 255}` }, { ip: `fd00::${number.toString(16)}` }],
      ...status,
    },
  };
}

interface Slice {
  readonly metadata: { readonly name: string; readonly labels: Mapping };
  readonly addressType: string;
  readonly ports: readonly Mapping[];
  readonly endpoints: readonly (Mapping & { readonly addresses: readonly string[]; readonly conditions: Mapping })[];
}

function make(sources: Partial<SliceSources>): Slice[] {
  const all = { services: [service()], pods: [], nodes, endpoints: [], slices: [], ...sources };
  return makeEndpointSlices(all) as unknown as Slice[];
}

const addressesOf = (slices: readonly Slice[]): string[] =>
  slices.flatMap(({ endpoints }) => endpoints.flatMap(({ addresses }) => addresses));

describe('the slices of a selector', () => {
  test('have what the controller writes', () => {
    const labels = { team: 'a', 'endpointslice.kubernetes.io/managed-by': 'me' };
    expect(make({ services: [service({}, { labels })], pods: [pod(1, { metadata: { uid: 'u-1' } })] })).toEqual([
      {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: {
          name: 'web-ipv4',
          namespace: 'shop',
          labels: {
            team: 'a',
            'kubernetes.io/service-name': 'web',
            'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
          },
        },
        addressType: 'IPv4',
        ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
        endpoints: [
          {
            addresses: ['10.244.0.1'],
            conditions: { ready: true, serving: true, terminating: false },
            targetRef: { kind: 'Pod', namespace: 'shop', name: 'web-1', uid: 'u-1' },
            nodeName: 'node-2',
            zone: 'zone-b',
          },
        ],
      },
    ]);
  });

  test('choose Pods by all labels, in the namespace of the Service', () => {
    const pods = [
      pod(1),
      pod(2, { metadata: { labels: { app: 'web' } } }),
      pod(3, { metadata: { namespace: 'other' } }),
      pod(4, { metadata: { labels: { tier: 'front' } } }),
    ];
    expect(addressesOf(make({ services: [service({ selector: { app: 'web', tier: 'front' } })], pods }))).toEqual([
      '10.244.0.1',
    ]);
    expect(addressesOf(make({ services: [service({ selector: { constructor: 'x' } })], pods }))).toEqual([]);
  });

  test('are those of the families of the Service', () => {
    const pods = [pod(1)];
    expect(make({ services: [service({ ipFamilies: ['IPv6', 'IPv4'] })], pods }).map((one) => one.addressType)).toEqual(
      ['IPv4', 'IPv6'],
    );
    expect(addressesOf(make({ services: [service({ ipFamilies: ['IPv6'] })], pods }))).toEqual(['fd00::1']);
  });

  test('hold at most 100 endpoints each', () => {
    const pods = Array.from({ length: 250 }, (_, index) => pod(index + 1));
    const slices = make({ pods });
    expect(slices.map(({ metadata, endpoints }) => [metadata.name, endpoints.length])).toEqual([
      ['web-ipv4', 100],
      ['web-ipv4-2', 100],
      ['web-ipv4-3', 50],
    ]);
  });

  test('differ where a name of a port stands for different numbers, or for none', () => {
    const other = { containers: [{ ports: [{ name: 'http', containerPort: 9090 }] }] };
    const overUdp = { containers: [{ ports: [{ name: 'http', containerPort: 9090, protocol: 'UDP' }] }] };
    const slices = make({ pods: [pod(1), pod(2, { spec: other }), pod(3), pod(4, { spec: overUdp })] });
    expect(slices.map(({ ports, endpoints }) => [ports.map((one) => one['port']), endpoints.length])).toEqual([
      [[8080], 2],
      [[9090], 1],
      [[], 1],
    ]);
  });

  test('find ports of sidecars, not those of other init containers', () => {
    const ports = [{ name: 'http', containerPort: 7070 }];
    const spec = (restartPolicy?: string): Mapping => ({ containers: [], initContainers: [{ ports, restartPolicy }] });
    const [first, second] = make({ pods: [pod(1, { spec: spec('Always') }), pod(2, { spec: spec() })] });
    expect([first?.ports.length, second?.ports.length]).toEqual([1, 0]);
  });

  test('are empty, one for each family, where no Pod is', () => {
    const slices = make({ services: [service({ ipFamilies: ['IPv4', 'IPv6'] })] });
    expect(slices.map(({ addressType, ports, endpoints }) => ({ addressType, ports, endpoints }))).toEqual([
      { addressType: 'IPv4', ports: [], endpoints: [] },
      { addressType: 'IPv6', ports: [], endpoints: [] },
    ]);
  });

  test('say that a Service is headless', () => {
    const [slice] = make({ services: [service({ clusterIP: 'None', ports: [] })], pods: [pod(1)] });
    expect(slice?.metadata.labels['service.kubernetes.io/headless']).toBe('');
    expect(slice?.endpoints).toHaveLength(1);
  });
});

describe('the conditions of an endpoint', () => {
  const notReady = { conditions: [{ type: 'Ready', status: 'False' }] };
  const deleted = { deletionTimestamp: '2026-01-01T00:00:00Z' };

  test.each<[string, PodOptions, Mapping, Mapping | undefined]>([
    ['ready', {}, {}, { ready: true, serving: true, terminating: false }],
    ['not ready', { status: notReady }, {}, { ready: false, serving: false, terminating: false }],
    ['terminating', { metadata: deleted }, {}, { ready: false, serving: true, terminating: true }],
    [
      'not ready, and published',
      { status: notReady },
      { publishNotReadyAddresses: true },
      { ready: true, serving: false, terminating: false },
    ],
    ['finished', { status: { phase: 'Succeeded' } }, {}, undefined],
    ['without an address', { status: { podIPs: [] } }, {}, undefined],
    ['on a node that is gone', { spec: { nodeName: 'node-9' } }, {}, undefined],
    [
      'on a node that is gone, and published',
      { spec: { nodeName: 'node-9' } },
      { publishNotReadyAddresses: true },
      { ready: true, serving: true, terminating: false },
    ],
  ])('of a Pod that is %s', (_, options, spec, conditions) => {
    const [slice] = make({ services: [service(spec)], pods: [pod(1, options)] });
    expect(slice?.endpoints.map((one) => one.conditions)).toEqual(conditions === undefined ? [] : [conditions]);
  });

  test('do not depend on nodes where none are known', () => {
    expect(make({ pods: [pod(1)], nodes: [] })[0]?.endpoints).toHaveLength(1);
  });
});

describe('hints', () => {
  test.each<[string, readonly unknown[]]>([
    ['PreferClose', [{ forZones: [{ name: 'zone-b' }] }, undefined, { forZones: [{ name: 'zone-a' }] }]],
    ['PreferSameZone', [{ forZones: [{ name: 'zone-b' }] }, undefined, { forZones: [{ name: 'zone-a' }] }]],
    [
      'PreferSameNode',
      [
        { forZones: [{ name: 'zone-b' }], forNodes: [{ name: 'node-2' }] },
        { forNodes: [{ name: 'node-3' }] },
        { forZones: [{ name: 'zone-a' }], forNodes: [{ name: 'node-1' }] },
      ],
    ],
    ['Unknown', [undefined, undefined, undefined]],
  ])('of trafficDistribution %s', (trafficDistribution, hints) => {
    const [slice] = make({ services: [service({ trafficDistribution })], pods: [pod(1), pod(2), pod(3)] });
    expect(slice?.endpoints.map((one) => one['hints'])).toEqual(hints);
  });

  test('are only for endpoints that are ready', () => {
    const status = { conditions: [{ type: 'Ready', status: 'False' }] };
    const [slice] = make({ services: [service({ trafficDistribution: 'PreferClose' })], pods: [pod(1, { status })] });
    expect(slice?.endpoints[0]).not.toHaveProperty('hints');
  });
});

test('the hostname is that of a Pod whose subdomain is the Service', () => {
  const named = { hostname: 'web-1', subdomain: 'web' };
  const [slice] = make({ pods: [pod(1, { spec: named }), pod(2, { spec: { ...named, subdomain: 'mail' } })] });
  expect(slice?.endpoints.map((one) => one['hostname'])).toEqual(['web-1', undefined]);
});

describe('no slices are made', () => {
  test.each<[string, Mapping]>([
    ['an ExternalName', { type: 'ExternalName' }],
    ['a Service without a selector', { selector: undefined }],
    ['a Service with an empty selector', { selector: {} }],
  ])('for %s', (_, spec) => {
    expect(make({ services: [service(spec)], pods: [pod(1)] })).toEqual([]);
  });

  test('where a controller has made some, so that making them again changes nothing', () => {
    const pods = [pod(1), pod(2)];
    const slices = make({ pods }) as unknown as Mapping[];
    expect(make({ pods, slices })).toEqual([]);
    const [first] = slices;
    const byHand = { ...first, metadata: { ...(first?.['metadata'] as Mapping), labels: {} } };
    expect(make({ pods, slices: [byHand] }).map(({ metadata }) => metadata.name)).toEqual(['web-ipv4-2']);
  });
});

describe('v1 Endpoints', () => {
  const endpoints = (metadata: Mapping = {}): Mapping => ({
    kind: 'Endpoints',
    metadata: { name: 'web', namespace: 'shop', labels: { team: 'a' }, ...metadata },
    subsets: [
      {
        addresses: [{ ip: '192.0.2.1', nodeName: 'node-1' }, { ip: 'fd00::1', hostname: 'db' }, { ip: 'no address' }],
        notReadyAddresses: [{ ip: '192.0.2.2' }],
        ports: [{ name: 'http', port: 8080 }],
      },
    ],
  });
  const services = [service({ selector: undefined })];

  test('are mirrored, in a slice for each family', () => {
    const slices = make({ services, endpoints: [endpoints()] });
    const labels = {
      team: 'a',
      'kubernetes.io/service-name': 'web',
      'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io',
    };
    expect(slices).toMatchObject([
      {
        metadata: { name: 'web-ipv4', labels },
        addressType: 'IPv4',
        ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
        endpoints: [
          { addresses: ['192.0.2.1'], conditions: { ready: true }, nodeName: 'node-1' },
          { addresses: ['192.0.2.2'], conditions: { ready: false } },
        ],
      },
      { metadata: { name: 'web-ipv6' }, endpoints: [{ addresses: ['fd00::1'], hostname: 'db' }] },
    ]);
    expect(slices[0]?.endpoints).toHaveLength(2);
  });

  test.each<[string, Mapping[], Mapping]>([
    ['that a selector makes superfluous', [service()], {}],
    ['of no Service', [], {}],
    ['that say so', services, { labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } }],
    ['that are a lock', services, { annotations: { 'control-plane.alpha.kubernetes.io/leader': '{}' } }],
  ])('%s are not', (_, some, metadata) => {
    const slices = make({ services: some, endpoints: [endpoints(metadata)] });
    expect(addressesOf(slices)).toEqual([]);
  });
});

test('malformed objects count as absent', () => {
  const odd = [
    {},
    { metadata: 3, spec: [], status: null },
    { metadata: { labels: [1] }, spec: { containers: 'x', ports: [7] } },
  ];
  expect(() => make({ services: odd, pods: odd, nodes: odd, endpoints: odd, slices: odd })).not.toThrow();
});
