import type { Diagnostic, ObjectReference } from '../diagnostics.ts';
import { deleteNamespaced, getNamespaced, type Namespaced, setNamespaced } from '../namespaced.ts';
import type { Document } from '../phases/1-read/document.ts';
import type { EndpointSlice, Node, Service, ServiceCIDR, Sourced } from '../phases/2-validate/kubernetes.ts';
import { referenceOf } from '../phases/2-validate/reference-of.ts';
import { type ValidObject, validateObject } from '../phases/2-validate/validate-object.ts';
import { ownerOf, type SliceIndex, sortSlices } from '../phases/3-model/build-endpoints.ts';
import { namespaceOf } from '../service-rules.ts';
import { slimNode, slimSlice } from './slim-objects.ts';

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
  const service = ownerOf(slice);
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
  const service = slice && ownerOf(slice);
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
