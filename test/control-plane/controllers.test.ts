import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { resolveObjects } from '../../src/control-plane/resolve-objects.ts';
import { hasError } from '../../src/diagnostics/diagnostic.ts';
import type { Document } from '../../src/diagnostics/document.ts';
import { isMapping, listIn, type Mapping, mappingIn, textIn } from '../../src/lib/unknown-values.ts';
import { type Cidr, parseCidr } from '../../src/net/address.ts';
import { documentsOf, readDocuments } from '../../src/phases/1-read/read-documents.ts';
import { withoutAllocated } from '../support/comparable-services.ts';

/*
 * What a control plane of Kubernetes 1.37 made of Services, Pods, Nodes and v1 Endpoints: in each folder of
 * test/control-plane/controllers, services.yaml and slices.yaml are its answers to cluster.yaml, or to workloads.yaml.
 */

const root = 'test/control-plane/controllers';

const read = <T>(path: string): T => parse(readFileSync(`${root}/${path}`, 'utf8')) as T;

/** Slices of one Service with equal labels, annotations and ports; how endpoints are divided among them is random. */
interface SliceGroup extends Mapping {
  /** `shop/web`. */
  readonly service: string;
  readonly addressType: string;
  readonly labels: Mapping;
  readonly annotations: Mapping;
  readonly ports: readonly Mapping[];
  /** How many endpoints each slice has, the most first. */
  readonly sizes: readonly number[];
  readonly endpoints: readonly Mapping[];
}

function groupSlices(slices: readonly Mapping[]): SliceGroup[] {
  const groups = new Map<string, SliceGroup>();
  for (const slice of slices) {
    const metadata = mappingIn(slice, 'metadata');
    const labels = mappingIn(metadata, 'labels');
    const endpoints = listIn(slice, 'endpoints').filter(isMapping);
    const head = {
      service: `${textIn(metadata, 'namespace')}/${textIn(labels, 'kubernetes.io/service-name')}`,
      addressType: textIn(slice, 'addressType'),
      labels,
      annotations: mappingIn(metadata, 'annotations'),
      ports: sorted(listIn(slice, 'ports').filter(isMapping)),
    };
    const key = stableText(head);
    const known = groups.get(key);
    groups.set(key, {
      ...head,
      sizes: [...(known?.sizes ?? []), endpoints.length].sort((a, b) => b - a),
      endpoints: sorted([...(known?.endpoints ?? []), ...endpoints]),
    });
  }
  return [...groups.values()];
}

function sorted(items: readonly Mapping[]): Mapping[] {
  return [...items].sort((a, b) => (stableText(a) < stableText(b) ? -1 : 1));
}

/** JSON in which the order of fields does not matter. */
function stableText(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    isMapping(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner,
  );
}

/** Which endpoints of a zone have hints for another one is random, how many is not. */
function countHints(group: SliceGroup): SliceGroup & { readonly hints: readonly string[] } {
  const hints = group.endpoints.map(({ zone, hints: own }) => `${String(zone)} ${stableText(own ?? {})}`).sort();
  return { ...group, hints, endpoints: sorted(group.endpoints.map(({ hints: _, ...endpoint }) => endpoint)) };
}

function documentsIn(path: string): Document[] {
  const file = `${root}/${path}`;
  return readDocuments([{ file, content: readFileSync(file) }]).documents;
}

function resolve(documents: readonly Document[]) {
  const { objects, diagnostics } = resolveObjects(documents, {
    serviceCIDRs: ['10.96.0.0/12', 'fd00:10:96::/108'].map((text) => parseCidr(text) as Cidr),
    podCIDRs: [],
    loadBalancerCIDRs: [],
    nodes: 0,
  });
  const ofKind = (...kinds: unknown[]): Mapping[] => objects.filter(({ kind }) => kinds.includes(kind));
  return { ofKind, diagnostics };
}

function fullName(object: Mapping): string {
  const metadata = mappingIn(object, 'metadata');
  return `${textIn(metadata, 'namespace') || 'default'}/${textIn(metadata, 'name')}`;
}

function specsOf(documents: readonly Document[]): Map<string, Mapping> {
  const services = documents.flatMap(({ value }) => (isMapping(value) && value['kind'] === 'Service' ? [value] : []));
  return new Map(services.map((service) => [fullName(service), mappingIn(service, 'spec')]));
}

interface ServerService {
  /** `shop/web`. */
  readonly service: string;
  readonly spec: Mapping;
}

describe.each([
  ['kinds', 81],
  ['online-boutique', 12],
])('%s', (folder, count) => {
  const documents = documentsIn(`${folder}/cluster.yaml`);
  const { ofKind, diagnostics } = resolve(documents);
  const services = read<ServerService[]>(`${folder}/services.yaml`);
  const theirs = read<SliceGroup[]>(`${folder}/slices.yaml`);
  const own = groupSlices(ofKind('EndpointSlice'));

  test('has Services, all of which are accepted', () => {
    expect(hasError(diagnostics)).toBe(false);
    expect(ofKind('Service')).toHaveLength(count);
    expect(services).toHaveLength(count);
  });

  const written = specsOf(documents);
  const resolved = specsOf(documentsOf(ofKind('Service')));

  test.each(services)('the fields of $service are those of the API server', ({ service, spec }) => {
    const before = written.get(service) ?? {};
    expect(withoutAllocated(resolved.get(service) ?? {}, before)).toEqual(withoutAllocated(spec, before));
  });

  const names = [
    ...new Set([...ofKind('Service', 'Endpoints').map(fullName), ...theirs.map(({ service }) => service)]),
  ];

  test.each(names)('the slices of %s are those of the controllers', (name) => {
    const isShared = name.startsWith('shop/auto-');
    expect(comparable(own, name, isShared)).toEqual(comparable(theirs, name, isShared));
  });
});

/** @param isShared whether hints are those of shares of CPUs. */
function comparable(groups: readonly SliceGroup[], name: string, isShared: boolean): Mapping[] {
  const ofService = groups.filter(({ service }) => service === name);
  return sorted(
    ofService.map((group) => {
      const ordered = { ...group, ports: sorted(group.ports), endpoints: sorted(group.endpoints) };
      return isShared ? countHints(ordered) : ordered;
    }),
  );
}

describe.each([
  ['online-boutique', 12],
  ['workloads', 23],
])('the workloads of %s', (folder, count) => {
  const manifests = documentsIn(`${folder}/workloads.yaml`);
  const others = folder === 'workloads' ? [] : documentsIn(`${folder}/cluster.yaml`);
  const { ofKind, diagnostics } = resolve([
    ...manifests,
    ...others.filter(({ value }) => isMapping(value) && value['kind'] !== 'Pod'),
  ]);

  /** But for where Pods are, and what they are called, unless DNS knows that. */
  const withoutPlaces = (groups: readonly SliceGroup[]): Mapping[] =>
    sorted(
      groups.map(({ endpoints, ports, ...group }) => ({
        ...group,
        ports: sorted(ports),
        endpoints: sorted(endpoints.map(({ conditions, hostname }) => ({ conditions, hostname }))),
      })),
    );

  test('have the Pods and slices of a cluster', () => {
    expect(ofKind('Pod')).toHaveLength(count);
    expect(withoutPlaces(groupSlices(ofKind('EndpointSlice')))).toEqual(
      withoutPlaces(read<SliceGroup[]>(`${folder}/slices.yaml`)),
    );
  });

  test('are well understood: there is no error, and for Online Boutique no advice', () => {
    expect(hasError(diagnostics)).toBe(false);
    expect(folder === 'online-boutique' ? diagnostics : []).toEqual([]);
  });
});
