import { type Diagnostic, type ObjectReference, referenceOf } from '../diagnostics/diagnostic.ts';
import type { Document } from '../diagnostics/document.ts';
import {
  deleteNamespaced,
  entriesOfNamespaced,
  getNamespaced,
  type Namespaced,
  setNamespaced,
} from '../kubernetes/namespaced-map.ts';
import type {
  EndpointSlice,
  Node,
  ObjectMeta,
  Service,
  ServiceCIDR,
  ServicePortSpec,
  SliceEndpoint,
  Sourced,
} from '../kubernetes/objects.ts';
import { healthCheckPort, namespaceOf, ownerLabel, zoneLabel } from '../kubernetes/services.ts';
import { isMapping, textIn } from '../lib/unknown-values.ts';
import { type Family, familyOfName } from '../net/network.ts';
import { type ValidObject, validateObject } from '../phases/2-validate/validate-object.ts';
import { serviceOfSlice } from '../phases/3-model/build-endpoints.ts';

/** The valid objects of a cluster: copies of the fields that decide about packets, so that callers may change theirs. */
export interface ObjectStore {
  readonly services: Namespaced<Sourced<Service>>;
  /** The Service of each port for health checks. */
  readonly healthChecks: Map<number, string>;
  readonly slices: Namespaced<StoredSlice>;
  /** The same slices by their Service, in no order. */
  readonly slicesByService: Namespaced<Set<StoredSlice>>;
  readonly nodes: Map<string, Sourced<Node>>;
  /** Names of Nodes whose last version was invalid. */
  readonly invalidNodes: Set<string>;
  /** Services whose last version was invalid, `namespace/name`. */
  readonly invalidServices: Set<string>;
  readonly serviceCIDRs: Map<string, Sourced<ServiceCIDR>>;
}

/** A slice, and when the endpoints changed of which it tells. */
interface StoredSlice extends EndpointSlice {
  readonly triggerTime: number | undefined;
}

/** When endpoints of a family changed, in milliseconds since 1970 (annotation endpoints.kubernetes.io/last-change-trigger-time). */
export interface EndpointTrigger {
  readonly family: Family;
  readonly time: number;
}

/** Which parts of the ruleset may have changed. */
export interface Touched {
  readonly services: Namespaced<true>;
  readonly triggers: EndpointTrigger[];
  node: boolean;
  serviceCIDRs: boolean;
}

/** A store without any object. */
export function emptyStore(): ObjectStore {
  return {
    services: new Map(),
    healthChecks: new Map(),
    slices: new Map(),
    slicesByService: new Map(),
    nodes: new Map(),
    invalidNodes: new Set(),
    invalidServices: new Set(),
    serviceCIDRs: new Map(),
  };
}

/** All objects. */
export function storedObjects({ services, slices, nodes, serviceCIDRs }: ObjectStore): KubernetesObject[] {
  return [
    ...[...entriesOfNamespaced(services)].map(([, , { object }]) => object),
    ...[...entriesOfNamespaced(slices)].map(([, , { triggerTime: _, ...slice }]) => slice),
    ...[...nodes.values(), ...serviceCIDRs.values()].map(({ object }) => object),
  ];
}

/** An object that rules depend on. */
export type KubernetesObject = Service | EndpointSlice | Node | ServiceCIDR;

/** Nothing has changed. */
export function noneTouched(): Touched {
  return { services: new Map(), triggers: [], node: false, serviceCIDRs: false };
}

/** Replaces the last version of an object; an invalid version only removes it. Returns what is wrong with the object. */
export function applyObject(store: ObjectStore, document: Document, touched: Touched): readonly Diagnostic[] {
  const { valid, isUnused, diagnostics } = validateObject(document);
  const reference = referenceOf(document.value);
  if (isUnused || !reference) {
    return diagnostics;
  }
  const before = sliceOf(store, reference)?.triggerTime;
  removeObject(store, reference, touched);
  if (valid) {
    insert(store, valid, touched);
  } else if (reference.name !== undefined) {
    noteInvalid(store, reference, touched);
  }
  const slice = sliceOf(store, reference);
  if (slice?.triggerTime !== undefined && slice.triggerTime !== before) {
    touched.triggers.push({ family: familyOfName(slice.addressType), time: slice.triggerTime });
  }
  return diagnostics;
}

