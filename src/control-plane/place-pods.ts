/**
 * Where Pods run, and which names and addresses they get: what the scheduler, kubelets and the network do. Nothing is validated:
 * malformed values count as absent.
 */

import { getNamespaced, type Namespaced, setNamespaced } from '../kubernetes/namespaced-map.ts';
import { podAddresses } from '../kubernetes/pods.ts';
import { namespaceOf, zoneLabel } from '../kubernetes/services.ts';
import { isMapping, listIn, type Mapping, mappingIn, textIn } from '../lib/unknown-values.ts';
import { type Cidr, canonicalAddress, parseCidr } from '../net/address.ts';
import { addressPool, deriveValue, hashText, type Pool, takeValue } from './allocation-pool.ts';

/** What Pods that are made must not collide with, and where they may run; all are objects as the API has them. */
export interface PlaceSources {
  readonly pods: readonly Mapping[];
  /** With addresses and podCIDRs. */
  readonly nodes: readonly Mapping[];
  /** Ranges for Pods on nodes without podCIDRs, at most one of each family; without one they get no addresses. */
  readonly podCIDRs?: readonly Cidr[];
}

/** Nodes, and the names and addresses of Pods that are taken. {@link placePods} takes more. */
export interface Places {
  readonly nodes: readonly Place[];
  readonly names: Namespaced<true>;
}

/** A node, and the addresses that it has left for Pods. */
interface Place {
  readonly name: string;
  readonly labels: Mapping;
  readonly taints: readonly Mapping[];
  /** Its own. */
  readonly addresses: readonly string[];
  readonly pools: readonly Pool[];
}

/** The places of a cluster's next Pods. */
export function findPlaces({ pods, nodes, podCIDRs = [] }: PlaceSources): Places {
  const spare = podCIDRs.map((cidr) => addressPool(cidr, () => 0));
  const places = nodes.map((node) => createPlace(node, spare));
  const placesByName = new Map(places.map((place) => [place.name, place]));
  const names: Namespaced<true> = new Map();
  for (const pod of pods) {
    const metadata = mappingIn(pod, 'metadata');
    setNamespaced(names, namespaceOf(metadata), textIn(metadata, 'name'), true);
    const { pools = [] } = placesByName.get(textIn(mappingIn(pod, 'spec'), 'nodeName')) ?? {};
    for (const address of podAddresses(mappingIn(pod, 'status'))) {
      for (const pool of [...pools, ...spare]) {
        takeValue(pool, address, address);
      }
    }
  }
  return { nodes: places, names };
}

const unschedulable = 'node.kubernetes.io/unschedulable';

function createPlace(node: Mapping, spare: readonly Pool[]): Place {
  const [metadata, spec, status] = [mappingIn(node, 'metadata'), mappingIn(node, 'spec'), mappingIn(node, 'status')];
  const ranges = listIn(spec, 'podCIDRs');
  const pools = (ranges.length > 0 ? ranges : [spec['podCIDR']]).flatMap((range) => {
    const cidr = typeof range === 'string' ? parseCidr(range) : undefined;
    return cidr ? [addressPool(cidr, () => 0)] : [];
  });
  return {
    name: textIn(metadata, 'name'),
    labels: mappingIn(metadata, 'labels'),
    taints: [
      ...listIn(spec, 'taints').filter(isMapping),
      ...(spec['unschedulable'] === true ? [{ key: unschedulable, effect: 'NoSchedule' }] : []),
    ],
    addresses: listIn(status, 'addresses')
      .filter(isMapping)
      .filter((one) => one['type'] === 'InternalIP')
      .flatMap((one) => canonicalAddress(textIn(one, 'address')) ?? []),
    pools: pools.length > 0 ? pools : spare,
  };
}

