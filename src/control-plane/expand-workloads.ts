/**
 * The Pods of workloads, for inputs without Pods: ready, with addresses, spread over nodes. Nothing is validated: malformed values count
 * as absent.
 */

import { getNamespaced, type Namespaced, setNamespaced } from '../kubernetes/namespaced-map.ts';
import { podAddresses } from '../kubernetes/pods.ts';
import { namespaceOf } from '../kubernetes/services.ts';
import { isMapping, listIn, type Mapping, mappingIn, textIn } from '../lib/unknown-values.ts';
import { canonicalAddress, parseCidr } from '../net/address.ts';
import { addressPool, deriveValue, hashText, type Pool, takeValue } from './allocation-pool.ts';
import { type Selector, selectPods } from './select-pods.ts';

/** Pods of one workload at most: more is a mistake, or an attack. */
const mostReplicas = 10_000;

/** What Pods are made of; all are objects as the API has them. */
export interface WorkloadSources {
  /** Objects of any kind; those with a template of Pods count. */
  readonly workloads: readonly Mapping[];
  /** Pods that there are: a workload with Pods gets no others. */
  readonly pods: readonly Mapping[];
  /** With addresses and podCIDRs. */
  readonly nodes: readonly Mapping[];
}

/**
 * The Pods that controllers, the scheduler and kubelets would make of workloads, in their order. Each gets an address of each family of its
 * node's podCIDRs; a node without free addresses gives none.
 */
export function expandWorkloads({ workloads, pods, nodes }: WorkloadSources): Mapping[] {
  const names: Namespaced<true> = new Map();
  const places = nodes.map(createPlace);
  const placesByName = new Map(places.map((place) => [place.name, place]));
  for (const pod of pods) {
    const metadata = mappingIn(pod, 'metadata');
    setNamespaced(names, namespaceOf(metadata), textIn(metadata, 'name'), true);
    const { pools = [] } = placesByName.get(textIn(mappingIn(pod, 'spec'), 'nodeName')) ?? {};
    for (const address of podAddresses(mappingIn(pod, 'status'))) {
      for (const pool of pools) {
        takeValue(pool, address, address);
      }
    }
  }
  const existing = selectPods(pods);
  return workloads.flatMap((workload) => {
    const template = mappingIn(mappingIn(workload, 'spec'), 'template');
    const namespace = namespaceOf(mappingIn(workload, 'metadata'));
    if (!isExpanded(workload) || existing(namespace, selectorOf(workload, template)).length > 0) {
      return [];
    }
    return placesOf(workload, template, places).map((place, index) =>
      createPod({ workload, template, place, name: freeName(workload, index, names) }),
    );
  });
}

/** Whether it has a template, and no other workload makes it, as a Deployment makes its ReplicaSets. */
function isExpanded(workload: Mapping): boolean {
  const spec = mappingIn(mappingIn(mappingIn(workload, 'spec'), 'template'), 'spec');
  const owners = listIn(mappingIn(workload, 'metadata'), 'ownerReferences');
  const isOwned = owners.some((owner) => isMapping(owner) && owner['controller'] === true);
  return listIn(spec, 'containers').length > 0 && !isOwned && workload['kind'] !== 'PodTemplate';
}

/** The labels by which a workload knows its Pods; those of its template where it does not say. */
function selectorOf(workload: Mapping, template: Mapping): Selector {
  const selector = mappingIn(mappingIn(workload, 'spec'), 'selector');
  // A ReplicationController has the labels themselves.
  const labels = isMapping(selector['matchLabels']) ? selector['matchLabels'] : selector;
  const entries = Object.entries(labels).filter(([, value]) => typeof value === 'string');
  return entries.length > 0 ? entries : Object.entries(mappingIn(mappingIn(template, 'metadata'), 'labels'));
}

/** A node, and the addresses that it has left for Pods. */
interface Place {
  readonly name: string;
  readonly labels: Mapping;
  /** Its own. */
  readonly addresses: readonly string[];
  readonly pools: readonly Pool[];
}

