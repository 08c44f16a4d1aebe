/** The objects of a cluster after a change, once its controllers are done. Pure. */

import { isPodReady, isPodTerminating, podAddresses } from '../kubernetes/pods.ts';
import { zoneLabel } from '../kubernetes/services.ts';
import { compareText, listSome } from '../lib/text.ts';
import { describeValue, isMapping, listIn, type Mapping, mappingIn, textIn } from '../lib/unknown-values.ts';
import { familyOfAddress, parseCidr } from '../net/address.ts';
import { isExpanded, mostReplicas, podsOf, replicasOf, selectorOf } from './expand-workloads.ts';
import { findObject, nameOf, namespaceIn, ofKind, type WantedObject } from './object-names.ts';
import { findPlaces, type Places, type PodRequest, placePods } from './place-pods.ts';
import { remakeSlices } from './remake-slices.ts';
import { selectPods } from './select-pods.ts';
import { type FieldChange, setServiceField } from './set-service-field.ts';

/** Something that is done to a cluster, or happens to it. */
export type ClusterChange =
  /** spec.replicas of a Deployment, StatefulSet, ReplicaSet or ReplicationController. */
  | { readonly kind: 'scale'; readonly workload: WantedObject; readonly replicas: number }
  /** As `kubectl drain --ignore-daemonsets --force`. */
  | { readonly kind: 'drain'; readonly node: string }
  /** All Nodes of a zone fail at once. */
  | { readonly kind: 'lose-zone'; readonly zone: string }
  | ({ readonly kind: 'set' } & FieldChange);

/** The objects of the cluster then, in their order; or why it cannot be done, in one line. */
export type ChangedCluster = { readonly objects: readonly Mapping[] } | { readonly problem: string };

/**
 * The objects of a cluster after a change, and after its controllers have followed it: Pods, and EndpointSlices (remakeSlices).
 * Everything is ready at once; what terminates meanwhile is not shown.
 *
 * A field may still have a value that the schema of a Service does not know, which phase 2 finds.
 *
 * @param objects complete, as a cluster has them, of any kind.
 */
export function changeCluster(objects: readonly Mapping[], change: ClusterChange): ChangedCluster {
  switch (change.kind) {
    case 'scale':
      return scale(objects, change);
    case 'drain':
      return drain(objects, change.node);
    case 'lose-zone':
      return loseZone(objects, change.zone);
    case 'set':
      return setField(objects, change);
  }
}

/** The kinds that can be scaled. */
export const scalableKinds = ['Deployment', 'StatefulSet', 'ReplicaSet', 'ReplicationController'] as const;

function nodeOf(pod: Mapping): string {
  return textIn(mappingIn(pod, 'spec'), 'nodeName');
}

/** It takes connections, or will: it has not ended, and is not being deleted. */
function isActive(pod: Mapping): boolean {
  const phase = textIn(mappingIn(pod, 'status'), 'phase');
  return phase !== 'Succeeded' && phase !== 'Failed' && !isPodTerminating(pod);
}

function scale(
  objects: readonly Mapping[],
  { workload: wanted, replicas }: { readonly workload: WantedObject; readonly replicas: number },
): ChangedCluster {
  if (replicas > mostReplicas) {
    return { problem: `${replicas} replicas are more than ${mostReplicas.toLocaleString('en')}` };
  }
  const workload = findObject(objects, wanted);
  const scalable = typeof workload === 'string' ? findOwned(objects, wanted) : scalableOf(workload, objects);
  if (!scalable) {
    return {
      problem:
        typeof workload === 'string'
          ? workload
          : 'the input has no Pods, so it is not known which ones come or go; include them',
    };
  }
  const { pods, request } = scalable;
  const gone = new Set(sortByDispensability(pods, wanted.kind).slice(0, Math.max(0, pods.length - replicas)));
  const count = Math.max(0, replicas - pods.length);
  const made = count > 0 ? placePods({ ...request, count, others: pods }, placesIn(objects, objects)) : [];
  const after = objects
    .filter((object) => !gone.has(object))
    .map((object) => (object === workload ? withReplicas(object, replicas) : object));
  return { objects: remakeSlices({ before: objects, after: [...after, ...made] }) };
}

/** A workload's Pods that take connections or will, and what others would be like. */
interface Scalable {
  readonly pods: readonly Mapping[];
  readonly request: Omit<PodRequest, 'count' | 'others'>;
}

