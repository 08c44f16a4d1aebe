import { describe, expect, test } from 'vitest';
import { compileRulesets } from '../../../src/compile.ts';
import { severityOf } from '../../../src/diagnostics/diagnostic.ts';
import type { CompileOptions } from '../../../src/options.ts';
import { documentsOf } from '../../../src/phases/1-read/read-documents.ts';

/*
 * What an API server accepts never stops a compilation, because any tenant could stop every node with it. Its validation
 * is in pkg/apis/core/validation and pkg/apis/discovery/validation; neither checks the addresses of Nodes or the port
 * numbers of EndpointSlices.
 */

const options: Partial<CompileOptions> = { nodeName: 'n1', clusterCIDRs: ['10.42.0.0/16'], families: ['ip'] };

function service(spec: object = {}, others: object = {}) {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'app', namespace: 'd' },
    spec: { clusterIP: '10.43.0.31', ports: [{ name: 'http', port: 80 }], ...spec },
    ...others,
  };
}

function slice(fields: object = {}, name = 'app-1') {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, namespace: 'd', labels: { 'kubernetes.io/service-name': 'app' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.42.0.6'], nodeName: 'n1' }],
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    ...fields,
  };
}

function node(addresses: readonly object[] | null, spec: object = {}, name = 'n1') {
  return { apiVersion: 'v1', kind: 'Node', metadata: { name }, spec, status: { addresses } };
}

function internal(...addresses: readonly (string | null)[]) {
  return addresses.map((address) => ({ type: 'InternalIP', address }));
}

const here = node(internal('192.0.2.11'));

function compileObjects(objects: readonly unknown[], more: Partial<CompileOptions> = {}) {
  const { views, diagnostics } = compileRulesets(documentsOf(objects), { ...options, ...more });
  const [view] = views;
  return {
    said: diagnostics.map(
      (diagnostic) => `${severityOf(diagnostic)} ${diagnostic.code} ${diagnostic.place?.path.join('.')}`,
    ),
    view,
    endpoints: view?.servicePorts.flatMap(({ endpoints }) =>
      endpoints.map(({ endpointAddress: { address, port } }) => `${address}:${port}`),
    ),
  };
}

describe('slices', () => {
  test.each([
    ['of another Service', { metadata: { name: 'saas', namespace: 'd', labels: {} } }],
    ['of the same Service', { metadata: slice().metadata }],
    ['with everything odd', { metadata: { name: 'saas' }, endpoints: null, ports: [{ port: null }, { port: -1 }] }],
  ])('of addressType FQDN are ignored with a warning: %s', (_, fields) => {
    const names = slice({ addressType: 'FQDN', endpoints: [{ addresses: ['db.example.net'] }], ...fields }, 'saas');
    const { said, endpoints } = compileObjects([service(), slice({}, 'app-0'), here, names]);
    expect(said).toEqual(['warning unsupported-address-type addressType']);
    expect(endpoints).toEqual(['10.42.0.6:8080']);
  });

  test.each([[70_000], [0], [-0], [-1], [65_536], [2_147_483_647]])('a port %i is ignored with a warning', (port) => {
    const ports = [
      { name: 'http', port },
      { name: 'https', port: 65_535, protocol: 'TCP' },
    ];
    const both = service({ ports: [...service().spec.ports, { name: 'https', port: 443 }] });
    const { said, endpoints } = compileObjects([both, slice({ ports }), here]);
    expect(said).toEqual(['warning ignored-port ports.0.port']);
    expect(endpoints).toEqual(['10.42.0.6:65535']);
  });

  test.each([
    ['no ports', { ports: null }],
    ['a port without a number', { ports: [{ name: 'http', port: null }] }],
    ['no endpoints', { endpoints: null }],
  ])('%s', (_, fields) => {
    const { said, endpoints } = compileObjects([service(), slice(fields), here]);
    expect(said).toEqual([]);
    expect(endpoints).toEqual([]);
  });

  test('an endpoint without addresses is accepted by none, and ignored', () => {
    const endpoints = [{ addresses: [] }, { addresses: null }, {}, { addresses: ['10.42.0.6'] }];
    const compiled = compileObjects([service(), slice({ endpoints }), here]);
    expect(compiled.said).toEqual(
      [0, 1, 2].map((index) => `warning refused-by-api-server endpoints.${index}.addresses`),
    );
    expect(compiled.endpoints).toEqual(['10.42.0.6:8080']);
  });

  test.each([
    ['several addresses, of which the first counts', ['10.42.0.6', '10.42.0.7', 'what?'], '10.42.0.6:8080'],
    ['leading zeros', ['10.042.000.06'], '10.42.0.6:8080'],
    ['IPv4 mapped into IPv6', ['::ffff:10.42.0.6'], '10.42.0.6:8080'],
  ])('%s', (_, addresses, expected) => {
    const { said, endpoints } = compileObjects([service(), slice({ endpoints: [{ addresses }] }), here]);
    expect(said).toEqual([]);
    expect(endpoints).toEqual([expected]);
  });
});

