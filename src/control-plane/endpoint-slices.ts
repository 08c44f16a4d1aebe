/**
 * The EndpointSlices of Services with a selector, as the EndpointSlice controller of Kubernetes makes them, and those of v1 Endpoints, as
 * the mirroring controller does (https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/). Nothing is validated:
 * malformed values count as absent.
 */

import { getNamespaced, type Namespaced, setNamespaced } from '../kubernetes/namespaced-map.ts';
import { containerPorts, podAddresses } from '../kubernetes/pods.ts';
import { namespaceOf, ownerLabel, zoneLabel } from '../kubernetes/services.ts';
import { isMapping, listIn, type Mapping, mappingIn, textIn } from '../lib/unknown-values.ts';
import { canonicalAddress, familyOfAddress } from '../net/address.ts';
import { selectPods } from './select-pods.ts';

/** What slices are made of; all are objects as the API has them, Services with their defaults and cluster IPs. */
export interface SliceSources {
  readonly services: readonly Mapping[];
  readonly pods: readonly Mapping[];
  /** Empty where nodes are not known. */
  readonly nodes: readonly Mapping[];
  /** v1 Endpoints. */
  readonly endpoints: readonly Mapping[];
  /** Slices that there are. Those of a controller stay as they are, and their Service gets no others. */
  readonly slices: readonly Mapping[];
}

type AddressType = 'IPv4' | 'IPv6';

/** Who writes slices, by the label {@link managerLabel}. */
const controllers = {
  selector: 'endpointslice-controller.k8s.io',
  mirror: 'endpointslicemirroring-controller.k8s.io',
} as const;

const managerLabel = 'endpointslice.kubernetes.io/managed-by';
const headlessLabel = 'service.kubernetes.io/headless';

/** --max-endpoints-per-slice of kube-controller-manager. */
const mostEndpoints = 100;

/** --mirroring-max-endpoints-per-subset. */
const mostMirrored = 1_000;

/** The slices that controllers would add, in the order of the Services. */
export function makeEndpointSlices(sources: SliceSources): Mapping[] {
  const managed = indexManaged(sources.slices);
  const taken: Namespaced<true> = new Map();
  for (const slice of sources.slices) {
    const metadata = mappingIn(slice, 'metadata');
    setNamespaced(taken, namespaceOf(metadata), textIn(metadata, 'name'), true);
  }
  const selectable = selectPods(sources.pods);
  const nodes = new Map(sources.nodes.map((node) => [textIn(mappingIn(node, 'metadata'), 'name'), node]));
  const legacy: Namespaced<Mapping> = new Map();
  for (const one of sources.endpoints) {
    const metadata = mappingIn(one, 'metadata');
    setNamespaced(legacy, namespaceOf(metadata), textIn(metadata, 'name'), one);
  }
  return sources.services.flatMap((service) => {
    const metadata = mappingIn(service, 'metadata');
    const [namespace, name] = [namespaceOf(metadata), textIn(metadata, 'name')];
    if (textIn(mappingIn(service, 'spec'), 'type') === 'ExternalName' || getNamespaced(managed, namespace, name)) {
      return [];
    }
    const selector = Object.entries(mappingIn(mappingIn(service, 'spec'), 'selector'));
    const drafts =
      selector.length > 0
        ? draftSlices(service, selectable(namespace, selector), nodes)
        : mirrorEndpoints(getNamespaced(legacy, namespace, name));
    return drafts.map((draft) => nameSlice(draft, { namespace, service: name, taken }));
  });
}

/** Services whose slices a controller has made. */
function indexManaged(slices: readonly Mapping[]): Namespaced<true> {
  const managed: Namespaced<true> = new Map();
  for (const slice of slices.filter(isManaged)) {
    const metadata = mappingIn(slice, 'metadata');
    setNamespaced(managed, namespaceOf(metadata), textIn(mappingIn(metadata, 'labels'), ownerLabel), true);
  }
  return managed;
}

/** Whether a controller has made a slice, and would change it. */
export function isManaged(slice: Mapping): boolean {
  const labels = mappingIn(mappingIn(slice, 'metadata'), 'labels');
  return Object.values<unknown>(controllers).includes(labels[managerLabel]);
}

/** A slice that has no name yet. */
interface SliceDraft {
  readonly addressType: AddressType;
  readonly labels: Mapping;
  readonly ports: readonly Mapping[];
  readonly endpoints: readonly Mapping[];
}

function nameSlice(
  { addressType, labels, ports, endpoints }: SliceDraft,
  {
    namespace,
    service,
    taken,
  }: { readonly namespace: string; readonly service: string; readonly taken: Namespaced<true> },
): Mapping {
  // A controller appends five random characters.
  const prefix = `${service}-${addressType.toLowerCase()}`;
  let name = prefix;
  for (let number = 2; getNamespaced(taken, namespace, name); number += 1) {
    name = `${prefix}-${number}`;
  }
  setNamespaced(taken, namespace, name, true);
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, namespace, labels },
    addressType,
    ports,
    endpoints,
  };
}

