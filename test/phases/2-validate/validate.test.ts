import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { documentsOf, readDocuments } from '../../../src/phases/1-read/read-documents.ts';
import { validate } from '../../../src/phases/2-validate/validate.ts';

function check(...objects: readonly unknown[]) {
  const { snapshot, diagnostics } = validate(documentsOf(objects));
  return { snapshot, found: diagnostics.map(({ code, place }) => `${code} ${place?.path.join('.')}`) };
}

function service(spec: object = {}, metadata: object = {}, status: object = {}) {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'shop', ...metadata },
    spec: { clusterIP: '10.96.0.10', clusterIPs: ['10.96.0.10'], ipFamilies: ['IPv4'], ports: [{ port: 80 }], ...spec },
    status,
  };
}

function slice(content: object = {}, metadata: object = {}) {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'web-1', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'web' }, ...metadata },
    addressType: 'IPv4',
    ports: [{ name: '', port: 8080, protocol: 'TCP' }],
    endpoints: [{ addresses: ['10.244.1.5'] }],
    ...content,
  };
}

function serviceCIDR(name: string) {
  const spec = { cidrs: ['10.96.0.0/12', 'fd00:10:96::/112'] };
  return { apiVersion: 'networking.k8s.io/v1', kind: 'ServiceCIDR', metadata: { name }, spec };
}

test('keeps valid objects of the four kinds and counts the others', () => {
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'worker-1.example.com' } };
  const cidr = serviceCIDR('kubernetes');
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web-1' } };
  const knative = { apiVersion: 'serving.knative.dev/v1', kind: 'Service', metadata: { name: 'web' } };
  const { snapshot, found } = check(service(), slice(), node, cidr, pod, pod, knative);
  expect(found).toEqual([]);
  expect(snapshot.services.map(({ object }) => object.metadata.name)).toEqual(['web']);
  expect(snapshot.endpointSlices.map(({ object }) => object.metadata.name)).toEqual(['web-1']);
  expect(snapshot.nodes.map(({ object }) => object.metadata.name)).toEqual(['worker-1.example.com']);
  expect(snapshot.serviceCIDRs.map(({ object }) => object.metadata.name)).toEqual(['kubernetes']);
  expect(Object.fromEntries(snapshot.unusedKinds)).toEqual({ Pod: 2, 'Service.serving.knative.dev': 1 });
});

describe('the longest names', () => {
  const a = (length: number): string => 'a'.repeat(length);
  const node = (name: string) => ({ apiVersion: 'v1', kind: 'Node', metadata: { name } });
  const makers: readonly [string, number, (name: string) => object][] = [
    ['Service', 63, (name) => service({}, { name })],
    ['namespace', 63, (namespace) => service({}, { namespace })],
    ['port', 63, (name) => service({ ports: [{ port: 80, name }] })],
    ['EndpointSlice', 253, (name) => slice({}, { name })],
    ['Node', 253, node],
    ['ServiceCIDR', 253, serviceCIDR],
  ];

  test.each(makers)('of a %s has %i characters', (_, longest, make) => {
    expect(check(make(a(longest))).found).toEqual([]);
    expect(check(make(a(1))).found).toEqual([]);
    expect(check(make(a(longest + 1))).found).toEqual([expect.stringMatching(/^invalid-name /)]);
  });

  test('may have parts between dots, where 253 are allowed', () => {
    for (const [, longest, make] of makers) {
      const name = `${'a.'.repeat((longest - 1) / 2)}b`;
      expect(name).toHaveLength(longest);
      expect(check(make(name)).found).toHaveLength(longest === 253 ? 0 : 1);
      expect(check(make(`${name}c`)).found).toHaveLength(1);
    }
  });
});

