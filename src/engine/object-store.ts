import { type Diagnostic, type ObjectReference, referenceOf } from '../diagnostics/diagnostic.ts';
import type { Document } from '../diagnostics/document.ts';
import { deleteNamespaced, getNamespaced, type Namespaced, setNamespaced } from '../kubernetes/namespaced-map.ts';
import type { EndpointSlice, Node, Service, ServiceCIDR, SliceEndpoint, Sourced } from '../kubernetes/objects.ts';
import { namespaceOf, ownerLabel, zoneLabel } from '../kubernetes/services.ts';
import { type ValidObject, validateObject } from '../phases/2-validate/validate-object.ts';
import { type SliceIndex, serviceOfSlice, sortSlices } from '../phases/3-model/build-endpoints.ts';

/** The valid objects of a cluster, as far as they decide about packets. */
export interface ObjectStore {
  readonly services: Namespaced<Sourced<Service>>;
  readonly slices: Namespaced<EndpointSlice>;
  /** The same slices by their Service. */
  readonly owned: SliceIndex;
  readonly nodes: Map<string, Sourced<Node>>;
  /** Names of Nodes whose last version was invalid. */
  readonly invalidNodes: Set<string>;
  readonly serviceCIDRs: Map<string, Sourced<ServiceCIDR>>;
}

/** Which parts of the ruleset may be another now. */
export interface Touched {
  readonly services: Namespaced<true>;
  node: boolean;
  serviceCIDRs: boolean;
}

/** A store without any object. */
export function emptyStore(): ObjectStore {
  return {
    services: new Map(),
    slices: new Map(),
    owned: new Map(),
    nodes: new Map(),
    invalidNodes: new Set(),
    serviceCIDRs: new Map(),
  };
}

/** No part. */
export function noneTouched(): Touched {
  return { services: new Map(), node: false, serviceCIDRs: false };
}

/** Puts an object in the place of its last version; an invalid one takes that away and leaves nothing. */
export function applyObject(store: ObjectStore, document: Document, touched: Touched): readonly Diagnostic[] {
  const { valid, isUnused, diagnostics } = validateObject(document);
  const reference = referenceOf(document.value);
  if (isUnused || !reference) {
    return diagnostics;
  }
  removeObject(store, reference, touched);
  if (valid) {
    insert(store, valid, touched);
  } else if (reference.kind === 'Node' && reference.name !== undefined) {
    store.invalidNodes.add(reference.name);
    touched.node = true;
  }
  return diagnostics;
}

/** Takes an object out; nothing happens when it is not there. */
export function removeObject(
  store: ObjectStore,
  { kind, namespace, name = '' }: ObjectReference,
  touched: Touched,
): void {
  const space = namespace || 'default';
  switch (kind) {
    case 'Service':
      if (deleteNamespaced(store.services, space, name)) {
        setNamespaced(touched.services, space, name, true);
      }
      break;
    case 'EndpointSlice':
      removeSlice(store, space, name, touched);
      break;
    case 'Node':
      touched.node = store.nodes.delete(name) || store.invalidNodes.delete(name) || touched.node;
      break;
    case 'ServiceCIDR':
      touched.serviceCIDRs = store.serviceCIDRs.delete(name) || touched.serviceCIDRs;
      break;
  }
}

function insert(store: ObjectStore, valid: ValidObject, touched: Touched): void {
  const { metadata } = valid.sourced.object;
  switch (valid.kind) {
    case 'Service':
      setNamespaced(store.services, namespaceOf(metadata), metadata.name, valid.sourced);
      setNamespaced(touched.services, namespaceOf(metadata), metadata.name, true);
      break;
    case 'EndpointSlice':
      insertSlice(store, slimSlice(valid.sourced.object), touched);
      break;
    case 'Node':
      store.nodes.set(metadata.name, slimNode(valid.sourced));
      touched.node = true;
      break;
    case 'ServiceCIDR':
      store.serviceCIDRs.set(metadata.name, valid.sourced);
      touched.serviceCIDRs = true;
      break;
  }
}

function insertSlice(store: ObjectStore, slice: EndpointSlice, touched: Touched): void {
  const namespace = namespaceOf(slice.metadata);
  const service = serviceOfSlice(slice);
  if (!service) {
    return;
  }
  const others = getNamespaced(store.owned, namespace, service) ?? [];
  setNamespaced(store.slices, namespace, slice.metadata.name, slice);
  setNamespaced(store.owned, namespace, service, sortSlices([...others, slice]));
  setNamespaced(touched.services, namespace, service, true);
}

function removeSlice(store: ObjectStore, namespace: string, name: string, touched: Touched): void {
  const slice = getNamespaced(store.slices, namespace, name);
  const service = slice && serviceOfSlice(slice);
  if (!service) {
    return;
  }
  const others = (getNamespaced(store.owned, namespace, service) ?? []).filter((other) => other !== slice);
  deleteNamespaced(store.slices, namespace, name);
  if (others.length > 0) {
    setNamespaced(store.owned, namespace, service, others);
  } else {
    deleteNamespaced(store.owned, namespace, service);
  }
  setNamespaced(touched.services, namespace, service, true);
}

/** A slice without what nobody reads, to be kept for as long as the cluster has it: a third of its size. */
function slimSlice({ kind, metadata, addressType, ports, endpoints }: EndpointSlice): EndpointSlice {
  const { name, namespace = null, labels } = metadata;
  return {
    kind,
    metadata: { name, namespace, labels: { [ownerLabel]: labels?.[ownerLabel] ?? null } },
    addressType,
    ports: (ports ?? []).map(({ name: portName = null, protocol = null, port = null }) => ({
      name: portName,
      protocol,
      port,
    })),
    endpoints: (endpoints ?? []).map(slimEndpoint),
  };
}

/** A Node without what nobody reads: nodes report much about themselves, and often. */
function slimNode({ object, document }: Sourced<Node>): Sourced<Node> {
  const { kind, metadata, spec, status } = object;
  const zone = metadata.labels?.[zoneLabel];
  const node: Node = {
    kind,
    metadata: { name: metadata.name, labels: zone === undefined ? {} : { [zoneLabel]: zone } },
    spec: { podCIDR: spec?.podCIDR ?? null, podCIDRs: spec?.podCIDRs ?? null },
    status: { addresses: (status?.addresses ?? []).map(({ type, address }) => ({ type, address })) },
  };
  return { object: node, document: { ...document, value: node } };
}

/** Only the first address counts. */
function slimEndpoint({ addresses, nodeName = null, conditions, hints }: SliceEndpoint): SliceEndpoint {
  return {
    addresses: (addresses ?? []).slice(0, 1),
    nodeName,
    ...(conditions && { conditions }),
    ...(hints && { hints }),
  };
}