/** One slice for each family and set of resolved ports with up to 100 endpoints, more if there are more; an empty one for no endpoints. */
function draftSlices(service: Mapping, pods: readonly Mapping[], nodes: ReadonlyMap<string, Mapping>): SliceDraft[] {
  const labels = labelsOf(service);
  const candidates = pods.filter(isPodInEndpoints).filter((pod) => isNodeThere(pod, service, nodes));
  return familiesOf(service).flatMap((addressType) => {
    const groups = new Map<string, { readonly ports: readonly Mapping[]; readonly endpoints: Mapping[] }>();
    for (const pod of candidates) {
      const ports = resolvePorts(service, pod);
      const addresses = addressesOf(pod).filter((address) => typeOf(address) === addressType);
      if (addresses.length > 0) {
        const key = JSON.stringify(ports);
        const group = groups.get(key) ?? { ports, endpoints: [] };
        groups.set(key, group);
        group.endpoints.push(endpointOf(pod, { addresses, service, nodes }));
      }
    }
    const drafts = [...groups.values()].flatMap(({ ports, endpoints }) =>
      chunks(endpoints, mostEndpoints).map((some) => ({ addressType, labels, ports, endpoints: some })),
    );
    return drafts.length > 0 ? drafts : [{ addressType, labels, ports: [], endpoints: [] }];
  });
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}

/** Those of the Service, but for what the controller sets itself. */
function labelsOf(service: Mapping): Mapping {
  const { [headlessLabel]: _, ...labels } = mappingIn(mappingIn(service, 'metadata'), 'labels');
  return {
    ...labels,
    ...(textIn(mappingIn(service, 'spec'), 'clusterIP') === 'None' && { [headlessLabel]: '' }),
    [ownerLabel]: textIn(mappingIn(service, 'metadata'), 'name'),
    [managerLabel]: controllers.selector,
  };
}

function familiesOf(service: Mapping): AddressType[] {
  const families = listIn(mappingIn(service, 'spec'), 'ipFamilies');
  return (['IPv4', 'IPv6'] as const).filter((family) => families.includes(family));
}

/** It has an address and has not come to its end; one that is terminating is there, too. */
function isPodInEndpoints(pod: Mapping): boolean {
  const phase = textIn(mappingIn(pod, 'status'), 'phase');
  return phase !== 'Succeeded' && phase !== 'Failed' && addressesOf(pod).length > 0;
}

function addressesOf(pod: Mapping): string[] {
  return podAddresses(mappingIn(pod, 'status'));
}

function typeOf(address: string): AddressType {
  return familyOfAddress(address) === 'ip' ? 'IPv4' : 'IPv6';
}

/** A Pod whose node is gone has no endpoint, unless endpoints need not be ready. */
function isNodeThere(pod: Mapping, service: Mapping, nodes: ReadonlyMap<string, Mapping>): boolean {
  return nodes.size === 0 || publishesAll(service) || nodes.has(textIn(mappingIn(pod, 'spec'), 'nodeName'));
}

function publishesAll(service: Mapping): boolean {
  return mappingIn(service, 'spec')['publishNotReadyAddresses'] === true;
}

interface EndpointParts {
  readonly addresses: readonly string[];
  readonly service: Mapping;
  readonly nodes: ReadonlyMap<string, Mapping>;
}

function endpointOf(pod: Mapping, { addresses, service, nodes }: EndpointParts): Mapping {
  const [metadata, spec] = [mappingIn(pod, 'metadata'), mappingIn(pod, 'spec')];
  const [name, namespace, uid] = [textIn(metadata, 'name'), namespaceOf(metadata), textIn(metadata, 'uid')];
  const nodeName = textIn(spec, 'nodeName');
  const zone = textIn(mappingIn(mappingIn(nodes.get(nodeName) ?? {}, 'metadata'), 'labels'), zoneLabel);
  const serving = isReady(pod);
  const terminating = (metadata['deletionTimestamp'] ?? null) !== null;
  const ready = publishesAll(service) || (serving && !terminating);
  const hostname = textIn(spec, 'hostname');
  const isNamed = hostname !== '' && textIn(spec, 'subdomain') === textIn(mappingIn(service, 'metadata'), 'name');
  const hints = ready ? hintsOf(textIn(mappingIn(service, 'spec'), 'trafficDistribution'), { zone, nodeName }) : {};
  return {
    addresses,
    conditions: { ready, serving, terminating },
    ...(isNamed && { hostname }),
    targetRef: { kind: 'Pod', namespace, name, ...(uid !== '' && { uid }) },
    ...(nodeName !== '' && { nodeName }),
    ...(zone !== '' && { zone }),
    ...(Object.keys(hints).length > 0 && { hints }),
  };
}

