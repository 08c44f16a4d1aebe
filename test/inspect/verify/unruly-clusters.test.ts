import fc from 'fast-check';
import { expect, test } from 'vitest';
import { documentsOf } from '../../../src/phases/1-read/read-documents.ts';
import { arbitraryOddCluster, type Manifest, nodeName } from '../../support/arbitrary-cluster.ts';
import { linesOf, sidesOf } from './verify-objects.ts';

/** What makes the Services of a random cluster conflict with each other, and with the node. */
const arbitraryTwist = fc.record({
  externalIPs: fc.subarray(['192.0.2.11', '10.96.0.2', '10.96.0.1', '198.18.0.1', '2001:db8:a::11', 'fd00:10:96::2']),
  ingress: fc.subarray([{ ip: '192.0.2.11' }, { ip: '198.19.0.1' }, { ip: '2001:db8:a::11' }, { ip: '10.96.0.1' }]),
  // 30000 and 30001 are node ports as well.
  port: fc.constantFrom(80, 81, 30000, 30001),
  ranges: fc.constantFrom([], ['192.0.2.11/32'], ['10.244.0.0/16'], ['203.0.113.0/24', '192.0.2.0/25'], ['10.0.0.0/8']),
  forNodes: fc.constantFrom(undefined, [{ name: 'worker-1' }], [{ name: 'worker-2' }]),
  twin: fc.boolean(),
  hostNetwork: fc.boolean(),
});

type Twist = typeof arbitraryTwist extends fc.Arbitrary<infer Value> ? Value : never;
type Fields = { readonly [Field: string]: unknown };

function twistService(service: Manifest, { externalIPs, ingress, port, ranges }: Twist): Manifest {
  const spec = service['spec'] as Fields & { readonly ports: readonly Fields[] };
  const ports = spec.ports.map((each, index) => (index === 0 ? { ...each, port } : each));
  return {
    ...service,
    spec: { ...spec, ports, externalIPs, loadBalancerSourceRanges: ranges },
    status: { loadBalancer: { ingress } },
  };
}

/** Endpoints with hints for nodes; one at the node's own address; a second slice that contradicts the first about some. */
function twistSlice(slice: Manifest, { forNodes, hostNetwork, twin }: Twist): Manifest[] {
  const hostAddress = slice['addressType'] === 'IPv4' ? '192.0.2.11' : '2001:db8:a::11';
  const endpoints = (slice['endpoints'] as readonly Fields[]).map((endpoint, index) => ({
    ...endpoint,
    ...(hostNetwork && index === 0 && { addresses: [hostAddress] }),
    ...(forNodes && { hints: { forNodes } }),
  }));
  const metadata = slice['metadata'] as Fields;
  const other = {
    ...slice,
    metadata: { ...metadata, name: `${String(metadata['name'])}-z` },
    endpoints: endpoints.slice(0, 2).map((endpoint) => ({ ...endpoint, nodeName, conditions: { ready: true } })),
  };
  return [{ ...slice, endpoints }, ...(twin ? [other] : [])];
}

function twistObject(object: Manifest, twist: Twist | undefined): Manifest[] {
  if (!twist || object['kind'] === 'Node') {
    return [object];
  }
  return object['kind'] === 'Service' ? [twistService(object, twist)] : twistSlice(object, twist);
}

const arbitraryOptions = fc.record({
  targetNft: fc.constantFrom('1.0.6' as const, '1.1.3' as const),
  masqueradeAll: fc.boolean(),
  nodePortAddresses: fc.constantFrom([], ['all'], ['192.0.2.0/24'], ['198.51.100.0/24'], ['localhost']),
  clusterCIDRs: fc.constantFrom([], ['10.244.0.0/16', 'fd00:10:244::/48'], ['10.244.1.0/24'], ['0.0.0.0/0']),
  nodeAddresses: fc.constantFrom([], ['192.0.2.11', '192.0.2.12', '2001:db8:a::11']),
});

test('rulesets for Services with conflicting claims are correct', () => {
  const twists = fc.array(arbitraryTwist, { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(arbitraryOddCluster, twists, arbitraryOptions, (objects, chosen, options) => {
      const cluster = objects.flatMap((object, index) => twistObject(object, chosen[index % chosen.length]));
      const sides = sidesOf(documentsOf(cluster), { nodeName, ...options });
      expect(sides.flatMap((side) => linesOf(side))).toEqual([]);
    }),
    { numRuns: 100 },
  );
});