function createPlace(node: Mapping): Place {
  const [metadata, spec, status] = [mappingIn(node, 'metadata'), mappingIn(node, 'spec'), mappingIn(node, 'status')];
  const ranges = listIn(spec, 'podCIDRs');
  return {
    name: textIn(metadata, 'name'),
    labels: mappingIn(metadata, 'labels'),
    addresses: listIn(status, 'addresses')
      .filter(isMapping)
      .filter((one) => one['type'] === 'InternalIP')
      .flatMap((one) => canonicalAddress(textIn(one, 'address')) ?? []),
    pools: (ranges.length > 0 ? ranges : [spec['podCIDR']]).flatMap((range) => {
      const cidr = typeof range === 'string' ? parseCidr(range) : undefined;
      return cidr ? [addressPool(cidr, () => 0)] : [];
    }),
  };
}

/** A node for each Pod: all for a DaemonSet, else one after the other, beginning with the one that the workload's name leads to. */
function placesOf(workload: Mapping, template: Mapping, places: readonly Place[]): Place[] {
  const wanted = Object.entries(mappingIn(mappingIn(template, 'spec'), 'nodeSelector'));
  const usable = places.filter(({ labels }) => wanted.every(([key, value]) => labels[key] === value));
  if (workload['kind'] === 'DaemonSet') {
    return usable;
  }
  const metadata = mappingIn(workload, 'metadata');
  const start = hashText(`${namespaceOf(metadata)}/${textIn(metadata, 'name')}`);
  return Array.from({ length: usable.length > 0 ? replicasOf(workload) : 0 }, (_, index) => {
    return usable[(start + index) % usable.length] as Place;
  });
}

/** As the API defaults them: one. */
function replicasOf(workload: Mapping): number {
  const spec = mappingIn(workload, 'spec');
  const count = spec[workload['kind'] === 'Job' ? 'parallelism' : 'replicas'] ?? 1;
  return Number.isSafeInteger(count) ? Math.min(Math.max(Number(count), 0), mostReplicas) : 1;
}

/** `cart-0`, or the next number that no Pod has. */
function freeName(workload: Mapping, index: number, names: Namespaced<true>): string {
  const metadata = mappingIn(workload, 'metadata');
  const [namespace, prefix] = [namespaceOf(metadata), textIn(metadata, 'name')];
  let number = index;
  while (getNamespaced(names, namespace, `${prefix}-${number}`)) {
    number += 1;
  }
  const name = `${prefix}-${number}`;
  setNamespaced(names, namespace, name, true);
  return name;
}

interface PodParts {
  readonly workload: Mapping;
  readonly template: Mapping;
  readonly place: Place;
  readonly name: string;
}

function createPod({ workload, template, place, name }: PodParts): Mapping {
  const [metadata, spec] = [mappingIn(template, 'metadata'), mappingIn(template, 'spec')];
  const namespace = namespaceOf(mappingIn(workload, 'metadata'));
  const isHostNetwork = spec['hostNetwork'] === true;
  const own = isHostNetwork
    ? place.addresses
    : place.pools.flatMap((pool) => deriveValue(pool, `${namespace}/${name}`, name) ?? []);
  const addresses = onePerFamily(own);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels: mappingIn(metadata, 'labels') },
    spec: {
      nodeName: place.name,
      ...(isHostNetwork && { hostNetwork: true }),
      ...hostnameOf(workload, spec, name),
      containers: listIn(spec, 'containers'),
      ...(listIn(spec, 'initContainers').length > 0 && { initContainers: listIn(spec, 'initContainers') }),
    },
    status: {
      phase: 'Running',
      conditions: [{ type: 'Ready', status: 'True' }],
      ...(addresses[0] !== undefined && { podIP: addresses[0], podIPs: addresses.map((ip) => ({ ip })) }),
    },
  };
}

function onePerFamily(addresses: readonly string[]): string[] {
  const isFirst = (address: string, index: number): boolean =>
    addresses.findIndex((other) => other.includes(':') === address.includes(':')) === index;
  return addresses.filter(isFirst);
}

/** By which DNS knows the Pod: a StatefulSet names its Pods, for its governing Service. */
function hostnameOf(workload: Mapping, spec: Mapping, name: string): Mapping {
  const isStateful = workload['kind'] === 'StatefulSet';
  const hostname = isStateful ? name : textIn(spec, 'hostname');
  const subdomain = isStateful ? textIn(mappingIn(workload, 'spec'), 'serviceName') : textIn(spec, 'subdomain');
  return { ...(hostname !== '' && { hostname }), ...(subdomain !== '' && { subdomain }) };
}