/** The slice that a reference is about; undefined for other kinds. */
function sliceOf({ slices }: ObjectStore, { kind, name = '', ...rest }: ObjectReference): StoredSlice | undefined {
  return kind === 'EndpointSlice' ? getNamespaced(slices, namespaceOf(rest), name) : undefined;
}

function noteInvalid(store: ObjectStore, { kind, name = '', ...rest }: ObjectReference, touched: Touched): void {
  if (kind === 'Node') {
    store.invalidNodes.add(name);
    touched.node = true;
  } else if (kind === 'Service') {
    store.invalidServices.add(`${namespaceOf(rest)}/${name}`);
  }
}

/** Removes an object; nothing happens when it is unknown. */
export function removeObject(
  store: ObjectStore,
  { kind, name = '', ...reference }: ObjectReference,
  touched: Touched,
): void {
  const space = namespaceOf(reference);
  switch (kind) {
    case 'Service':
      store.invalidServices.delete(`${space}/${name}`);
      removeService(store, space, name, touched);
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
      insertService(store, copySourced(valid.sourced, copyService), touched);
      break;
    case 'EndpointSlice':
      insertSlice(store, copySlice(valid.sourced.object), touched);
      break;
    case 'Node':
      store.nodes.set(metadata.name, copySourced(valid.sourced, copyNode));
      touched.node = true;
      break;
    case 'ServiceCIDR':
      store.serviceCIDRs.set(metadata.name, copySourced(valid.sourced, copyServiceCIDR));
      touched.serviceCIDRs = true;
      break;
  }
}

function insertService(store: ObjectStore, service: Sourced<Service>, touched: Touched): void {
  const { metadata } = service.object;
  const namespace = namespaceOf(metadata);
  const port = healthCheckPort(service.object);
  setNamespaced(store.services, namespace, metadata.name, service);
  setNamespaced(touched.services, namespace, metadata.name, true);
  if (port > 0) {
    store.healthChecks.set(port, `${namespace}/${metadata.name}`);
  }
}

function removeService(store: ObjectStore, namespace: string, name: string, touched: Touched): void {
  const service = getNamespaced(store.services, namespace, name);
  if (service) {
    const port = healthCheckPort(service.object);
    if (store.healthChecks.get(port) === `${namespace}/${name}`) {
      store.healthChecks.delete(port);
    }
    deleteNamespaced(store.services, namespace, name);
    setNamespaced(touched.services, namespace, name, true);
  }
}

function insertSlice(store: ObjectStore, slice: StoredSlice, touched: Touched): void {
  const namespace = namespaceOf(slice.metadata);
  const service = serviceOfSlice(slice);
  if (!service) {
    return;
  }
  const owned = getNamespaced(store.slicesByService, namespace, service);
  setNamespaced(store.slices, namespace, slice.metadata.name, slice);
  if (owned) {
    owned.add(slice);
  } else {
    setNamespaced(store.slicesByService, namespace, service, new Set([slice]));
  }
  setNamespaced(touched.services, namespace, service, true);
}

function removeSlice(store: ObjectStore, namespace: string, name: string, touched: Touched): void {
  const slice = getNamespaced(store.slices, namespace, name);
  const service = slice && serviceOfSlice(slice);
  if (!service) {
    return;
  }
  const owned = getNamespaced(store.slicesByService, namespace, service);
  deleteNamespaced(store.slices, namespace, name);
  owned?.delete(slice);
  if (owned?.size === 0) {
    deleteNamespaced(store.slicesByService, namespace, service);
  }
  setNamespaced(touched.services, namespace, service, true);
}

function copySourced<T>({ object, document }: Sourced<T>, copy: (object: T) => T): Sourced<T> {
  const copied = copy(object);
  return { object: copied, document: { ...document, value: copied } };
}

const proxyLabel = 'service.kubernetes.io/service-proxy-name';

