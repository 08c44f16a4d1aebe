import { isIP } from 'node:net';
import fc from 'fast-check';
import type { ObjectReference } from '../../src/diagnostics/diagnostic.ts';
import type { CompileOptions } from '../../src/options.ts';
import { arbitraryOddestCluster, type Manifest, nodeName } from './arbitrary-cluster.ts';

/** One change of a cluster: objects that come or are changed, and objects that go. */
export interface RandomChange {
  readonly apply: readonly Manifest[];
  readonly remove: readonly ObjectReference[];
}

/** Node objects that differ in every way that matters, one of them invalid, and one of another node. */
const nodes: readonly Manifest[] = [
  node({ zone: 'zone-a', addresses: ['192.0.2.11', '2001:db8:a::11'] }),
  node({
    zone: 'zone-a',
    addresses: ['192.0.2.11', '2001:db8:a::11'],
    podCIDRs: ['10.244.1.0/28', 'fd00:10:244:1::/64'],
  }),
  node({ zone: 'zone-b', addresses: ['192.0.2.11', '2001:db8:a::11'] }),
  node({ addresses: ['192.0.2.12'] }),
  node({ zone: 'zone-a', addresses: [] }),
  node({ zone: 'zone-a', addresses: ['not an address'] }),
  node({ zone: 'zone-a', addresses: ['not an address', '192.0.2.12'] }),
  { ...node({ addresses: ['192.0.2.99'] }), metadata: { name: 'worker-9' } },
];

const cidrs: readonly Manifest[] = [
  serviceCIDR('kubernetes', ['10.96.0.0/16', 'fd00:10:96::/108']),
  serviceCIDR('kubernetes', ['10.96.0.0/12']),
  serviceCIDR('more', ['10.96.0.0/16', '10.112.0.0/16']),
];

/** Single objects of random clusters, so that slices come before their Services and Services without slices. */
const someObjects = arbitraryOddestCluster.chain((objects) =>
  fc.subarray(objects, { maxLength: Math.min(objects.length, 4) }),
);

const broken: readonly Manifest[] = [
  { apiVersion: 'v1', kind: 'Service', metadata: { name: 'service-0', namespace: 'shop' }, spec: { clusterIP: 'x' } },
  { apiVersion: 'serving.knative.dev/v1', kind: 'Service', metadata: { name: 'service-1', namespace: 'shop' } },
  { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'service-1', namespace: 'shop' } },
];

const names = ['service-0', 'service-1', 'service-2', 'service-3'];
const references: readonly ObjectReference[] = [
  ...names.map((name) => ({ kind: 'Service', namespace: 'shop', name })),
  ...names.flatMap((name) =>
    ['ipv4', 'ipv6'].map((family, index) => ({
      kind: 'EndpointSlice',
      namespace: 'shop',
      name: `${name}-${family}-${index}`,
    })),
  ),
  ...names.map((name, index) => ({ kind: 'EndpointSlice', namespace: 'shop', name: `${name}-ipv4-${index}` })),
  ...names.map((name, index) => ({ kind: 'EndpointSlice', namespace: 'shop', name: `${name}-ipv6-${index}` })),
  { kind: 'ServiceCIDR', name: 'kubernetes' },
  { kind: 'ServiceCIDR', name: 'more' },
  { kind: 'Node', name: nodeName },
  { kind: 'Node', name: 'worker-9' },
];

/** A change as a watch may report it; many of them make no difference. */
const arbitraryChange: fc.Arbitrary<RandomChange> = fc.oneof(
  { weight: 6, arbitrary: someObjects.map((apply) => ({ apply, remove: [] })) },
  { weight: 3, arbitrary: fc.subarray([...references], { maxLength: 3 }).map((remove) => ({ apply: [], remove })) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(...nodes, ...cidrs, ...broken).map((object) => ({ apply: [object], remove: [] })),
  },
);

/** Sequences of changes. */
export const arbitraryChanges: fc.Arbitrary<RandomChange[]> = fc.array(arbitraryChange, {
  minLength: 1,
  maxLength: 12,
});