test('treats an empty string as unset, as Go clients may write it', () => {
  const spec = {
    type: '',
    internalTrafficPolicy: '',
    ports: [{ port: 80, protocol: '' }],
  };
  const web = service(spec, { namespace: '' }, { loadBalancer: { ingress: [{ ip: '', ipMode: '' }] } });
  const owned = slice({}, { namespace: '' });
  const node = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'a' },
    status: { addresses: [{ type: 'InternalIP', address: '' }] },
  };
  expect(check(web, owned, node).found).toEqual([]);
});

test('a Service that is not served is only checked by its schema', () => {
  const ports = [{ port: 80 }, { port: 81 }];
  expect(check(service({ clusterIP: 'None', ports, externalIPs: ['x'] })).found).toEqual([]);
  expect(check(service({ type: 'ExternalName', clusterIP: '', ports })).found).toEqual([]);
  expect(check(service({ ports }, { labels: { 'service.kubernetes.io/service-proxy-name': '' } })).found).toEqual([]);
  expect(
    check(service({ sessionAffinity: 'None', sessionAffinityConfig: { clientIP: { timeoutSeconds: 0 } } })).found,
  ).toEqual(['refused-by-api-server spec.sessionAffinityConfig']);
});

test('v1beta1 is read for ServiceCIDR', () => {
  const cidr = { ...serviceCIDR('kubernetes'), apiVersion: 'networking.k8s.io/v1beta1' };
  expect(check(cidr).found).toEqual([]);
});

test('accepts null wherever Go clients write it', () => {
  const nulls = {
    type: null,
    clusterIPs: null,
    ipFamilies: null,
    externalIPs: null,
    loadBalancerSourceRanges: null,
    internalTrafficPolicy: null,
    externalTrafficPolicy: null,
    sessionAffinity: null,
    sessionAffinityConfig: null,
  };
  const ports = [{ port: 80, name: null, protocol: null, nodePort: null }];
  const { snapshot, found } = check(
    service(
      { ...nulls, ports },
      { namespace: null, creationTimestamp: null, labels: null },
      { loadBalancer: { ingress: null } },
    ),
    service({}, { name: 'none' }),
    slice(
      { ports: null, endpoints: null },
      { namespace: 'shop', name: 'nulls', labels: { 'kubernetes.io/service-name': 'none' } },
    ),
    slice(
      { endpoints: [{ addresses: ['10.244.1.7'], nodeName: null, conditions: null, hints: null }] },
      { name: 'a', labels: { 'kubernetes.io/service-name': 'none' } },
    ),
    slice(
      { endpoints: [{ addresses: ['10.0.0.1'], conditions: {}, hints: { forZones: null } }] },
      { name: 'b', labels: { 'kubernetes.io/service-name': 'none' } },
    ),
    {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: 'n' },
      spec: { podCIDRs: null, podCIDR: '' },
      status: { addresses: null },
    },
    { apiVersion: 'networking.k8s.io/v1', kind: 'ServiceCIDR', metadata: { name: 'c' }, spec: { cidrs: null } },
  );
  expect(found).toEqual(['refused-by-api-server spec.cidrs']);
  expect(snapshot.services).toHaveLength(2);
  expect(snapshot.endpointSlices).toHaveLength(3);
});

test('reads addresses and ranges as leniently as Kubernetes', () => {
  const spec = {
    type: 'LoadBalancer',
    clusterIP: '010.096.000.010',
    clusterIPs: ['010.096.000.010'],
    externalIPs: ['', ' ', ' 198.19.0.5', '203.0.113.005'],
    loadBalancerSourceRanges: [' 203.0.113.000/025', '203.0.113.7/24 '],
  };
  const status = {
    loadBalancer: { ingress: [{ ip: '' }, { hostname: 'lb.example.com' }, { ip: '1.2.3.4', ipMode: 'Proxy' }] },
  };
  expect(check(service(spec, {}, status)).found).toEqual([]);
  expect(
    check(service(), slice({ endpoints: [{ addresses: ['10.180.00.001', 'only the first counts'] }] })).found,
  ).toEqual([]);
});

