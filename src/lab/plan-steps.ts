/** How a change of a cluster goes on in a lab: the objects after each step, as its controllers would write them. Pure. */

import { changeCluster } from '../control-plane/change-cluster.ts';
import { isExpanded, podsOf, selectorOf } from '../control-plane/expand-workloads.ts';
import { findObject, fullName, nameOf, namespaceIn, ofKind, type WantedObject } from '../control-plane/object-names.ts';
import { findPlaces, placePods } from '../control-plane/place-pods.ts';
import { remakeSlices } from '../control-plane/remake-slices.ts';
import { selectPods } from '../control-plane/select-pods.ts';
import { type Mapping, mappingIn, textIn } from '../lib/unknown-values.ts';

/** What can be done to a lab. */
export type LabChange =
  | { readonly kind: 'scale'; readonly workload: WantedObject; readonly replicas: number }
  | { readonly kind: 'drain'; readonly node: string }
  /** Lets a node have Pods again; those that run elsewhere stay there. */
  | { readonly kind: 'uncordon'; readonly node: string }
  /** Replaces all Pods of a workload, one after the other. */
  | { readonly kind: 'roll'; readonly workload: WantedObject }
  /** Ends a Pod without notice. Its workload gets another one. */
  | { readonly kind: 'kill'; readonly pod: WantedObject };

/** The objects after each step, or why there are none, in one line. */
export type LabSteps = { readonly steps: readonly (readonly Mapping[])[] } | { readonly problem: string };

/** The kinds whose Pods can be replaced. */
export const rollableKinds = ['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet', 'ReplicationController'] as const;

/** The steps of a change. Pods that go terminate first, so that nothing new is sent to them. */
export function planSteps(objects: readonly Mapping[], change: LabChange): LabSteps {
  switch (change.kind) {
    case 'scale':
    case 'drain': {
      const changed = changeCluster(objects, change);
      return 'problem' in changed ? changed : { steps: gracefully(objects, changed.objects) };
    }
    case 'uncordon':
      return uncordon(objects, change.node);
    case 'roll':
      return roll(objects, change.workload);
    case 'kill': {
      const pod = findObject(objects, change.pod);
      if (typeof pod === 'string') {
        return { problem: pod };
      }
      const without = withPods(objects, { removed: pod });
      const workload = workloadOf(objects, pod);
      const added = workload && replacementFor(without, { pod, workload, taken: [pod] });
      return { steps: [withPods(without, { added })] };
    }
  }
}

/** When Pods that terminate began to; no rule depends on it. */
const deletionTime = '2026-01-01T00:00:00Z';

/** Objects after a change, and before that those in which Pods that go still terminate. */
function gracefully(before: readonly Mapping[], after: readonly Mapping[]): (readonly Mapping[])[] {
  const kept = new Set(after);
  const gone = before.filter((object) => object['kind'] === 'Pod' && !kept.has(object));
  const names = new Set(ofKind(after, 'Pod').map(fullName));
  // A Pod of a StatefulSet that moves has the name of its successor.
  const terminating = gone.filter((pod) => !names.has(fullName(pod))).map(terminate);
  return terminating.length === 0
    ? [after]
    : [remakeSlices({ before: after, after: [...after, ...terminating] }), after];
}

function terminate(pod: Mapping): Mapping {
  return { ...pod, metadata: { ...mappingIn(pod, 'metadata'), deletionTimestamp: deletionTime } };
}

interface PodChange {
  readonly added?: Mapping | undefined;
  readonly removed?: Mapping;
}

function withPods(before: readonly Mapping[], { added, removed }: PodChange): readonly Mapping[] {
  const after = [...before.filter((object) => object !== removed), ...(added ? [added] : [])];
  return remakeSlices({ before, after });
}

function uncordon(objects: readonly Mapping[], name: string): LabSteps {
  const node = findObject(objects, { kind: 'Node', name });
  if (typeof node === 'string') {
    return { problem: node };
  }
  const { unschedulable: _, ...spec } = mappingIn(node, 'spec');
  return { steps: [objects.map((object) => (object === node ? { ...node, spec } : object))] };
}

function roll(objects: readonly Mapping[], wanted: WantedObject): LabSteps {
  const workload = findObject(objects, wanted);
  if (typeof workload === 'string') {
    return { problem: workload };
  }
  const pods = podsOfWorkload(objects, workload);
  // Those of a StatefulSet keep their names, and those of a DaemonSet their nodes, so the old one goes first.
  const isOldFirst = wanted.kind === 'StatefulSet' || wanted.kind === 'DaemonSet';
  const steps: (readonly Mapping[])[] = [];
  // New Pods do not get names of those that have just gone.
  const taken = wanted.kind === 'StatefulSet' ? [] : pods;
  let current = objects;
  for (const pod of pods) {
    if (!isOldFirst) {
      current = withPods(current, { added: replacementFor(current, { pod, workload, taken }) });
      steps.push(current);
    }
    const without = withPods(current, { removed: pod });
    steps.push(...gracefully(current, without));
    current = without;
    if (isOldFirst) {
      current = withPods(current, { added: replacementFor(current, { pod, workload, taken }) });
      steps.push(current);
    }
  }
  return pods.length === 0 ? { problem: `${wanted.kind} ${fullName(workload)} has no Pods` } : { steps };
}

function podsOfWorkload(objects: readonly Mapping[], workload: Mapping): Mapping[] {
  const select = selectPods(ofKind(objects, 'Pod'));
  return select(namespaceIn(workload), selectorOf(workload));
}

/** The workload in the input that makes a Pod. */
function workloadOf(objects: readonly Mapping[], pod: Mapping): Mapping | undefined {
  return objects.filter(isExpanded).find((one) => podsOfWorkload(objects, one).includes(pod));
}

interface Replacement {
  readonly pod: Mapping;
  readonly workload: Mapping;
  /** Pods whose names and addresses the new one does not get, besides those that there are. */
  readonly taken: readonly Mapping[];
}

/** The Pod that takes the place of another one, where the scheduler puts it; undefined where no node takes it. */
function replacementFor(objects: readonly Mapping[], { pod, workload, taken }: Replacement): Mapping | undefined {
  const request = podsOf(workload);
  const ownNode = textIn(mappingIn(pod, 'spec'), 'nodeName');
  const places = findPlaces({
    pods: [...ofKind(objects, 'Pod'), ...taken],
    nodes: ofKind(objects, 'Node').filter((node) => request.kind !== 'DaemonSet' || nameOf(node) === ownNode),
  });
  const others = podsOfWorkload(objects, workload).filter((one) => one !== pod);
  const names = request.kind === 'StatefulSet' ? [nameOf(pod)] : [];
  const [made] = placePods({ ...request, count: 1, others, names }, places);
  return made;
}

/** Which Pods came and went between two states of one lab. A replaced Pod of a StatefulSet did both, under the same name. */
export function podChanges(before: readonly Mapping[], after: readonly Mapping[]): PodDifference {
  const podsOnlyIn = (some: readonly Mapping[], others: readonly Mapping[]): string[] => {
    const known = new Set(others);
    return some
      .filter((object) => object['kind'] === 'Pod' && !known.has(object))
      .map((pod) => `${fullName(pod)} on ${textIn(mappingIn(pod, 'spec'), 'nodeName')}`);
  };
  return { added: podsOnlyIn(after, before), removed: podsOnlyIn(before, after) };
}

/** `shop/cart-3 on node-2` */
export interface PodDifference {
  readonly added: readonly string[];
  readonly removed: readonly string[];
}