/** Undefined where its Pods are not known. */
function scalableOf(workload: Mapping, objects: readonly Mapping[]): Scalable | undefined {
  const pods = ofKind(objects, 'Pod');
  const own = selectPods(pods)(namespaceIn(workload), selectorOf(workload)).filter(isActive);
  return pods.length === 0 && replicasOf(workload) > 0 ? undefined : { pods: own, request: podsOf(workload) };
}

/** The same for a workload that is not in the input, from what its Pods say of it; undefined if none does. */
function findOwned(objects: readonly Mapping[], { kind, namespace, name }: WantedObject): Scalable | undefined {
  const isOwned = (pod: Mapping): boolean => {
    const owner = ownerOf(pod);
    const hash = textIn(mappingIn(mappingIn(pod, 'metadata'), 'labels'), 'pod-template-hash');
    return (
      (namespace === undefined || namespaceIn(pod) === namespace) &&
      ((owner?.kind === kind && owner.name === name) ||
        (kind === 'Deployment' && owner?.kind === 'ReplicaSet' && owner.name === `${name}-${hash}`))
    );
  };
  const pods = ofKind(objects, 'Pod').filter(isOwned).filter(isActive);
  const [first] = pods;
  const request = first && ownerOf(first);
  return request && new Set(pods.map(namespaceIn)).size === 1 ? { pods, request } : undefined;
}

function withReplicas(workload: Mapping, replicas: number): Mapping {
  return { ...workload, spec: { ...mappingIn(workload, 'spec'), replicas } };
}

/**
 * The Pods that their controller deletes first come first. Of a StatefulSet, those with the highest numbers; else those that are not
 * ready, then those on nodes with the most of them, then the newest (ActivePodsWithRanks of kube-controller-manager).
 */
function sortByDispensability(pods: readonly Mapping[], kind: string): Mapping[] {
  // Of two that are alike, the one made last.
  const latest = [...pods].reverse();
  if (kind === 'StatefulSet') {
    return latest.sort((a, b) => ordinalOf(b) - ordinalOf(a));
  }
  const loads = new Map<string, number>();
  for (const pod of pods) {
    loads.set(nodeOf(pod), (loads.get(nodeOf(pod)) ?? 0) + 1);
  }
  const createdAt = (pod: Mapping): string => textIn(mappingIn(pod, 'metadata'), 'creationTimestamp');
  return latest.sort(
    (a, b) =>
      Number(isPodReady(a)) - Number(isPodReady(b)) ||
      (loads.get(nodeOf(b)) ?? 0) - (loads.get(nodeOf(a)) ?? 0) ||
      compareText(createdAt(b), createdAt(a)),
  );
}

function ordinalOf(pod: Mapping): number {
  return Number(/-(\d{1,9})$/.exec(nameOf(pod))?.[1] ?? -1);
}

/** For Pods on Nodes that do not say which addresses theirs have: ranges that no network uses (RFC 2544, RFC 3849). */
const spareRanges = { ip: '198.19.0.0/16', ip6: '2001:db8:ffff::/48' } as const;

/**
 * @param taken objects whose names and addresses no other Pod may have.
 */
function placesIn(objects: readonly Mapping[], taken: readonly Mapping[]): Places {
  const pods = ofKind(taken, 'Pod');
  const families = new Set(pods.flatMap((pod) => podAddresses(mappingIn(pod, 'status'))).map(familyOfAddress));
  const podCIDRs = [...families].flatMap((family) => parseCidr(spareRanges[family]) ?? []);
  return findPlaces({ pods, nodes: ofKind(objects, 'Node'), podCIDRs });
}

function drain(objects: readonly Mapping[], name: string): ChangedCluster {
  const node = findObject(objects, { kind: 'Node', name });
  if (typeof node === 'string') {
    return { problem: node };
  }
  const closed = { ...node, spec: { ...mappingIn(node, 'spec'), unschedulable: true } };
  const controllerOf = controllerFinder(objects);
  const evicted = ofKind(objects, 'Pod')
    .filter((pod) => nodeOf(pod) === name)
    .map((pod) => ({ pod, controller: controllerOf(pod) }))
    .filter(({ controller }) => controller?.kind !== 'DaemonSet' && controller?.kind !== 'Node');
  const gone = new Set(evicted.map(({ pod }) => pod));
  const after = objects.filter((object) => !gone.has(object)).map((object) => (object === node ? closed : object));
  const made = replacePods(evicted, { after, places: placesIn(after, objects), controllerOf });
  return {
    objects: remakeSlices({ before: objects, after: [...after, ...made], emptied: new Set([name]) }),
  };
}