test.each([
  ['fd00:10:244::5', []],
  ['FD00:10:244:0:0:0:0:5', []],
  ['::1', ['special-address endpoints.0.addresses.0']],
  ['0:0:0:0::0001', ['special-address endpoints.0.addresses.0']],
  ['FEbf::5', ['special-address endpoints.0.addresses.0']],
  ['fec0::5', []],
  ['FF02::1', ['special-address endpoints.0.addresses.0']],
  ['ff05::1', ['ignored-address endpoints.0.addresses.0']],
  ['::7f00:1', []],
  ['0:0::5', []],
  ['::ffff:10.244.1.5', ['wrong-family endpoints.0.addresses.0']],
  ['0:0:0:0:0:ffff:0af4:0105', ['wrong-family endpoints.0.addresses.0']],
  ['fe80::1%eth0', ['invalid-address endpoints.0.addresses.0']],
  ['10.244.1.5', ['wrong-family endpoints.0.addresses.0']],
  ['fd00::5\n', ['invalid-address endpoints.0.addresses.0']],
  ['', ['invalid-address endpoints.0.addresses.0']],
])('%j in a slice of IPv6: %j', (address, expected) => {
  expect(check(service(), slice({ addressType: 'IPv6', endpoints: [{ addresses: [address] }] })).found).toEqual(
    expected,
  );
});

test.each(['ipv4', 'IPV6', '', 'z'.repeat(60_000)])(
  'addresses in a slice of an unknown addressType are not judged: %.10s',
  (addressType) => {
    const endpoints = ['10.244.1.5', 'fd00::5', 'db.example.net'].map((address) => ({ addresses: [address] }));
    expect(check(service(), slice({ addressType, endpoints })).found).toEqual(['unknown-value addressType']);
    // Its ports are.
    const ports = [{ name: '', port: 70_000 }];
    expect(check(service(), slice({ addressType, endpoints, ports })).found).toContain('ignored-port ports.0.port');
  },
);

test('an object that no proxy serves needs a valid name, and little else', () => {
  const nothing = { clusterIP: undefined, clusterIPs: undefined, ipFamilies: undefined };
  expect(check(service({ ...nothing, type: 'ExternalName', externalName: 'x', ports: undefined })).found).toEqual([]);
  expect(check(service({ ...nothing, clusterIP: 'None', clusterIPs: ['None'], externalIPs: ['what?'] })).found).toEqual(
    [],
  );
  expect(check(service({ ...nothing, clusterIP: '', externalIPs: ['what?'] })).found).toEqual(['no-cluster-ip spec']);
  const other = { labels: { 'service.kubernetes.io/service-proxy-name': '' } };
  expect(check(service({ clusterIP: 'what?' }, other)).found).toEqual([]);
  expect(check(service({ type: 'ExternalName' }, { name: 'a b' })).found).toEqual(['invalid-name metadata.name']);
});

test('slices of headless Services are left out without a diagnostic', () => {
  const labels = { 'service.kubernetes.io/headless': '', 'kubernetes.io/service-name': 'gone' };
  const { snapshot, found } = check(slice({ addressType: 'FQDN' }, { labels }));
  expect(found).toEqual([]);
  expect(snapshot.endpointSlices).toEqual([]);
});

test('there may be more families than cluster IPs', () => {
  expect(check(service({ ipFamilies: ['IPv4', 'IPv6'] })).found).toEqual([]);
});

test('a Service without clusterIPs is checked by its clusterIP', () => {
  const spec = { clusterIP: 'fd00::1', clusterIPs: undefined };
  expect(check(service(spec)).found).toEqual(['wrong-family spec.clusterIP']);
  expect(check(service({ ...spec, ipFamilies: undefined })).found).toEqual([]);
});

