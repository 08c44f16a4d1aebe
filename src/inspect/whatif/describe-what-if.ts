import type { Document } from '../../diagnostics/document.ts';
import { readLocations } from '../../kubernetes/locations.ts';
import type { Snapshot } from '../../kubernetes/objects.ts';
import { isMapping, mappingIn } from '../../lib/unknown-values.ts';
import { readClusterState } from './cluster-state.ts';
import { compareStates, type LocatedState } from './compare-states.ts';
import type { NamedChange, WhatIf } from './what-if.ts';

/** A cluster as it was read, and its valid objects. */
export interface WhatIfCluster {
  readonly documents: readonly Document[];
  readonly snapshot: Snapshot;
}

/** What is different for the clients of Services between two clusters. */
export function describeWhatIf(before: WhatIfCluster, after: WhatIfCluster, changes: readonly NamedChange[]): WhatIf {
  const [old, now] = [locate(before), locate(after)];
  return { changes, pods: comparePods(before, after), ...compareStates(old, now) };
}

function locate({ documents, snapshot }: WhatIfCluster): LocatedState {
  return { state: readClusterState(snapshot), locations: readLocations(documents) };
}

function comparePods(before: WhatIfCluster, after: WhatIfCluster): WhatIf['pods'] {
  const [old, now] = [podsIn(before), podsIn(after)];
  if (old.size === 0 && now.size === 0) {
    return null;
  }
  const isMissing =
    (pods: ReadonlySet<string>) =>
    (pod: string): boolean =>
      !pods.has(pod);
  return {
    before: old.size,
    after: now.size,
    gone: [...old].filter(isMissing(now)).length,
    created: [...now].filter(isMissing(old)).length,
  };
}

/** One that runs on another node is another Pod. */
function podsIn({ documents }: WhatIfCluster): Set<string> {
  const pods = documents.flatMap(({ value }) => (isMapping(value) && value['kind'] === 'Pod' ? [value] : []));
  return new Set(
    pods.map((pod) => {
      const metadata = mappingIn(pod, 'metadata');
      return JSON.stringify([metadata['namespace'], metadata['name'], mappingIn(pod, 'spec')['nodeName']]);
    }),
  );
}
