import fc from 'fast-check';
import type { CompileOptions } from '../../src/options.ts';
import { arbitraryCluster, type Manifest, nodeName } from './arbitrary-cluster.ts';

/** All that a compilation needs. */
export interface Snapshot {
  readonly objects: readonly Manifest[];
  readonly options: Partial<CompileOptions>;
}

const arbitraryOptions = fc.record({
  targetNft: fc.constantFrom('1.0.6' as const, '1.1.3' as const),
  masqueradeAll: fc.boolean(),
  masqueradeBit: fc.constantFrom(14, 3),
  clusterCIDRs: fc.constantFrom([], ['10.244.0.0/16', 'fd00:10:244::/48']),
  nodePortAddresses: fc.constantFrom([], ['all'], ['192.0.2.0/24'], ['192.0.2.0/24', 'localhost']),
  localhostNodePorts: fc.boolean(),
});

const arbitraryRanges = fc
  .subarray(['10.96.0.0/16', '10.96.0.0/24', '10.97.0.0/16', '10.98.7.0/24', 'fd00:10:96::/108', 'fd00:10:97::/64'])
  .map(
    (cidrs): Manifest => ({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'ServiceCIDR',
      metadata: { name: 'ranges' },
      spec: { cidrs },
    }),
  );

/** A Service with many endpoints, and often others, so that lists change in every way and many chains fall idle. */
const arbitraryCrowd = fc.subarray(Array.from({ length: 24 }, (_, index) => index)).map((hosts): Manifest[] => [
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'crowd', namespace: 'shop' },
    spec: {
      type: 'NodePort',
      clusterIP: '10.96.0.99',
      externalTrafficPolicy: 'Local',
      ports: [{ port: 99, nodePort: 30099 }],
    },
  },
  {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'crowd-1', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'crowd' } },
    addressType: 'IPv4',
    ports: [{ name: '', port: 9999 }],
    endpoints: hosts.map((host) => ({
      addresses: [`10.244.9.${host}`],
      nodeName: host % 2 === 0 ? nodeName : 'other',
    })),
  },
]);

/** What becomes of an object of the snapshot before: it stays, is replaced, or (a slice) gets endpoints in addition. */
const fates = ['stay', 'stay', 'stay', 'replace', 'join'] as const;
type Fate = (typeof fates)[number];

const arbitraryStep = fc.record({
  cluster: fc
    .tuple(arbitraryCluster, arbitraryCrowd, arbitraryRanges)
    .map(([objects, crowd, ranges]): Manifest[] => [...objects, ...crowd, ranges]),
  options: arbitraryOptions,
  /** For each object of both snapshots in turn; undefined for a snapshot that has nothing to do with the one before. */
  fates: fc.option(fc.array(fc.constantFrom(...fates), { minLength: 1, maxLength: 12 }), { nil: undefined, freq: 4 }),
  sameOptions: fc.boolean(),
});

/** Snapshots of which some are the one before with a few changes and some have nothing in common with it. */
export function arbitraryWalk({ min, max }: { min: number; max: number }): fc.Arbitrary<Snapshot[]> {
  // Without a size the lengths would stay far below the limit.
  return fc.array(arbitraryStep, { minLength: min, maxLength: max, size: 'max' }).map((steps) => {
    const snapshots: Snapshot[] = [];
    for (const { cluster, options, fates: chosen, sameOptions } of steps) {
      const before = snapshots.at(-1);
      snapshots.push({
        objects: before && chosen ? mix(before.objects, cluster, chosen) : cluster,
        options: before && sameOptions ? before.options : { nodeName, ...options },
      });
    }
    return snapshots;
  });
}

function mix(before: readonly Manifest[], after: readonly Manifest[], chosen: readonly Fate[]): Manifest[] {
  const old = new Map(before.map((object) => [nameOf(object), object]));
  const fresh = new Map(after.map((object) => [nameOf(object), object]));
  const names = [...new Set([...old.keys(), ...fresh.keys()])];
  return names
    .map((name, index) => mixObject(old.get(name), fresh.get(name), chosen[index % chosen.length]))
    .filter((object) => object !== undefined);
}

function mixObject(old: Manifest | undefined, fresh: Manifest | undefined, fate: Fate = 'stay'): Manifest | undefined {
  if (fate === 'join' && old && fresh && 'endpoints' in old) {
    return { ...old, endpoints: [old['endpoints'], fresh['endpoints']].flat() };
  }
  return fate === 'stay' ? old : fresh;
}

function nameOf({ kind, metadata }: Manifest): string {
  return `${kind} ${(metadata as { name: string }).name}`;
}