test('reports all errors of an object at once, and each field once', () => {
  const spec = {
    type: 'NodePort',
    ports: [
      { port: 0, protocol: 'tcp' },
      { port: 80, name: 'A' },
      { nodePort: -1, port: 81, name: 'b' },
    ],
    externalIPs: ['x'],
    sessionAffinity: 'ClientIP',
    sessionAffinityConfig: { clientIP: { timeoutSeconds: 0 } },
  };
  expect(check(service(spec, { name: 'a b' })).found.sort()).toEqual([
    'invalid-address spec.externalIPs.0',
    'invalid-name metadata.name',
    'invalid-name spec.ports.1.name',
    'invalid-port spec.ports.0.port',
    'invalid-port spec.ports.2.nodePort',
    'invalid-timeout spec.sessionAffinityConfig.clientIP.timeoutSeconds',
    'unknown-value spec.ports.0.protocol',
    'unnamed-port spec.ports.0',
  ]);
});

test('errors come in the order of the documents', () => {
  const bad = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'A' } };
  expect(check(bad, 5, service({}, { name: 'B' }), bad).found).toEqual([
    'invalid-name metadata.name',
    'not-an-object ',
    'invalid-name metadata.name',
    'invalid-name metadata.name',
  ]);
});

test('an invalid object does not affect others', () => {
  const { snapshot, found } = check(service({ ports: [{ port: 0 }] }), service({}, { name: 'good' }), slice());
  expect(found).toEqual(['invalid-port spec.ports.0.port']);
  expect(snapshot.services.map(({ object }) => object.metadata.name)).toEqual(['good']);
  expect(snapshot.endpointSlices).toHaveLength(1);
});

test('two copies of an object count once, even if unused fields differ', () => {
  const { snapshot, found } = check(
    service({ selector: { app: 'web' } }, { resourceVersion: '1', annotations: { a: 'b' } }),
    service({ selector: null, externalIPs: null }, { resourceVersion: '2' }),
  );
  expect(found).toEqual([]);
  expect(snapshot.services).toHaveLength(1);
});

test('two objects of the same name with different content are both left out', () => {
  const { snapshot, found } = check(
    service(),
    service({ ports: [{ port: 81 }] }),
    service(),
    service({}, { namespace: 'other' }),
  );
  expect(found).toEqual(['duplicate-object ']);
  expect(snapshot.services.map(({ object }) => object.metadata.namespace)).toEqual(['other']);
});

test('the namespace default may be omitted', () => {
  const { found } = check(
    service({}, { namespace: undefined }),
    service({ ports: [{ port: 81 }] }, { namespace: 'default' }),
    slice({}, { namespace: 'default' }),
  );
  expect(found).toEqual(['duplicate-object ']);
});

test('source ranges of one family give a warning if the other has a load balancer address', () => {
  const ingress = (...ips: string[]) => ({ loadBalancer: { ingress: ips.map((ip) => ({ ip })) } });
  const both = {
    type: 'LoadBalancer',
    clusterIPs: ['10.96.0.10', 'fd00::1'],
    ipFamilies: ['IPv4', 'IPv6'],
    loadBalancerSourceRanges: ['10.0.0.0/8'],
  };
  const warned = ['ranges-do-not-apply spec.loadBalancerSourceRanges'];
  expect(check(service(both, {}, ingress('192.0.2.1', '2001:db8::1'))).found).toEqual(warned);
  expect(check(service(both, {}, ingress('192.0.2.1'))).found).toEqual([]);
  expect(
    check(service({ type: 'LoadBalancer', loadBalancerSourceRanges: ['10.0.0.0/8'] }, {}, ingress('2001:db8::1')))
      .found,
  ).toEqual([]);
});

