import { compileRulesets } from '../../../src/compile.ts';
import { buildGraph, type IsSelected } from '../../../src/inspect/graph/build-graph.ts';
import type { Graph } from '../../../src/inspect/graph/graph.ts';
import { readEndpointSources } from '../../../src/kubernetes/endpoint-sources.ts';
import { readLocations } from '../../../src/kubernetes/locations.ts';
import { readServiceNotes } from '../../../src/kubernetes/service-notes.ts';
import type { CompileOptions } from '../../../src/options.ts';
import { documentsOf } from '../../../src/phases/1-read/read-documents.ts';

/** The graph of some objects, on node worker-1 in zone a with pods in 10.244.0.0/16. */
export function graphOf(
  objects: readonly object[],
  options: Partial<CompileOptions> = {},
  isSelected: IsSelected = () => true,
): Graph {
  const documents = documentsOf(objects);
  const { views, rulesets, diagnostics } = compileRulesets(documents, {
    nodeName: 'worker-1',
    nodeAddresses: ['192.0.2.11'],
    zone: 'a',
    clusterCIDRs: ['10.244.0.0/16'],
    ...options,
  });
  if (!rulesets) {
    throw new Error(diagnostics.map(({ message }) => message).join('\n'));
  }
  const sources = {
    locations: readLocations(documents),
    endpointSources: readEndpointSources(documents),
    notes: readServiceNotes(documents),
  };
  return buildGraph({ views, rulesets, ...sources }, isSelected);
}