/** Null and an absent field mean the same. The type checker asks for every field of the types. */
function copyService({ kind, metadata, spec, status }: Service): Service {
  const { clusterIPs, ipFamilies, ports, externalIPs, loadBalancerSourceRanges, sessionAffinityConfig } = spec;
  const ingress = status?.loadBalancer?.ingress ?? [];
  return {
    kind,
    metadata: copyMetadata(metadata, proxyLabel),
    spec: {
      type: spec.type ?? null,
      clusterIP: spec.clusterIP ?? null,
      clusterIPs: [...(clusterIPs ?? [])],
      ipFamilies: [...(ipFamilies ?? [])],
      ports: (ports ?? []).map(copyServicePort),
      externalIPs: [...(externalIPs ?? [])],
      loadBalancerSourceRanges: [...(loadBalancerSourceRanges ?? [])],
      internalTrafficPolicy: spec.internalTrafficPolicy ?? null,
      externalTrafficPolicy: spec.externalTrafficPolicy ?? null,
      healthCheckNodePort: spec.healthCheckNodePort ?? null,
      sessionAffinity: spec.sessionAffinity ?? null,
      sessionAffinityConfig: { clientIP: { timeoutSeconds: sessionAffinityConfig?.clientIP?.timeoutSeconds ?? null } },
    } satisfies Required<Service['spec']>,
    status: { loadBalancer: { ingress: ingress.map(({ ip = null, ipMode = null }) => ({ ip, ipMode })) } },
  };
}

function copyServicePort({
  name = null,
  protocol = null,
  port,
  nodePort = null,
}: ServicePortSpec): Required<ServicePortSpec> {
  return { name, protocol, port, nodePort };
}

/** The annotation in which the endpoints controller says when what a slice tells of happened. */
const triggerAnnotation = 'endpoints.kubernetes.io/last-change-trigger-time';

function triggerTimeOf({ annotations }: ObjectMeta): number | undefined {
  const text = isMapping(annotations) ? textIn(annotations, triggerAnnotation) : '';
  const time = text === '' ? Number.NaN : Date.parse(text);
  return Number.isNaN(time) ? undefined : time;
}

/** A third of the size of the whole slice. */
function copySlice({ kind, metadata, addressType, ports, endpoints }: EndpointSlice): StoredSlice {
  return {
    kind,
    metadata: copyMetadata(metadata, ownerLabel),
    triggerTime: triggerTimeOf(metadata),
    addressType,
    ports: (ports ?? []).map(({ name = null, protocol = null, port = null }) => ({ name, protocol, port })),
    endpoints: (endpoints ?? []).map(copyEndpoint),
  };
}

/** Only the first address counts. */
function copyEndpoint({ addresses, nodeName = null, conditions, hints }: SliceEndpoint): SliceEndpoint {
  return {
    addresses: (addresses ?? []).slice(0, 1),
    nodeName,
    ...(conditions && { conditions: copyConditions(conditions) }),
    ...(hints && { hints: copyHints(hints) }),
  };
}

function copyConditions({
  ready = null,
  serving = null,
  terminating = null,
}: NonNullable<SliceEndpoint['conditions']>): Required<NonNullable<SliceEndpoint['conditions']>> {
  return { ready, serving, terminating };
}

function copyHints({
  forZones,
  forNodes,
}: NonNullable<SliceEndpoint['hints']>): Required<NonNullable<SliceEndpoint['hints']>> {
  return { forZones: copyNames(forZones), forNodes: copyNames(forNodes) };
}

function copyNames(names: readonly { readonly name: string }[] | null | undefined): { name: string }[] | null {
  return names?.map(({ name }) => ({ name })) ?? null;
}

/** Nodes report much about themselves, and often. */
function copyNode({ kind, metadata, spec, status }: Node): Node {
  const podCIDRs = spec?.podCIDRs;
  return {
    kind,
    metadata: copyMetadata(metadata, zoneLabel),
    spec: { podCIDR: spec?.podCIDR ?? null, podCIDRs: podCIDRs ? [...podCIDRs] : null },
    status: { addresses: (status?.addresses ?? []).map(({ type = null, address = null }) => ({ type, address })) },
  };
}

function copyServiceCIDR({ kind, metadata, spec }: ServiceCIDR): ServiceCIDR {
  return { kind, metadata: copyMetadata(metadata), spec: { cidrs: [...(spec?.cidrs ?? [])] } };
}

/** With no other label than the one that counts. */
function copyMetadata(
  { name, namespace = null, labels, creationTimestamp = null }: ObjectMeta,
  label?: string,
): ObjectMeta {
  const value = label === undefined ? undefined : labels?.[label];
  return {
    name,
    namespace,
    creationTimestamp,
    labels: label === undefined || value === undefined ? {} : { [label]: value },
  };
}