function isReady(pod: Mapping): boolean {
  return listIn(mappingIn(pod, 'status'), 'conditions').some(
    (one) => isMapping(one) && one['type'] === 'Ready' && one['status'] === 'True',
  );
}

/** For whom the endpoint is meant (ServiceSpec.trafficDistribution). */
function hintsOf(
  distribution: string,
  { zone, nodeName }: { readonly zone: string; readonly nodeName: string },
): Mapping {
  const isClose = ['PreferClose', 'PreferSameZone', 'PreferSameNode'].includes(distribution);
  return {
    ...(isClose && zone !== '' && { forZones: [{ name: zone }] }),
    ...(distribution === 'PreferSameNode' && nodeName !== '' && { forNodes: [{ name: nodeName }] }),
  };
}

/** Ports whose targetPort the Pod has; a name may stand for another number in each. */
function resolvePorts(service: Mapping, pod: Mapping): Mapping[] {
  return listIn(mappingIn(service, 'spec'), 'ports')
    .filter(isMapping)
    .flatMap((port) => {
      const number = resolveTargetPort(port, pod);
      return number === undefined ? [] : [slicePort(port, number)];
    });
}

function slicePort(port: Mapping, number: unknown): Mapping {
  const appProtocol = textIn(port, 'appProtocol');
  return {
    name: textIn(port, 'name'),
    port: number,
    protocol: textIn(port, 'protocol') || 'TCP',
    ...(appProtocol !== '' && { appProtocol }),
  };
}

/** @param port an entry of spec.ports. @returns undefined if no container of the Pod has a port of that name and protocol. */
function resolveTargetPort(port: Mapping, pod: Mapping): number | undefined {
  const target = port['targetPort'] ?? port['port'];
  if (typeof target === 'number') {
    return target;
  }
  const protocol = textIn(port, 'protocol') || 'TCP';
  for (const one of containerPorts(mappingIn(pod, 'spec'))) {
    if (one['name'] === target && (textIn(one, 'protocol') || 'TCP') === protocol) {
      const number = one['containerPort'];
      return typeof number === 'number' ? number : undefined;
    }
  }
  return undefined;
}

/** A slice for each subset and family, unless it is a lock of leader election, or says that it is not to be mirrored. */
function mirrorEndpoints(endpoints: Mapping | undefined): SliceDraft[] {
  const metadata = mappingIn(endpoints ?? {}, 'metadata');
  const labels = mappingIn(metadata, 'labels');
  const isLock = 'control-plane.alpha.kubernetes.io/leader' in mappingIn(metadata, 'annotations');
  if (!endpoints || isLock || labels['endpointslice.kubernetes.io/skip-mirror'] === 'true') {
    return [];
  }
  return listIn(endpoints, 'subsets')
    .filter(isMapping)
    .flatMap((subset) => mirrorSubset(subset, { ...labels, [ownerLabel]: textIn(metadata, 'name') }));
}

function mirrorSubset(subset: Mapping, labels: Mapping): SliceDraft[] {
  const all = [
    ...listIn(subset, 'addresses').map((address) => mirrorAddress(address, true)),
    ...listIn(subset, 'notReadyAddresses').map((address) => mirrorAddress(address, false)),
  ]
    .flatMap((endpoint) => endpoint ?? [])
    .slice(0, mostMirrored);
  const ports = listIn(subset, 'ports')
    .filter(isMapping)
    .map((port) => slicePort(port, port['port']));
  return (['IPv4', 'IPv6'] as const).flatMap((addressType) => {
    const endpoints = all.filter(({ addresses: [address] }) => typeOf(address) === addressType);
    const mirrored = { ...labels, [managerLabel]: controllers.mirror };
    return endpoints.length > 0 ? [{ addressType, labels: mirrored, ports, endpoints }] : [];
  });
}

interface MirroredEndpoint extends Mapping {
  readonly addresses: readonly [string];
}

function mirrorAddress(entry: unknown, ready: boolean): MirroredEndpoint | undefined {
  const address = isMapping(entry) ? canonicalAddress(textIn(entry, 'ip')) : undefined;
  if (!isMapping(entry) || address === undefined) {
    return undefined;
  }
  const [nodeName, hostname] = [textIn(entry, 'nodeName'), textIn(entry, 'hostname')];
  return {
    addresses: [address],
    conditions: { ready },
    ...(hostname !== '' && { hostname }),
    ...(isMapping(entry['targetRef']) && { targetRef: entry['targetRef'] }),
    ...(nodeName !== '' && { nodeName }),
  };
}