/** All objects that are there after some changes, as a snapshot would show them. */
function objectsAfter(changes: readonly RandomChange[]): Manifest[] {
  const objects = new Map<string, Manifest>();
  for (const { apply, remove } of changes) {
    for (const { kind, namespace, name } of remove) {
      objects.delete(keyOf(kind, namespace, name));
    }
    for (const object of apply) {
      const { name, namespace } = object['metadata'] as { name: string; namespace?: string };
      const group = String(object['apiVersion']).includes('knative') ? 'knative' : '';
      objects.set(`${group}${keyOf(String(object['kind']), namespace, name)}`, object);
    }
  }
  return [...objects.values()];
}

/**
 * The objects as an engine knows them after some changes, each of them an update: with the Node as it was last, and what
 * it had before in place of what it lacks. Undefined if the node was never known.
 */
export function objectsKnownAfter(
  changes: readonly RandomChange[],
  options: Partial<CompileOptions>,
): Manifest[] | undefined {
  let known: NodeManifest | undefined;
  for (const [index] of changes.entries()) {
    known = keepKnown(ownNode(objectsAfter(changes.slice(0, index + 1)), options), known, options);
  }
  const others = objectsAfter(changes).filter(({ kind }) => kind !== 'Node');
  if (known) {
    return [...others, { ...known }];
  }
  return options.nodeAddresses && others;
}

interface NodeManifest {
  readonly metadata: { readonly name: string };
  readonly spec?: { readonly podCIDRs?: readonly string[] };
  readonly status: { readonly addresses: readonly { readonly address: string }[] };
}

function ownNode(objects: readonly Manifest[], options: Partial<CompileOptions>): NodeManifest | undefined {
  const nodes = objects.filter(({ kind }) => kind === 'Node') as unknown as NodeManifest[];
  const named = nodes.filter(({ metadata }) => (options.nodeName ?? metadata.name) === metadata.name);
  return named.length === 1 ? named[0] : undefined;
}

function keepKnown(
  node: NodeManifest | undefined,
  known: NodeManifest | undefined,
  options: Partial<CompileOptions>,
): NodeManifest | undefined {
  const addresses = (node?.status.addresses ?? []).filter(({ address }) => isIP(address) > 0);
  if (!node || !known || node.metadata.name !== known.metadata.name) {
    return node && (addresses.length > 0 || options.nodeAddresses) ? node : known;
  }
  const versions = new Set(addresses.map(({ address }) => isIP(address)));
  const lost = known.status.addresses.filter(({ address }) => isIP(address) > 0 && !versions.has(isIP(address)));
  const ranges = node.spec?.podCIDRs ?? [];
  const isSix = (range: string): boolean => range.includes(':');
  // Only where they recognize pods.
  const lostRanges = (options.detectLocalMode === 'NodeCIDR' ? (known.spec?.podCIDRs ?? []) : []).filter(
    (range) => !ranges.some((other) => isSix(other) === isSix(range)),
  );
  return {
    ...known,
    ...node,
    spec: { podCIDRs: [...ranges, ...lostRanges] },
    status: { addresses: [...addresses, ...lost] },
  };
}

function keyOf(kind: string, namespace: string | undefined, name: string | undefined): string {
  return `${kind}/${namespace ?? ''}/${name ?? ''}`;
}

function node({
  zone,
  addresses,
  podCIDRs = ['10.244.1.0/24'],
}: {
  zone?: string;
  addresses: readonly string[];
  podCIDRs?: readonly string[];
}): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: nodeName, labels: zone === undefined ? {} : { 'topology.kubernetes.io/zone': zone } },
    spec: { podCIDR: podCIDRs[0], podCIDRs },
    status: { addresses: addresses.map((address) => ({ type: 'InternalIP', address })) },
  };
}

function serviceCIDR(name: string, list: readonly string[]): Manifest {
  return { apiVersion: 'networking.k8s.io/v1', kind: 'ServiceCIDR', metadata: { name }, spec: { cidrs: list } };
}