test('names of JavaScript properties are ordinary names', () => {
  for (const kind of ['constructor', '__proto__', 'toString']) {
    expect([...check({ kind }).snapshot.unusedKinds]).toEqual([[kind, 1]]);
  }
  const text =
    '{"apiVersion":"v1","kind":"Service","metadata":{"name":{"toString":1},"__proto__":{"name":"x"}},"spec":{}}';
  const { documents } = readDocuments([{ file: 'in', content: Buffer.from(text) }]);
  expect(validate(documents).diagnostics.map(({ code }) => code)).toEqual(['wrong-type']);
});

test('does not throw for any value', () => {
  const kind = fc.constantFrom('Service', 'EndpointSlice', 'Node', 'ServiceCIDR', 'List', 'Pod', 7);
  const apiVersion = fc.constantFrom('v1', 'discovery.k8s.io/v1', 'networking.k8s.io/v1', 'v2', null);
  const key = fc.constantFrom(
    'name',
    'namespace',
    'labels',
    'ports',
    'port',
    'clusterIP',
    'clusterIPs',
    'ipFamilies',
    'externalIPs',
    'addresses',
    'endpoints',
    'ingress',
    'loadBalancer',
    'cidrs',
    'podCIDRs',
    'type',
    'conditions',
    'hints',
    '__proto__',
    'a/b~c',
  );
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { depthSize: 'small' },
      fc.jsonValue({ maxDepth: 1 }),
      fc.array(tie('tree')),
      fc.dictionary(key, tie('tree')),
    ),
  }));
  const object = fc.record(
    { kind, apiVersion, metadata: tree, spec: tree, status: tree, endpoints: tree, ports: tree, addressType: tree },
    { requiredKeys: ['kind'] },
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(object, tree), { maxLength: 4 }), (objects) => {
      const documents = documentsOf(objects);
      const { snapshot, diagnostics } = validate(documents);
      const kept = [snapshot.services, snapshot.endpointSlices, snapshot.nodes, snapshot.serviceCIDRs].flat();
      expect(kept.length).toBeLessThanOrEqual(documents.length);
      expect(diagnostics.every(({ message }) => message.length < 1000)).toBe(true);
    }),
    { numRuns: 100 },
  );
});

const full = [
  service(
    {
      type: 'LoadBalancer',
      ports: [{ name: 'http', port: 80, protocol: 'TCP', nodePort: 30080 }],
      externalIPs: ['198.19.0.5'],
      loadBalancerSourceRanges: ['203.0.113.0/24'],
      sessionAffinity: 'ClientIP',
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 10 } },
    },
    { labels: { app: 'web' }, creationTimestamp: '2026-01-31T12:00:00Z' },
    { loadBalancer: { ingress: [{ ip: '192.0.2.1', ipMode: 'VIP' }] } },
  ),
  slice({
    endpoints: [{ addresses: ['10.0.0.1'], conditions: { ready: true }, hints: { forZones: [{ name: 'a' }] } }],
  }),
  {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'worker-1' },
    spec: { podCIDR: '10.244.1.0/24', podCIDRs: ['10.244.1.0/24'] },
    status: { addresses: [{ type: 'InternalIP', address: '192.0.2.11' }] },
  },
  {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'ServiceCIDR',
    metadata: { name: 'k' },
    spec: { cidrs: ['10.96.0.0/12'] },
  },
];

/** The objects as JSON, with the value at one place of all of them replaced. */
function replaceOne(choice: number, replacement: unknown): unknown[] {
  let place = 0;
  const copy = (value: unknown): unknown => {
    place += 1;
    if (place === choice) {
      return replacement;
    }
    if (Array.isArray(value)) {
      return value.map(copy);
    }
    return typeof value === 'object' && value !== null
      ? Object.fromEntries(Object.entries(value).map(([key, child]) => [key, copy(child)]))
      : value;
  };
  return full.map(copy);
}

