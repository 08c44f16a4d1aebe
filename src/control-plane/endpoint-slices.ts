/**
 * The EndpointSlices of Services with a selector, as the EndpointSlice controller of Kubernetes makes them, and those of v1 Endpoints
 * (https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/). Nothing is validated: malformed values count as absent.
 */

import { getNamespaced, type Namespaced, setNamespaced } from '../kubernetes/namespaced-map.ts';
import { containerPorts, isPodReady, isPodTerminating, podAddresses } from '../kubernetes/pods.ts';
import { namespaceOf, ownerLabel, zoneLabel } from '../kubernetes/services.ts';
import { isMapping, listIn, type Mapping, mappingIn, textIn } from '../lib/unknown-values.ts';
import { cpuShares, hintsFor, type ZoneShares } from './endpoint-hints.ts';
import { mirrorEndpoints } from './mirror-endpoints.ts';
import { selectPods } from './select-pods.ts';
import {
  type AddressType,
  addressTypeOf,
  controllers,
  managerLabel,
  type SliceDraft,
  slicePort,
} from './slice-draft.ts';

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

const headlessLabel = 'service.kubernetes.io/headless';

/** --max-endpoints-per-slice of kube-controller-manager. */
const mostEndpoints = 100;

/** What slices of selectors need to know of Nodes. */
interface NodeFacts {
  readonly byName: ReadonlyMap<string, Mapping>;
  readonly shares: ZoneShares | undefined;
}

/** The slices that controllers would add, in the order of the Services. */
export function makeEndpointSlices(sources: SliceSources): Mapping[] {
  const managed = indexManaged(sources.slices);
  const taken: Namespaced<true> = new Map();
  for (const slice of sources.slices) {
    const metadata = mappingIn(slice, 'metadata');
    setNamespaced(taken, namespaceOf(metadata), textIn(metadata, 'name'), true);
  }
  const selectable = selectPods(sources.pods);
  const byName = new Map(sources.nodes.map((node) => [textIn(mappingIn(node, 'metadata'), 'name'), node]));
  const nodes = { byName, shares: cpuShares(sources.nodes) };
  const legacy: Namespaced<Mapping> = new Map();
  for (const one of sources.endpoints) {
    const metadata = mappingIn(one, 'metadata');
    setNamespaced(legacy, namespaceOf(metadata), textIn(metadata, 'name'), one);
  }
  return sources.services.flatMap((service) => {
    const metadata = mappingIn(service, 'metadata');
    const [namespace, name] = [namespaceOf(metadata), textIn(metadata, 'name')];
    const selector = Object.entries(mappingIn(mappingIn(service, 'spec'), 'selector'));
    const isExternalName = textIn(mappingIn(service, 'spec'), 'type') === 'ExternalName';
    if (getNamespaced(managed, namespace, name) || (isExternalName && selector.length > 0)) {
      return [];
    }
    const drafts =
      selector.length > 0
        ? draftSlices(service, selectable(namespace, selector), nodes)
        : mirrorEndpoints(getNamespaced(legacy, namespace, name) ?? {});
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

function nameSlice(
  { addressType, labels, annotations = {}, ports, endpoints }: SliceDraft,
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
    metadata: { name, namespace, labels, ...(Object.keys(annotations).length > 0 && { annotations }) },
    addressType,
    ports,
    endpoints,
  };
}

/** One slice for each family and set of resolved ports with up to 100 endpoints, more if there are more; an empty one for no endpoints. */
function draftSlices(service: Mapping, pods: readonly Mapping[], nodes: NodeFacts): SliceDraft[] {
  const labels = labelsOf(service);
  const addHints = hintsFor(service, nodes.shares);
  const candidates = pods.filter(isPodInEndpoints).filter((pod) => isNodeThere(pod, service, nodes.byName));
  return familiesOf(service).flatMap((addressType) => {
    const found = candidates.flatMap((pod) => {
      const addresses = addressesOf(pod).filter((address) => addressTypeOf(address) === addressType);
      return addresses.length > 0 ? [{ pod, endpoint: endpointOf(pod, { addresses, service, nodes }) }] : [];
    });
    const endpoints = addHints(found.map(({ endpoint }) => endpoint));
    const groups = new Map<string, { readonly ports: readonly Mapping[]; readonly endpoints: Mapping[] }>();
    for (const [index, { pod }] of found.entries()) {
      const ports = resolvePorts(service, pod);
      const key = JSON.stringify(ports);
      const group = groups.get(key) ?? { ports, endpoints: [] };
      groups.set(key, group);
      group.endpoints.push(endpoints[index] as Mapping);
    }
    const drafts = [...groups.values()].flatMap((group) =>
      chunks(group.endpoints, mostEndpoints).map((some) => ({ ...group, addressType, labels, endpoints: some })),
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
  readonly nodes: NodeFacts;
}

function endpointOf(pod: Mapping, { addresses, service, nodes }: EndpointParts): Mapping {
  const [metadata, spec] = [mappingIn(pod, 'metadata'), mappingIn(pod, 'spec')];
  const [name, namespace, uid] = [textIn(metadata, 'name'), namespaceOf(metadata), textIn(metadata, 'uid')];
  const nodeName = textIn(spec, 'nodeName');
  const zone = textIn(mappingIn(mappingIn(nodes.byName.get(nodeName) ?? {}, 'metadata'), 'labels'), zoneLabel);
  const serving = isPodReady(pod);
  const terminating = isPodTerminating(pod);
  const ready = publishesAll(service) || (serving && !terminating);
  const hostname = textIn(spec, 'hostname');
  const isNamed = hostname !== '' && textIn(spec, 'subdomain') === textIn(mappingIn(service, 'metadata'), 'name');
  return {
    addresses,
    conditions: { ready, serving, terminating },
    ...(isNamed && { hostname }),
    targetRef: { kind: 'Pod', namespace, name, ...(uid !== '' && { uid }) },
    ...(nodeName !== '' && { nodeName }),
    ...(zone !== '' && { zone }),
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