/** Pods of one workload. */
export interface PodRequest {
  readonly namespace: string;
  /** Of the workload, with which the names of its Pods begin. */
  readonly name: string;
  /** Of the workload: those of a StatefulSet have a hostname, those of a DaemonSet run on every node. */
  readonly kind: string;
  /** Of a StatefulSet: spec.serviceName. */
  readonly serviceName: string;
  /** Of a StatefulSet: spec.ordinals.start, the number of its first Pod; 0 by default. */
  readonly firstNumber?: number;
  /** Whether the Pods of a Job have numbers (completionMode Indexed). */
  readonly isIndexed?: boolean;
  /** With metadata and spec. */
  readonly template: Mapping;
  /** How many; of a DaemonSet one for each node. */
  readonly count: number;
  /** Those that it has already. */
  readonly others: readonly Mapping[];
  /** Names to use first, though they may be taken. */
  readonly names?: readonly string[];
}

/**
 * Makes Pods, running and ready, each on a node with the fewest Pods of the workload, the first ones where the workload's name leads to.
 * None where no node takes it. Each gets an address of each family of its node; a node without free addresses gives none.
 */
export function placePods(request: PodRequest, places: Places): Mapping[] {
  const { names = [], others, firstNumber = 0 } = request;
  return chooseNodes(request, places.nodes).map((place, index) =>
    createPod(request, place, names[index] ?? freeName(request, firstNumber + others.length + index, places.names)),
  );
}

function chooseNodes({ namespace, name, kind, template, count, others }: PodRequest, nodes: readonly Place[]): Place[] {
  const spec = mappingIn(template, 'spec');
  const wanted = Object.entries(mappingIn(spec, 'nodeSelector'));
  const tolerations = [
    ...listIn(spec, 'tolerations').filter(isMapping),
    ...(kind === 'DaemonSet' ? [{ key: unschedulable, operator: 'Exists' }] : []),
  ];
  const usable = nodes.filter(
    ({ labels, taints }) =>
      wanted.every(([key, value]) => labels[key] === value) && taints.every((taint) => isTolerated(taint, tolerations)),
  );
  if (kind === 'DaemonSet') {
    return usable;
  }
  const start = usable.length > 0 ? hashText(`${namespace}/${name}`) % usable.length : 0;
  const inOrder = [...usable.slice(start), ...usable.slice(0, start)];
  const loads = new Map(inOrder.map((place) => [place.name, 0]));
  for (const pod of others) {
    const nodeName = textIn(mappingIn(pod, 'spec'), 'nodeName');
    loads.set(nodeName, (loads.get(nodeName) ?? 0) + 1);
  }
  return Array.from({ length: usable.length > 0 ? count : 0 }, () => takeLeastLoaded(inOrder, loads));
}

function takeLeastLoaded(places: readonly Place[], loads: Map<string, number>): Place {
  const loadOf = ({ name }: Place): number => loads.get(name) ?? 0;
  const least = places.reduce((best, place) => (loadOf(place) < loadOf(best) ? place : best));
  loads.set(least.name, loadOf(least) + 1);
  return least;
}

/** Whether a taint keeps no Pod with these tolerations away (Toleration.ToleratesTaint of the API). */
function isTolerated(taint: Mapping, tolerations: readonly Mapping[]): boolean {
  const isHarmless = taint['effect'] !== 'NoSchedule' && taint['effect'] !== 'NoExecute';
  return (
    isHarmless ||
    tolerations.some(({ key = '', operator, effect = '', value = '' }) => {
      const isSame = operator === 'Exists' || value === (taint['value'] ?? '');
      return (
        (effect === '' || effect === taint['effect']) &&
        (key === '' ? operator === 'Exists' : key === taint['key'] && isSame)
      );
    })
  );
}

/** `cart-0`, or the next number that no Pod has. */
function freeName({ namespace, name: prefix }: PodRequest, index: number, names: Namespaced<true>): string {
  let number = index;
  while (getNamespaced(names, namespace, `${prefix}-${number}`)) {
    number += 1;
  }
  const name = `${prefix}-${number}`;
  setNamespaced(names, namespace, name, true);
  return name;
}

function createPod(request: PodRequest, place: Place, name: string): Mapping {
  const { namespace, template } = request;
  const [metadata, spec] = [mappingIn(template, 'metadata'), mappingIn(template, 'spec')];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels: { ...mappingIn(metadata, 'labels'), ...addedLabels(request, place, name) } },
    spec: {
      nodeName: place.name,
      ...(spec['hostNetwork'] === true && { hostNetwork: true }),
      ...hostnameOf(request, name),
      containers: listIn(spec, 'containers'),
      ...(listIn(spec, 'initContainers').length > 0 && { initContainers: listIn(spec, 'initContainers') }),
    },
    status: runningStatus({ namespace, name, spec }, place),
  };
}