test.each(['0.1.2.3', '224.0.1.1', '239.0.0.1', '255.255.255.255', '::ffff:239.0.0.1'])(
  'an endpoint %s is ignored with a warning',
  (address) => {
    const fields = { endpoints: [{ addresses: [address] }, { addresses: ['10.42.0.6'] }] };
    const { said, endpoints } = compileObjects([service(), slice(fields), here]);
    expect(said).toEqual(['warning ignored-address endpoints.0.addresses.0']);
    expect(endpoints).toEqual(['10.42.0.6:8080']);
  },
);

describe('Nodes', () => {
  test.each([
    ['a name as address', node(internal('vk-0.internal'), {}, 'vk')],
    ['an empty address and one that is missing', node([...internal('', null), {}, { type: 'ExternalIP' }], {}, 'vk')],
    ['a pod range that is none', node(null, { podCIDR: 'none', podCIDRs: ['none', ''] }, 'vk')],
    ['an unknown type', node([{ type: 'Tunnel', address: '{}' }], {}, 'vk')],
  ])('another one with %s does not matter', (_, other) => {
    expect(compileObjects([service(), slice(), here, other]).said).toEqual([]);
    expect(compileObjects([service(), slice(), other, here], { detectLocalMode: 'ClusterCIDR' }).said).toEqual([]);
  });

  test.each([
    [['n1.internal', '192.0.2.11'], 0],
    [['192.0.2.11', '192.0.2.300'], 1],
    [['192.0.2.11/24', '192.0.2.11'], 0],
  ])('of the own addresses %j the good one is used', (addresses, index) => {
    for (const keepGoing of [false, true]) {
      const { said, view } = compileObjects([service(), slice(), node(internal(...addresses))], { keepGoing });
      expect(said).toEqual([`warning ignored-address status.addresses.${index}.address`]);
      expect(view?.addresses).toEqual(['192.0.2.11']);
    }
  });

  test.each([
    ['with leading zeros', '192.000.002.011'],
    ['IPv4 mapped into IPv6', '::ffff:192.0.2.11'],
    ['mapped and in hexadecimal', '::FFFF:c000:20b'],
  ])('an own address %s is read', (_, address) => {
    const { said, view } = compileObjects([service(), slice(), node(internal(address))]);
    expect(said).toEqual([]);
    expect(view?.addresses).toEqual(['192.0.2.11']);
  });

  test('own addresses that are not valid do not matter when others are given', () => {
    const { said, view } = compileObjects([node(internal('n1.internal'))], { nodeAddresses: ['192.0.2.50'] });
    expect(said).toEqual([]);
    expect(view?.addresses).toEqual(['192.0.2.50']);
  });

  test('without any valid address the node has none, and both is said', () => {
    const { said } = compileObjects([service(), slice(), node(internal('n1.internal', ''))]);
    expect(said).toEqual(['warning ignored-address status.addresses.0.address', 'warning no-node-address undefined']);
  });

  test.each([
    [{ podCIDRs: ['none', '10.42.7.0/24'] }, ['warning ignored-address spec.podCIDRs.0']],
    [{ podCIDR: 'none', podCIDRs: ['10.42.7.0/24'] }, []],
    [{ podCIDR: '::ffff:10.42.7.0/120' }, []],
  ])('own pod ranges %j', (spec, expected) => {
    const objects = [service(), slice(), node(internal('192.0.2.11'), spec)];
    const { said, view } = compileObjects(objects, { detectLocalMode: 'NodeCIDR' });
    expect(said).toEqual(expected);
    expect(view?.detector).toEqual({ kind: 'source', cidr: '10.42.7.0/24' });
    expect(compileObjects(objects).said).toEqual([]);
  });
});

