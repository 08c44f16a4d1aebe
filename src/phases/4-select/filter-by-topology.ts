import type { Endpoint } from '../3-model/model.ts';

/** Where the node is; an empty text is unknown. */
export interface NodeTopology {
  readonly nodeName: string;
  readonly zone: string;
}

/**
 * Which of the ready endpoints (at least one) the slice's hints leave for this node (EndpointSlice endpoints[].hints): those hinted
 * for the node when every one has a node hint and some have this node's, else the same with zones, else all. A failed
 * test for nodes still leaves the one for zones. The hints alone decide; trafficDistribution is the slice
 * controller's business.
 */
export function filterByTopology(ready: readonly Endpoint[], { nodeName, zone }: NodeTopology): readonly Endpoint[] {
  return (
    filterByHints(ready, nodeName, (endpoint) => endpoint.nodeHints) ??
    filterByHints(ready, zone, (endpoint) => endpoint.zoneHints) ??
    ready
  );
}

/** Those hinted for `here`, or undefined when one has no hint at all or none has this one. */
function filterByHints(
  ready: readonly Endpoint[],
  here: string,
  hintsOf: (endpoint: Endpoint) => readonly string[],
): readonly Endpoint[] | undefined {
  if (ready.some((endpoint) => hintsOf(endpoint).length === 0)) {
    return undefined;
  }
  const hinted = ready.filter((endpoint) => hintsOf(endpoint).includes(here));
  return hinted.length > 0 ? hinted : undefined;
}