test('does not throw for any value anywhere, and reports every object that it drops', () => {
  expect(check(...full).found).toEqual([]);
  const hostile = fc.constantFrom(
    '',
    'None',
    '\n',
    '"',
    'a b',
    '..',
    '1.2.3.4',
    '::1',
    '1.2.3.4/5',
    '::/0',
    'IPv6',
    0,
    -1,
    65536,
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 80 }), fc.oneof(hostile, fc.jsonValue()), (choice, replacement) => {
      const { snapshot, found } = check({ kind: 'List', items: replaceOne(choice, replacement) });
      const kept = [snapshot.services, snapshot.endpointSlices, snapshot.nodes, snapshot.serviceCIDRs].flat();
      expect(kept.length + snapshot.unusedKinds.size < full.length && found.length === 0).toBe(false);
    }),
    { numRuns: 1000 },
  );
});

describe('a kind that is cut off', () => {
  test.each([
    { apiVersion: 'v1', items: [], kind: 'L' },
    { apiVersion: 'v1', items: [{ kind: 'Pod' }], kind: 'Lis' },
    { apiVersion: 'v1', kind: 'Servi' },
    { apiVersion: 'v1', kind: 'No' },
    { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlic' },
    { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSliceLi' },
    { apiVersion: 'networking.k8s.io/v1beta1', kind: 'ServiceC' },
    { kind: 'No' },
  ])('is told as such: %j', (object) => {
    const { diagnostics, snapshot } = validate(documentsOf([object]));
    const message = `kind is ${JSON.stringify(object.kind)}, where the input is cut off; get it again`;
    expect(diagnostics).toMatchObject([{ code: 'not-an-object', message, place: { path: ['kind'] } }]);
    expect([...snapshot.unusedKinds]).toEqual([]);
  });

  test.each([
    { kind: 'L', metadata: { name: 'a' } },
    { kind: 'Serve', items: [] },
    { kind: 'Endpoints', metadata: { name: 'a' } },
    { kind: 'KubeProxyConfiguration' },
    { apiVersion: 'example.com/v1', kind: 'No' },
    { apiVersion: 'serving.knative.dev/v1', kind: 'Servi' },
    { apiVersion: 'example.com/v1', kind: 'Lis' },
    { apiVersion: 'v1', kind: 'EndpointSl' },
    { apiVersion: 'v1', kind: 'ServiceC' },
    { apiVersion: 'discovery.k8s.io/v1', kind: 'NodeLi' },
    { apiVersion: 1, kind: 'No' },
  ])('is not one that is another kind: %j', (object) => {
    const { diagnostics, snapshot } = validate(documentsOf([object]));
    expect(diagnostics).toEqual([]);
    expect([...snapshot.unusedKinds.keys()]).toEqual([object.kind]);
  });
});

describe('kinds in another case, or plural', () => {
  const named = (kind: string, apiVersion?: string) => ({ apiVersion, kind, metadata: { name: 'a' } });

  test.each([
    ['service', 'v1', 'Service'],
    ['services', 'v1', 'Service'],
    ['Services', undefined, 'Service'],
    ['SERVICE', 'discovery.k8s.io/v1', 'Service'],
    ['EndpointSlices', 'discovery.k8s.io/v1', 'EndpointSlice'],
    ['endpointslice', 'discovery.k8s.io/v1', 'EndpointSlice'],
    ['Endpointslice', 'v1', 'EndpointSlice'],
    ['nodes', 'v1', 'Node'],
    ['ServiceCidr', 'networking.k8s.io/v1', 'ServiceCIDR'],
    ['serviceCIDRs', 'networking.k8s.io/v1', 'ServiceCIDR'],
    ['list', 'v1', 'List'],
    ['servicelist', 'v1', 'ServiceList'],
  ])('%s (%s): %s is meant', (kind, apiVersion, meant) => {
    const { diagnostics, snapshot } = validate(documentsOf([named(kind, apiVersion)]));
    expect(diagnostics).toMatchObject([
      {
        code: 'misspelled-kind',
        message: `Kubernetes has no kind "${kind}"; did you mean ${meant}?`,
        place: { path: ['kind'] },
      },
    ]);
    expect([...snapshot.unusedKinds]).toEqual([]);
  });

  test.each([
    ['service', 'serving.knative.dev/v1'],
    ['Nodes', 'management.cattle.io/v3'],
    ['Endpoints', 'v1'],
    ['ServiceAccount', 'v1'],
    ['NodeMetrics', 'metrics.k8s.io/v1beta1'],
    ['Servicess', 'v1'],
  ])('%s (%s) is another kind', (kind, apiVersion) => {
    const { diagnostics, snapshot } = validate(documentsOf([named(kind, apiVersion)]));
    expect(diagnostics).toEqual([]);
    expect([...snapshot.unusedKinds]).toEqual([[kind, 1]]);
  });

  test('one message for all of a kind, before others and in place of what follows', () => {
    const broken = { ...service(), spec: { clusterIP: 'x', ports: [] } };
    const { diagnostics, lacking } = validate(
      documentsOf([broken, slice(), ...Array(3).fill(named('services', 'v1'))]),
    );
    expect(diagnostics[0]?.message).toBe('Kubernetes has no kind "services"; did you mean Service? (3 times)');
    expect(lacking).toEqual([]);
  });
});

describe('versions of an object', () => {
  const version = (resourceVersion: string, metadata: object = {}, spec: object = {}) =>
    service(spec, { resourceVersion, ...metadata });
  const deleted = { deletionTimestamp: '2026-01-01T00:00:00Z' };
  const advice = /; if a watch printed them, add --output-watch-events to kubectl get -w$/;
  const stream = (...objects: readonly object[]) => {
    const content = Buffer.from(objects.map((object) => JSON.stringify(object)).join('\n'));
    return validate(readDocuments([{ file: 'watch.json', content }]).documents);
  };

  test.each([
    ['of one stream', [version('1'), version('2', {}, { ports: [{ port: 81 }] })]],
    [
      'of one stream, three of them',
      [version('1'), version('2'), version('3', {}, { clusterIP: '10.96.0.11', clusterIPs: null })],
    ],
    ['the last with a deletionTimestamp', [version('1'), version('2', deleted)]],
    ['all with a deletionTimestamp', [version('1', deleted), version('2', deleted)]],
  ])('%s: neither counts, and the way to print a watch is named', (_, objects) => {
    const { diagnostics, snapshot } = stream(...objects);
    expect(diagnostics).toMatchObject([{ code: 'duplicate-object', message: expect.stringMatching(advice) }]);
    expect(snapshot.services).toEqual([]);
  });

  test.each([
    ['without resourceVersion', [service(), service({ ports: [{ port: 81 }] })]],
    ['with the same one', [version('1'), version('1', {}, { ports: [{ port: 81 }] })]],
    ['as items of a list', [{ kind: 'List', items: [version('1'), version('2', deleted)] }]],
  ])('%s: no advice', (_, objects) => {
    const { diagnostics } = stream(...objects);
    expect(diagnostics).toMatchObject([{ code: 'duplicate-object', message: expect.not.stringMatching(advice) }]);
  });

  test.each([
    ['two versions', [version('1'), version('2')]],
    ['twice the same that is being deleted', [version('1', deleted), version('1', deleted)]],
    ['a deletionTimestamp of null', [version('1'), version('2', { deletionTimestamp: null })]],
    ['manifests without resourceVersion', [service({}, deleted), service({}, deleted)]],
  ])('with equal content count once: %s', (_, objects) => {
    const { diagnostics, snapshot } = stream(...objects);
    expect([diagnostics, snapshot.services.length]).toEqual([[], 1]);
  });

  test('objects of a client library have a Date', () => {
    const { diagnostics } = validate(documentsOf([version('1'), version('2', { deletionTimestamp: new Date(0) })]));
    expect(diagnostics.map(({ code }) => code)).toContain('duplicate-object');
  });
});