describe('Services', () => {
  test.each([
    ['an ExternalName with an empty cluster IP', { type: 'ExternalName', externalName: 'x.org', clusterIP: '' }],
    ['a headless one without ports', { clusterIP: 'None', ports: null }],
    ['an unknown trafficDistribution', { trafficDistribution: 'PreferMoon' }],
    [
      'affinity with unknown fields',
      { sessionAffinity: 'None', sessionAffinityConfig: { clientIP: null, cookie: {} } },
    ],
    [
      'fields of a later release',
      { newField: [{}], ports: [{ name: 'http', port: 80, appProtocol: 'x/y', weight: 3 }] },
    ],
    ['nothing in optional fields', { externalIPs: null, loadBalancerSourceRanges: null, ipFamilies: null }],
    ['an external IP that is blank', { externalIPs: [' ', ''] }],
  ])('%s', (_, spec) => {
    expect(compileObjects([service(spec), slice(), here]).said).toEqual([]);
  });

  test.each([
    ['leading zeros', { externalIPs: ['198.019.000.005'] }],
    ['blanks', { externalIPs: [' 198.19.0.5 '] }],
    ['IPv4 mapped into IPv6', { externalIPs: ['::ffff:198.19.0.5'] }],
  ])('external IPs with %s', (_, spec) => {
    const { said, view } = compileObjects([service(spec), slice(), here]);
    expect(said).toEqual([]);
    expect(view?.servicePorts[0]?.externalIPs).toEqual(['198.19.0.5']);
  });

  test.each([
    ['::ffff:10.0.0.0/104', '10.0.0.0/8'],
    [' 10.1.2.3/8 ', '10.0.0.0/8'],
    ['010.000.000.000/008', '10.0.0.0/8'],
    ['::FFFF:a00:0/128', '10.0.0.0/32'],
  ])('the source range %j', (range, expected) => {
    const status = { loadBalancer: { ingress: [{ ip: '198.19.0.5' }] } };
    const { said, view } = compileObjects([
      service({ type: 'LoadBalancer', loadBalancerSourceRanges: [range] }, { status }),
      slice(),
      here,
    ]);
    expect(said).toEqual([]);
    const [cidr] = view?.servicePorts[0]?.sourceRanges ?? [];
    expect(`${cidr?.address}/${cidr?.prefix}`).toBe(expected);
  });

  test('a range of all mapped addresses allows every client of IPv4', () => {
    const status = { loadBalancer: { ingress: [{ ip: '198.19.0.5' }] } };
    const spec = { type: 'LoadBalancer', loadBalancerSourceRanges: ['::ffff:0:0/96'] };
    expect(compileObjects([service(spec, { status }), slice(), here]).view?.servicePorts[0]?.sourceRanges).toEqual([]);
  });

  test.each([
    '127.0.0.1',
    '0.0.0.0',
    '0.255.0.1',
    '224.0.0.1',
    '239.255.255.255',
    '255.255.255.255',
    '::ffff:127.1.2.3',
  ])('a cluster IP of any ServiceCIDR, %s, is ignored with a warning', (clusterIP) => {
    const { said, view } = compileObjects([service({ clusterIP }), slice(), here]);
    expect(said).toEqual(['warning ignored-address spec.clusterIP']);
    expect(view?.servicePorts).toEqual([]);
  });

  test.each(['127.0.0.1', '0.0.0.0', '225.1.1.1', '255.255.255.255', '127.255.255.255', '::1', 'ff0e::1'])(
    'a load balancer IP %s is ignored with a warning',
    (ip) => {
      const status = { loadBalancer: { ingress: [{ ip: '198.19.0.5' }, { ip }, { ip, ipMode: 'Proxy' }] } };
      const { said, view } = compileObjects([service({ type: 'LoadBalancer' }, { status }), slice(), here]);
      expect(said).toEqual(['warning ignored-address status.loadBalancer.ingress.1.ip']);
      expect(view?.servicePorts[0]?.loadBalancerIPs).toEqual(['198.19.0.5']);
    },
  );

  test.each(['0.1.2.3', '224.0.1.1', '239.0.0.1', '255.255.255.255', 'ff05::2'])(
    'an external IP %s is ignored with a warning',
    (ip) => {
      const { said, view } = compileObjects([service({ externalIPs: [ip, '198.19.0.5'] }), slice(), here]);
      expect(said).toEqual(['warning ignored-address spec.externalIPs.0']);
      expect(view?.servicePorts[0]?.externalIPs).toEqual(['198.19.0.5']);
    },
  );

  test.each(['1.0.0.1', '126.255.255.255', '128.0.0.1', '223.255.255.255', '240.0.0.1', '254.0.0.1', '12.7.0.1'])(
    'a cluster IP, an external IP and an endpoint %s beside the special ranges are served',
    (address) => {
      const objects = [
        service({ clusterIP: address, externalIPs: [address] }),
        slice({ endpoints: [{ addresses: [address] }] }),
      ];
      const { said, view, endpoints } = compileObjects([...objects, here]);
      expect(said).toEqual([]);
      expect(view?.servicePorts[0]).toMatchObject({ clusterIP: address, externalIPs: [address] });
      expect(endpoints).toEqual([`${address}:8080`]);
    },
  );

  test.each([
    ['a hostname beside it', [{ hostname: 'lb.example.org', ip: 'lb.example.org' }, { ip: '198.19.0.5' }]],
    ['nothing beside it', [{ ip: '198.19.0' }, { ip: '198.19.0.5' }]],
    [
      'ipMode Proxy',
      [
        { ip: 'x', ipMode: 'Proxy' },
        { ip: '::ffff:198.19.0.5', ipMode: 'VIP' },
      ],
    ],
  ])('a load balancer address that is none is ignored with a warning: %s', (_, ingress) => {
    const status = { loadBalancer: { ingress } };
    const { said, view } = compileObjects([service({ type: 'LoadBalancer' }, { status }), slice(), here]);
    expect(said).toEqual(['warning ignored-address status.loadBalancer.ingress.0.ip']);
    expect(view?.servicePorts[0]?.loadBalancerIPs).toEqual(['198.19.0.5']);
  });
});

