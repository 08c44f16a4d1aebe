import fc from 'fast-check';

/** A Kubernetes object as the tests build it. */
export type Manifest = Record<string, unknown>;

const protocols = ['TCP', 'UDP', 'SCTP'] as const;
const policies = ['Cluster', 'Local'] as const;
const nodes = ['worker-1', 'worker-2'] as const;
const zones = ['zone-a', 'zone-b'] as const;

const endpoint = (family: 'IPv4' | 'IPv6') =>
  fc.record(
    {
      addresses: fc
        .integer({ min: 1, max: 30 })
        .map((host) => [family === 'IPv4' ? `10.244.1.${host}` : `fd00:10:244:1::${host.toString(16)}`]),
      nodeName: fc.constantFrom(...nodes),
      conditions: fc.record(
        { ready: fc.boolean(), serving: fc.boolean(), terminating: fc.boolean() },
        { requiredKeys: [] },
      ),
      hints: fc.record({ forZones: fc.constantFrom(...zones).map((name) => [{ name }]) }),
    },
    { requiredKeys: ['addresses'] },
  );

const slice = (service: string, number: number, family: 'IPv4' | 'IPv6') =>
  fc.record({
    apiVersion: fc.constant('discovery.k8s.io/v1'),
    kind: fc.constant('EndpointSlice'),
    metadata: fc.constant({
      name: `${service}-${family.toLowerCase()}-${number}`,
      namespace: 'shop',
      labels: { 'kubernetes.io/service-name': service },
    }),
    addressType: fc.constant(family),
    ports: fc.constant([
      { name: 'a', port: 8080, protocol: protocols[number % 3] },
      { name: 'b', port: 9090, protocol: 'TCP' },
    ]),
    endpoints: fc.array(endpoint(family), { maxLength: 5 }),
  });

const service = (number: number) =>
  fc
    .record({
      type: fc.constantFrom('ClusterIP', 'NodePort', 'LoadBalancer'),
      internalTrafficPolicy: fc.constantFrom(...policies),
      externalTrafficPolicy: fc.constantFrom(...policies),
      sessionAffinity: fc.constantFrom('None', 'ClientIP'),
      // Few values, so that Services often want the same.
      nodePort: fc.integer({ min: 30000, max: 30003 }),
      externalIPs: fc.subarray(['198.19.0.1', '198.19.0.2', '2001:db8:e::1']),
      loadBalancerSourceRanges: fc.subarray(['203.0.113.0/24', '203.0.113.0/25', '192.0.2.0/24', '2001:db8:ff::/64']),
      ingress: fc.subarray([{ ip: '198.18.0.1' }, { ip: '2001:db8:1b::1' }, { ip: '198.18.0.2', ipMode: 'Proxy' }]),
      creationTimestamp: fc.option(fc.constantFrom('2026-01-01T00:00:00Z', '2026-02-01T00:00:00Z')),
    })
    .map(({ nodePort, ingress, creationTimestamp, ...spec }): Manifest => {
      const ports = [
        { name: 'a', port: 80, protocol: protocols[number % 3], nodePort: spec.type === 'ClusterIP' ? 0 : nodePort },
        { name: 'b', port: 81, protocol: 'TCP' },
      ];
      const clusterIPs = [`10.96.0.${number + 1}`, `fd00:10:96::${number + 1}`];
      return {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: `service-${number}`, namespace: 'shop', creationTimestamp },
        spec: { ...spec, clusterIP: clusterIPs[0], clusterIPs, ipFamilies: ['IPv4', 'IPv6'], ports },
        status: { loadBalancer: { ingress } },
      };
    });

/** The node that the clusters below have; give it as nodeName. */
export const nodeName = 'worker-1';

const node: Manifest = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: nodeName, labels: { 'topology.kubernetes.io/zone': 'zone-a' } },
  status: {
    addresses: [
      { type: 'InternalIP', address: '192.0.2.11' },
      { type: 'InternalIP', address: '2001:db8:a::11' },
    ],
  },
};

/** Valid clusters of up to six Services with up to two slices for each family, in every mixture of features. */
export const arbitraryCluster: fc.Arbitrary<Manifest[]> = fc
  .integer({ min: 0, max: 6 })
  .chain((count) =>
    fc.tuple(
      ...Array.from({ length: count }, (_, number) =>
        fc.tuple(
          service(number),
          fc.array(slice(`service-${number}`, number, 'IPv4'), { maxLength: 1 }),
          fc.array(slice(`service-${number}`, number, 'IPv6'), { maxLength: 1 }),
        ),
      ),
    ),
  )
  .map((parts) => [node, ...parts.flatMap(([one, v4, v6]) => [one, ...v4, ...v6])]);
