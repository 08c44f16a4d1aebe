/** The Pods of workloads, for inputs without Pods. Nothing is validated: malformed values count as absent. */

import { namespaceOf } from '../kubernetes/services.ts';
import { isMapping, listIn, type Mapping, mappingIn, textIn } from '../lib/unknown-values.ts';
import { findPlaces, type PlaceSources, type PodRequest, placePods } from './place-pods.ts';
import { type Selector, selectPods } from './select-pods.ts';

/** Pods of one workload at most: more is a mistake, or an attack. */
export const mostReplicas = 10_000;

/** What Pods are made of. A workload with Pods gets no others. */
export interface WorkloadSources extends PlaceSources {
  /** Objects of any kind; those with a template of Pods count. */
  readonly workloads: readonly Mapping[];
}

/** The Pods that controllers, the scheduler and kubelets would make of workloads, in their order. */
export function expandWorkloads({ workloads, ...sources }: WorkloadSources): Mapping[] {
  const places = findPlaces(sources);
  const existing = selectPods(sources.pods);
  return workloads.flatMap((workload) => {
    const namespace = namespaceOf(mappingIn(workload, 'metadata'));
    return !isExpanded(workload) || existing(namespace, selectorOf(workload)).length > 0
      ? []
      : placePods({ ...podsOf(workload), count: replicasOf(workload), others: [] }, places);
  });
}

/** What Pods of a workload are like. */
export function podsOf(workload: Mapping): Omit<PodRequest, 'count' | 'others'> {
  const metadata = mappingIn(workload, 'metadata');
  const spec = mappingIn(workload, 'spec');
  const kind = textIn(workload, 'kind');
  return {
    namespace: namespaceOf(metadata),
    name: textIn(metadata, 'name'),
    kind,
    serviceName: textIn(spec, 'serviceName'),
    firstNumber: kind === 'StatefulSet' ? countIn(mappingIn(spec, 'ordinals'), 'start', 0) : 0,
    isIndexed: kind === 'Job' && spec['completionMode'] === 'Indexed',
    template: mappingIn(spec, 'template'),
  };
}

/** Whether it has a template, and no other workload makes it, as a Deployment makes its ReplicaSets. */
export function isExpanded(workload: Mapping): boolean {
  const spec = mappingIn(mappingIn(mappingIn(workload, 'spec'), 'template'), 'spec');
  const owners = listIn(mappingIn(workload, 'metadata'), 'ownerReferences');
  const isOwned = owners.some((owner) => isMapping(owner) && owner['controller'] === true);
  return listIn(spec, 'containers').length > 0 && !isOwned && workload['kind'] !== 'PodTemplate';
}

/** The labels by which a workload knows its Pods; those of its template where it does not say. */
export function selectorOf(workload: Mapping): Selector {
  const spec = mappingIn(workload, 'spec');
  const selector = mappingIn(spec, 'selector');
  // A ReplicationController has the labels themselves.
  const labels = isMapping(selector['matchLabels']) ? selector['matchLabels'] : selector;
  const entries = Object.entries(labels).filter(([, value]) => typeof value === 'string');
  return entries.length > 0
    ? entries
    : Object.entries(mappingIn(mappingIn(mappingIn(spec, 'template'), 'metadata'), 'labels'));
}

/** As the API defaults them: one. A Job has no more Pods than it needs, and none while it is suspended. */
export function replicasOf(workload: Mapping): number {
  const spec = mappingIn(workload, 'spec');
  if (workload['kind'] !== 'Job') {
    return Math.min(countIn(spec, 'replicas', 1), mostReplicas);
  }
  const parallelism = Math.min(countIn(spec, 'parallelism', 1), mostReplicas);
  return spec['suspend'] === true ? 0 : Math.min(parallelism, countIn(spec, 'completions', parallelism));
}

/** The number in a field, at least 0; the default for anything else. */
function countIn(parent: Mapping, field: string, byDefault: number): number {
  const count = parent[field] ?? byDefault;
  return Number.isSafeInteger(count) ? Math.max(Number(count), 0) : byDefault;
}