test.each<[string, object, string]>([
  ['an unknown address type', slice({ addressType: 'ipv4' }), 'error unknown-value addressType'],
  [
    'an unknown protocol',
    slice({ ports: [{ name: 'http', port: 1, protocol: 'tcp' }] }),
    'error unknown-value ports.0.protocol',
  ],
  ['a port in quotes', slice({ ports: [{ name: 'http', port: '1' }] }), 'error wrong-type ports.0.port'],
  [
    'a source range that is none',
    service({ loadBalancerSourceRanges: ['10.0.0.0'] }),
    'error invalid-cidr spec.loadBalancerSourceRanges.0',
  ],
  ['an external IP that is none', service({ externalIPs: ['198.19.0'] }), 'error invalid-address spec.externalIPs.0'],
  [
    'a blank source range',
    service({ type: 'LoadBalancer', loadBalancerSourceRanges: ['10.0.0.0/8', ' '] }),
    'error invalid-cidr spec.loadBalancerSourceRanges.1',
  ],
  ...['127.0.0.1', '0.0.0.0', '169.254.169.254', '224.0.0.1', '::1', '::', 'fe80::1', 'ff12::1'].map(
    (ip): [string, object, string] => [
      `an external IP ${ip}`,
      service({ externalIPs: ['198.19.0.5', ip] }),
      'error special-address spec.externalIPs.1',
    ],
  ),
  ...['127.0.0.1', '0.0.0.0', '169.254.0.1', '224.0.0.255', '0127.0.0.1'].map((address): [string, object, string] => [
    `an endpoint ${address}`,
    slice({ endpoints: [{ addresses: [address] }] }),
    'error special-address endpoints.0.addresses.0',
  ]),
])('what an API server refuses stays an error: %s', (_, object, expected) => {
  expect(compileObjects([object, here]).said).toContain(expected);
});