/** Who makes a Pod again. */
interface Controller extends Omit<PodRequest, 'count' | 'others'> {
  /** Of all its Pods, and of no others. */
  readonly id: string;
}

type FindController = (pod: Mapping) => Controller | undefined;

/** A function to the workload of a Pod: the one in the input that selects it, else what the Pod says of its owner. */
function controllerFinder(objects: readonly Mapping[]): FindController {
  const select = selectPods(ofKind(objects, 'Pod'));
  const controllers = new Map<Mapping, Controller>();
  for (const workload of objects.filter(isExpanded)) {
    const request = podsOf(workload);
    const controller = { ...request, id: `${request.kind}/${request.namespace}/${request.name}` };
    for (const pod of select(request.namespace, selectorOf(workload))) {
      controllers.set(pod, controller);
    }
  }
  return (pod) => controllers.get(pod) ?? ownerOf(pod);
}

function ownerOf(pod: Mapping): Controller | undefined {
  const owners = listIn(mappingIn(pod, 'metadata'), 'ownerReferences').filter(isMapping);
  const owner = owners.find(({ controller }) => controller === true);
  if (!owner) {
    return undefined;
  }
  const [kind, name, namespace] = [textIn(owner, 'kind'), textIn(owner, 'name'), namespaceIn(pod)];
  const serviceName = textIn(mappingIn(pod, 'spec'), 'subdomain');
  return { namespace, name, kind, serviceName, template: pod, id: `${kind}/${namespace}/${name}` };
}

interface Evicted {
  readonly pod: Mapping;
  readonly controller: Controller | undefined;
}

interface Replacement {
  readonly after: readonly Mapping[];
  readonly places: Places;
  readonly controllerOf: FindController;
}

/** New Pods for those that something controls. Those of a StatefulSet keep their names. */
function replacePods(evicted: readonly Evicted[], { after, places, controllerOf }: Replacement): Mapping[] {
  const groups = new Map<string, { readonly controller: Controller; readonly pods: Mapping[]; others: Mapping[] }>();
  for (const { pod, controller } of evicted) {
    if (controller && isActive(pod)) {
      const group = groups.get(controller.id) ?? { controller, pods: [], others: [] };
      groups.set(controller.id, group);
      group.pods.push(pod);
    }
  }
  for (const pod of groups.size > 0 ? ofKind(after, 'Pod').filter(isActive) : []) {
    const { id = '' } = controllerOf(pod) ?? {};
    groups.get(id)?.others.push(pod);
  }
  return [...groups.values()].flatMap(({ controller, pods, others }) => {
    const names = controller.kind === 'StatefulSet' ? pods.map(nameOf) : [];
    return placePods({ ...controller, count: pods.length, others, names }, places);
  });
}

function loseZone(objects: readonly Mapping[], zone: string): ChangedCluster {
  const zoneOf = (node: Mapping): string => textIn(mappingIn(mappingIn(node, 'metadata'), 'labels'), zoneLabel);
  const nodes = ofKind(objects, 'Node');
  const lost = new Set(nodes.filter((node) => zoneOf(node) === zone));
  const zones = [...new Set(nodes.map(zoneOf))].filter((one) => one !== '').sort(compareText);
  if (zone === '' || lost.size === 0) {
    const where =
      zones.length === 0
        ? 'no Node has a zone'
        : `the Nodes are in ${listSome(
            zones.map((one) => describeValue(one)),
            5,
          )}`;
    return { problem: `there is no Node in zone ${describeValue(zone)}; ${where}` };
  }
  const names = new Set([...lost].map(nameOf));
  const isLost = (object: Mapping): boolean =>
    lost.has(object) || (object['kind'] === 'Pod' && names.has(nodeOf(object)));
  return {
    objects: remakeSlices({ before: objects, after: objects.filter((object) => !isLost(object)), emptied: names }),
  };
}

function setField(objects: readonly Mapping[], change: FieldChange): ChangedCluster {
  const found = findObject(objects, { kind: 'Service', ...change.service });
  if (typeof found === 'string') {
    return { problem: found };
  }
  const changed = setServiceField(found, change, objects);
  return typeof changed === 'string'
    ? { problem: changed }
    : {
        objects: remakeSlices({
          before: objects,
          after: objects.map((object) => (object === found ? changed : object)),
        }),
      };
}
