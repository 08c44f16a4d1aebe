import fc from 'fast-check';

/** A Kubernetes object as the tests build it. */
export type Manifest = Record<string, unknown>;

const protocols = ['TCP', 'UDP', 'SCTP'] as const;
const policies = ['Cluster', 'Local'] as const;
const nodes = ['worker-1', 'worker-2'] as const;
const zones = ['zone-a', 'zone-b'] as const;

/** Addresses of frontends: cluster IPs, one that no Service has, an external IP, the node's own. */
const frontendAddresses = {
  IPv4: ['10.96.0.1', '10.96.0.3', '10.96.0.200', '198.19.0.1', '192.0.2.11'],
  IPv6: ['fd00:10:96::1', 'fd00:10:96::3', 'fd00:10:96::200', '2001:db8:e::1', '2001:db8:a::11'],
} as const;

const podAddress = (family: 'IPv4' | 'IPv6') =>
  fc
    .integer({ min: 1, max: 30 })
    .map((host) => (family === 'IPv4' ? `10.244.1.${host}` : `fd00:10:244:1::${host.toString(16)}`));

const endpoint = (family: 'IPv4' | 'IPv6', isOdd: boolean) =>
  fc.record(
    {
      addresses: fc
        .oneof(
          { weight: 15, arbitrary: podAddress(family) },
          { weight: isOdd ? 1 : 0, arbitrary: fc.constantFrom(...frontendAddresses[family]) },
        )
        .map((address) => [address]),
      nodeName: fc.constantFrom(...nodes),
      conditions: fc.record(
        { ready: fc.boolean(), serving: fc.boolean(), terminating: fc.boolean() },
        { requiredKeys: [] },
      ),
      hints: fc.record({ forZones: fc.constantFrom(...zones).map((name) => [{ name }]) }),
    },
    { requiredKeys: ['addresses'] },
  );

const slice = (service: string, number: number, family: 'IPv4' | 'IPv6', oddities: readonly Oddity[]) =>
  fc.record({
    apiVersion: fc.constant('discovery.k8s.io/v1'),
    kind: fc.constant('EndpointSlice'),
    metadata: fc.constant({
      name: `${service}-${family.toLowerCase()}-${number}`,
      namespace: 'shop',
      labels: { 'kubernetes.io/service-name': service },
    }),
    addressType: fc.constant(family),
    // 30002 is a node port of some Services.
    ports: fc.constantFrom(...(oddities.includes('ports') ? [8080, 8080, 8080, 30002] : [8080])).map((port) => [
      { name: 'a', port, protocol: protocols[number % 3] },
      { name: 'b', port: 9090, protocol: 'TCP' },
    ]),
    endpoints: fc.array(endpoint(family, oddities.includes('addresses')), { maxLength: 5 }),
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

/** None, a range of all pods that say to be on the node, or of some. */
const podRanges = [[], ['10.244.1.0/24', 'fd00:10:244:1::/64'], ['10.244.1.0/28', 'fd00:10:244:1::/124']] as const;

const node = (podCIDRs: readonly string[]): Manifest => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: nodeName, labels: { 'topology.kubernetes.io/zone': 'zone-a' } },
  spec: { podCIDRs },
  status: {
    addresses: [
      { type: 'InternalIP', address: '192.0.2.11' },
      { type: 'InternalIP', address: '2001:db8:a::11' },
    ],
  },
});

/** Valid clusters of up to six Services with up to two slices for each family, in every mixture of features. */
export const arbitraryCluster: fc.Arbitrary<Manifest[]> = clusterOf([]);

/** The same, with slices as nobody but a user writes them: some endpoints have addresses of frontends. */
export const arbitraryOddCluster: fc.Arbitrary<Manifest[]> = clusterOf(['addresses']);

/** And some have ports that are node ports. */
export const arbitraryOddestCluster: fc.Arbitrary<Manifest[]> = clusterOf(['addresses', 'ports']);

/** What endpoints have in common with frontends. */
type Oddity = 'addresses' | 'ports';

function clusterOf(oddities: readonly Oddity[]): fc.Arbitrary<Manifest[]> {
  return fc
    .integer({ min: 0, max: 6 })
    .chain((count) =>
      fc.tuple(
        ...Array.from({ length: count }, (_, number) =>
          fc.tuple(
            service(number),
            fc.array(slice(`service-${number}`, number, 'IPv4', oddities), { maxLength: 1 }),
            fc.array(slice(`service-${number}`, number, 'IPv6', oddities), { maxLength: 1 }),
          ),
        ),
      ),
    )
    .chain((parts) =>
      fc
        .constantFrom(...podRanges)
        .map((ranges) => [node(ranges), ...parts.flatMap(([one, v4, v6]) => [one, ...v4, ...v6])]),
    );
}