/** The status of a Pod that is ready. */
function runningStatus(
  { namespace, name, spec }: { readonly namespace: string; readonly name: string; readonly spec: Mapping },
  { addresses: ofNode, pools }: Place,
): Mapping {
  const own =
    spec['hostNetwork'] === true
      ? ofNode
      : pools.flatMap((pool) => deriveValue(pool, `${namespace}/${name}`, name) ?? []);
  const addresses = onePerFamily(own);
  return {
    phase: 'Running',
    conditions: [{ type: 'Ready', status: 'True' }],
    ...(addresses[0] !== undefined && { podIP: addresses[0], podIPs: addresses.map((ip) => ({ ip })) }),
  };
}

/**
 * A Pod as a manifest has it, without a status, once it runs and is ready: on the node that it names, else where the scheduler puts it. Any
 * other one is returned as it is, and so is one that no node takes.
 */
export function startPod(pod: Mapping, { nodes }: Places): Mapping {
  if (Object.keys(mappingIn(pod, 'status')).length > 0) {
    return pod;
  }
  const [metadata, spec] = [mappingIn(pod, 'metadata'), mappingIn(pod, 'spec')];
  const [namespace, name, nodeName] = [namespaceOf(metadata), textIn(metadata, 'name'), textIn(spec, 'nodeName')];
  const request = { ...{ namespace, name, serviceName: '' }, kind: 'Pod', template: pod, count: 1, others: [] };
  const [place] = nodeName === '' ? chooseNodes(request, nodes) : nodes.filter((node) => node.name === nodeName);
  if (!place || name === '') {
    return pod;
  }
  const labels = { ...mappingIn(metadata, 'labels'), ...topologyLabelsOf(place) };
  return {
    ...pod,
    metadata: { ...metadata, ...(Object.keys(labels).length > 0 && { labels }) },
    spec: { ...spec, nodeName: place.name },
    status: runningStatus({ namespace, name, spec }, place),
  };
}

function onePerFamily(addresses: readonly string[]): string[] {
  const isFirst = (address: string, index: number): boolean =>
    addresses.findIndex((other) => other.includes(':') === address.includes(':')) === index;
  return addresses.filter(isFirst);
}

/** Labels of a Node that its Pods get as well. */
const topologyLabels = [zoneLabel, 'topology.kubernetes.io/region'];

/** Labels that a Service may select by, apart from those of the template: of the controller, and of the Node. */
function addedLabels({ kind, name: owner, isIndexed }: PodRequest, place: Place, name: string): Mapping {
  const number = name.slice(owner.length + 1);
  return {
    ...(kind === 'StatefulSet' && {
      'statefulset.kubernetes.io/pod-name': name,
      'apps.kubernetes.io/pod-index': number,
    }),
    ...(kind === 'Job' && { 'job-name': owner, 'batch.kubernetes.io/job-name': owner }),
    ...(kind === 'Job' && isIndexed && { 'batch.kubernetes.io/job-completion-index': number }),
    ...topologyLabelsOf(place),
  };
}

function topologyLabelsOf({ labels }: Place): Mapping {
  return Object.fromEntries(
    topologyLabels.flatMap((key) => (typeof labels[key] === 'string' ? [[key, labels[key]]] : [])),
  );
}

/** By which DNS knows the Pod: a StatefulSet names its Pods, for its governing Service, and so does a Job that numbers them. */
function hostnameOf({ kind, serviceName, template, isIndexed }: PodRequest, name: string): Mapping {
  const spec = mappingIn(template, 'spec');
  const isStateful = kind === 'StatefulSet';
  const hostname = isStateful ? name : textIn(spec, 'hostname') || (isIndexed ? name : '');
  const subdomain = isStateful ? serviceName : textIn(spec, 'subdomain');
  return { ...(hostname !== '' && { hostname }), ...(subdomain !== '' && { subdomain }) };
}
