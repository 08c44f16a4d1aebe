import type { Document } from '../diagnostics/document.ts';
import { collectAll, pushTo } from '../lib/lists.ts';
import { entriesIn, isMapping, listIn, type Mapping, mappingIn, textIn } from '../lib/unknown-values.ts';
import { canonicalAddress } from '../net/address.ts';
import type { Protocol } from '../net/network.ts';
import { entriesOfNamespaced, getNamespaced, type Namespaced, setNamespaced } from './namespaced-map.ts';
import { type Labels, type PodFacts, readPodFacts } from './pods.ts';
import { namespaceOf, ownerLabel } from './services.ts';

/** Where endpoints of Services come from, by the objects of a snapshot. */
export interface EndpointSources {
  /** EndpointSlices by the Service that they belong to; those without the label by an empty name. */
  readonly slices: Namespaced<SliceSummary[]>;
  readonly strays: StraySlices;
  /** What each Service says about its endpoints; none where that is not known. */
  readonly services: Namespaced<ServiceSource>;
  readonly pods: Namespaced<PodFacts>;
  /** The Pods of each namespace by each of their labels; a cluster has too many to look at all of them for each Service. */
  readonly podsByLabel: ReadonlyMap<string, LabelIndex>;
  /** Services with a v1 Endpoints object. */
  readonly legacy: Namespaced<true>;
}

interface ServiceSource {
  /** spec.selector; empty if there is none. */
  readonly selector: Labels;
  readonly ports: readonly ServicePortSource[];
  /** spec.externalName; empty if there is none. */
  readonly externalName: string;
}

/** Pods by keys of labels, and by the values of each. */
export type LabelIndex = ReadonlyMap<string, ReadonlyMap<string, readonly EqualPods[]>>;

/** Pods of a namespace with equal labels, as the replicas of a workload have them. */
interface EqualPods {
  readonly labels: Labels;
  readonly pods: readonly PodFacts[];
}

/** EndpointSlices that belong to no Service of the input, in the order of the input. */
interface StraySlices {
  /** By namespace, and by the name of a Service in their label. */
  readonly byNamespace: Namespaced<readonly SliceSummary[]>;
  /** The first of each name and namespace, by that name, then by namespace. */
  readonly byName: Namespaced<SliceSummary>;
}

/** An entry of spec.ports. */
export interface ServicePortSource {
  /** Empty for an unnamed one. */
  readonly name: string;
  /** In lowercase. */
  readonly protocol: string;
  readonly port: unknown;
  /** A number, or the name of a port of the pods; anything else if it is absent or malformed. */
  readonly targetPort: unknown;
}

/** What an EndpointSlice says about itself. */
export interface SliceSummary {
  readonly name: string;
  readonly addressType: string;
  /** How many endpoints with an address. */
  readonly endpoints: number;
  /** Addresses of the first of them, canonical. */
  readonly addresses: readonly string[];
  readonly ports: readonly { readonly name: unknown; readonly protocol: string; readonly port: unknown }[];
}

/** The sources of endpoints in a snapshot. Nothing is validated; malformed values count as absent. */
export function readEndpointSources(documents: readonly Document[]): EndpointSources {
  const slices: Namespaced<SliceSummary[]> = new Map();
  const services: Namespaced<ServiceSource> = new Map();
  const pods: Namespaced<PodFacts> = new Map();
  const legacy: Namespaced<true> = new Map();
  for (const { value } of documents) {
    if (!isMapping(value)) {
      continue;
    }
    const metadata = mappingIn(value, 'metadata');
    const namespace = namespaceOf(metadata);
    const name = textIn(metadata, 'name');
    switch (value['kind']) {
      case 'EndpointSlice':
        addToList(slices, [namespace, textIn(mappingIn(metadata, 'labels'), ownerLabel)], summarizeSlice(name, value));
        break;
      case 'Service':
        setNamespaced(services, namespace, name, sourceOf(mappingIn(value, 'spec')));
        break;
      case 'Pod': {
        const facts = readPodFacts(value);
        if (facts) {
          setNamespaced(pods, namespace, name, facts);
        }
        break;
      }
      case 'Endpoints':
        setNamespaced(legacy, namespace, name, true);
        break;
    }
  }
  const namespaces = [...pods].map(([namespace, named]) => [namespace, indexLabels(named.values())] as const);
  return { slices, strays: findStrays(slices, services), services, pods, podsByLabel: new Map(namespaces), legacy };
}

