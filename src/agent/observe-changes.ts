import type { Changes } from '../engine/engine.ts';
import type { NodeSeen, SyncQueued } from '../health/observation.ts';
import { isMapping, listIn, type Mapping, mappingIn, textIn } from '../lib/unknown-values.ts';

/** How many objects of each kind some changes are about. */
export function countChanges({ apply = [], remove = [] }: Changes): Pick<SyncQueued, 'services' | 'endpointSlices'> {
  let services = 0;
  let endpointSlices = 0;
  for (const object of [...apply, ...remove]) {
    const kind = isMapping(object) ? object['kind'] : undefined;
    services += Number(kind === 'Service');
    endpointSlices += Number(kind === 'EndpointSlice');
  }
  return { services, endpointSlices };
}

/** What changes say about the Node; undefined for nothing. The only Node that an agent follows is its own. */
export function findNodeSeen({ apply = [], remove = [] }: Changes): NodeSeen | undefined {
  const node = apply.findLast((object): object is Mapping => isMapping(object) && object['kind'] === 'Node');
  if (node) {
    return { kind: 'node-seen', isEligible: isEligible(node) };
  }
  return remove.some(({ kind }) => kind === 'Node') ? { kind: 'node-seen', isEligible: false } : undefined;
}

/** The taint that the cluster autoscaler gives a Node before it removes it. */
const toBeDeleted = 'ToBeDeletedByClusterAutoscaler';

function isEligible(node: Mapping): boolean {
  const taints = listIn(mappingIn(node, 'spec'), 'taints');
  return (
    textIn(mappingIn(node, 'metadata'), 'deletionTimestamp') === '' &&
    !taints.some((taint) => isMapping(taint) && taint['key'] === toBeDeleted)
  );
}
