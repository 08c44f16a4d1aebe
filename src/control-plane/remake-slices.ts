import { getNamespaced, type Namespaced, setNamespaced } from '../kubernetes/namespaced-map.ts';
import { podAddresses } from '../kubernetes/pods.ts';
import { ownerLabel } from '../kubernetes/services.ts';
import { isMapping, listIn, type Mapping, mappingIn, textIn } from '../lib/unknown-values.ts';
import { canonicalAddress } from '../net/address.ts';
import { isManaged, makeEndpointSlices } from './endpoint-slices.ts';
import { nameOf, namespaceIn, ofKind } from './object-names.ts';
import { selectPods } from './select-pods.ts';

/** A cluster before and after a change of its other objects. */
export interface SliceChange {
  readonly before: readonly Mapping[];
  /** With the slices of before. */
  readonly after: readonly Mapping[];
  /** Nodes that lost their Pods. */
  readonly emptied?: ReadonlySet<string>;
}

/**
 * The objects after a change, with EndpointSlices as controllers make them then. Slices of a controller are made again where their
 * Service changed, or Pods that it selects came or went. All others keep what they have, but for endpoints that are gone: of Pods that
 * are gone, and on Nodes that are. Where the input lacks the Pods of a Service, what runs on an emptied Node is gone.
 */
export function remakeSlices(change: SliceChange): Mapping[] {
  const { after } = change;
  const remade = indexRemade(change);
  const isGone = goneTest(change);
  const added: Namespaced<true> = new Map();
  const takeRemade = (namespace: string, service: string): readonly Mapping[] => {
    const isDone = getNamespaced(added, namespace, service) === true;
    setNamespaced(added, namespace, service, true);
    return isDone ? [] : (getNamespaced(remade, namespace, service) ?? []);
  };
  const kept = after.flatMap((object) => {
    if (object['kind'] !== 'EndpointSlice') {
      return [object];
    }
    const [namespace, service] = [namespaceIn(object), serviceOf(object)];
    const isReplaced = isManaged(object) && getNamespaced(remade, namespace, service) !== undefined;
    return isReplaced ? takeRemade(namespace, service) : [withoutGone(object, isGone)];
  });
  const others = ofKind(after, 'Service').flatMap((service) => takeRemade(namespaceIn(service), nameOf(service)));
  return [...kept, ...others];
}

function serviceOf(slice: Mapping): string {
  return textIn(mappingIn(mappingIn(slice, 'metadata'), 'labels'), ownerLabel);
}

/** The new slices of each Service that the change concerns. */
function indexRemade({ before, after }: SliceChange): Namespaced<Mapping[]> {
  const podsBefore = ofKind(before, 'Pod');
  const podsAfter = ofKind(after, 'Pod');
  const selectBefore = selectPods(podsBefore);
  const selectAfter = selectPods(podsAfter);
  const servicesBefore = new Set(ofKind(before, 'Service'));
  const known = namesIn(podsBefore);
  const managed: Namespaced<Mapping[]> = new Map();
  for (const slice of ofKind(after, 'EndpointSlice').filter(isManaged)) {
    const others = getNamespaced(managed, namespaceIn(slice), serviceOf(slice)) ?? [];
    setNamespaced(managed, namespaceIn(slice), serviceOf(slice), [...others, slice]);
  }
  const isConcerned = (service: Mapping): boolean => {
    const namespace = namespaceIn(service);
    const selector = Object.entries(mappingIn(mappingIn(service, 'spec'), 'selector'));
    if (selector.length === 0) {
      return false;
    }
    const [old, now] = [selectBefore(namespace, selector), selectAfter(namespace, selector)];
    const isSame = servicesBefore.has(service) && old.length === now.length && old.every((pod, at) => pod === now[at]);
    const slices = getNamespaced(managed, namespace, nameOf(service));
    // Without its Pods, or its slices, it is not known what a controller would make of it.
    const isKnown = slices ? slices.every((slice) => hasKnownPods(slice, known)) : old.length === 0;
    return !isSame && isKnown;
  };
  const services = ofKind(after, 'Service').filter(isConcerned);
  const remade: Namespaced<Mapping[]> = new Map();
  for (const service of services) {
    setNamespaced(remade, namespaceIn(service), nameOf(service), []);
  }
  const slices = makeEndpointSlices({
    services,
    pods: podsAfter,
    nodes: ofKind(after, 'Node'),
    endpoints: [],
    slices: ofKind(after, 'EndpointSlice').filter(
      (slice) => !(isManaged(slice) && getNamespaced(remade, namespaceIn(slice), serviceOf(slice))),
    ),
  });
  for (const slice of slices) {
    getNamespaced(remade, namespaceIn(slice), serviceOf(slice))?.push(slice);
  }
  return remade;
}

function namesIn(pods: readonly Mapping[]): Namespaced<Mapping> {
  const names: Namespaced<Mapping> = new Map();
  for (const pod of pods) {
    setNamespaced(names, namespaceIn(pod), nameOf(pod), pod);
  }
  return names;
}

function podOf(endpoint: Mapping): string | undefined {
  const reference = mappingIn(endpoint, 'targetRef');
  return reference['kind'] === 'Pod' ? textIn(reference, 'name') : undefined;
}

function endpointsOf(slice: Mapping): Mapping[] {
  return listIn(slice, 'endpoints').filter(isMapping);
}

function hasKnownPods(slice: Mapping, known: Namespaced<Mapping>): boolean {
  return endpointsOf(slice).every((endpoint) => {
    const pod = podOf(endpoint);
    return pod === undefined || getNamespaced(known, namespaceIn(slice), pod) !== undefined;
  });
}

type IsGone = (endpoint: Mapping, namespace: string) => boolean;

function withoutGone(slice: Mapping, isGone: IsGone): Mapping {
  const endpoints = endpointsOf(slice);
  const kept = endpoints.filter((endpoint) => !isGone(endpoint, namespaceIn(slice)));
  return kept.length === endpoints.length ? slice : { ...slice, endpoints: kept };
}

function goneTest({ before, after, emptied = new Set() }: SliceChange): IsGone {
  const podsBefore = ofKind(before, 'Pod');
  const podsAfter = ofKind(after, 'Pod');
  const known = namesIn(podsBefore);
  const running = namesIn(podsAfter);
  const addressesAfter = new Set(podsAfter.flatMap(addressesIn));
  const goneAddresses = new Set(podsBefore.flatMap(addressesIn).filter((address) => !addressesAfter.has(address)));
  const nodesAfter = new Set(ofKind(after, 'Node').map(nameOf));
  const lostNodes = new Set(
    ofKind(before, 'Node')
      .map(nameOf)
      .filter((name) => !nodesAfter.has(name)),
  );
  return (endpoint, namespace) => {
    const pod = podOf(endpoint);
    const nodeName = textIn(endpoint, 'nodeName');
    if (lostNodes.has(nodeName)) {
      return true;
    }
    if (pod !== undefined) {
      const isKnown = getNamespaced(known, namespace, pod) !== undefined;
      return isKnown ? getNamespaced(running, namespace, pod) === undefined : emptied.has(nodeName);
    }
    const addresses = listIn(endpoint, 'addresses').flatMap((text) =>
      typeof text === 'string' ? (canonicalAddress(text) ?? []) : [],
    );
    return addresses.some((address) => goneAddresses.has(address));
  };
}

/** Those of a Pod in the host network are its node's, which stay. */
function addressesIn(pod: Mapping): string[] {
  return mappingIn(pod, 'spec')['hostNetwork'] === true ? [] : podAddresses(mappingIn(pod, 'status'));
}