function findStrays(slices: EndpointSources['slices'], services: EndpointSources['services']): StraySlices {
  const byNamespace: Namespaced<SliceSummary[]> = new Map();
  const byName: Namespaced<SliceSummary> = new Map();
  for (const [namespace, owner, owned] of entriesOfNamespaced(slices)) {
    const [first] = owned;
    if (first && !getNamespaced(services, namespace, owner)) {
      setNamespaced(byNamespace, namespace, owner, owned);
      setNamespaced(byName, owner, namespace, first);
    }
  }
  return { byNamespace, byName };
}

function indexLabels(pods: Iterable<PodFacts>): LabelIndex {
  const groups = new Map<string, PodFacts[]>();
  for (const pod of pods) {
    pushTo(groups, JSON.stringify(pod.labels), pod);
  }
  const index = new Map<string, Map<string, EqualPods[]>>();
  for (const equal of groups.values()) {
    const labels = equal[0]?.labels ?? [];
    for (const [key, value] of labels) {
      const values = index.get(key) ?? new Map<string, EqualPods[]>();
      index.set(key, values);
      pushTo(values, value, { labels, pods: equal });
    }
  }
  return index;
}

function sourceOf(spec: Mapping): ServiceSource {
  return {
    selector: entriesIn(spec, 'selector'),
    externalName: textIn(spec, 'externalName'),
    ports: listIn(spec, 'ports')
      .filter(isMapping)
      .map((port) => ({
        name: textIn(port, 'name'),
        protocol: (textIn(port, 'protocol') || 'TCP').toLowerCase(),
        port: port['port'],
        targetPort: port['targetPort'],
      })),
  };
}

function addToList<T>(lists: Namespaced<T[]>, [namespace, name]: readonly [string, string], item: T): void {
  const list = getNamespaced(lists, namespace, name);
  if (list) {
    list.push(item);
  } else {
    setNamespaced(lists, namespace, name, [item]);
  }
}

/** How many addresses of a slice are kept. */
const keptAddresses = 3;

function summarizeSlice(name: string, slice: Mapping): SliceSummary {
  const addresses = listIn(slice, 'endpoints').flatMap((one) =>
    isMapping(one) ? listIn(one, 'addresses').slice(0, 1) : [],
  );
  return {
    name,
    addressType: textIn(slice, 'addressType'),
    endpoints: addresses.length,
    addresses: addresses.slice(0, keptAddresses).flatMap((text) => canonicalAddress(String(text)) ?? []),
    ports: listIn(slice, 'ports')
      .filter(isMapping)
      .map((port) => ({ name: port['name'], protocol: textIn(port, 'protocol') || 'TCP', port: port['port'] })),
  };
}

/** The entry of spec.ports that a service port stands for; undefined if the Service is unknown. */
export function servicePortSource(
  { namespace, name, portName, protocol }: NamedServicePort,
  { services }: EndpointSources,
): ServicePortSource | undefined {
  const ports = getNamespaced(services, namespace, name)?.ports ?? [];
  return ports.find((one) => one.name === portName && one.protocol === protocol);
}

/** A service port by its identity. */
export interface NamedServicePort {
  readonly namespace: string;
  /** Of the Service. */
  readonly name: string;
  /** Empty for an unnamed port. */
  readonly portName: string;
  readonly protocol: Protocol;
}

/** The Pods of a namespace that have all labels of a selector, finished or not; none for an empty selector. */
export function podsMatching(namespace: string, selector: Labels, sources: EndpointSources): PodFacts[] {
  const [first, ...rest] = selector;
  const [key, value] = first ?? ['', ''];
  const groups = sources.podsByLabel.get(namespace)?.get(key)?.get(value) ?? [];
  return collectAll(
    groups.filter(({ labels }) => matchesAll(labels, rest)),
    ({ pods }) => pods,
  );
}

/** The Pods that a Service selects and that are not finished; none for a Service without a selector. */
export function selectedPods(namespace: string, name: string, sources: EndpointSources): PodFacts[] {
  const selector = getNamespaced(sources.services, namespace, name)?.selector ?? [];
  return podsMatching(namespace, selector, sources).filter(({ state }) => state.word !== 'finished');
}

/** Whether labels have all entries of a selector. */
function matchesAll(labels: Labels, selector: Labels): boolean {
  return selector.every((one) => hasLabel(labels, one));
}

/** Whether labels have an entry of a selector. */
export function hasLabel(labels: Labels, [key, value]: Labels[number]): boolean {
  return labels.some(([otherKey, otherValue]) => key === otherKey && value === otherValue);
}
