import type { Diagnostic } from '../diagnostics.ts';
import { severityOf } from '../diagnostics.ts';
import type { Family } from '../network.ts';
import type { CompileOptions } from '../options.ts';
import { buildNodeSettings } from '../phases/3-model/build-model.ts';
import type { NodeSettings } from '../phases/3-model/model.ts';
import { type ResolvedNode, resolveNode } from '../phases/3-model/resolve-node.ts';
import type { ObjectStore } from './object-store.ts';

/** The node, if it is known well enough to make rules for it, and what is to be said about that. */
export interface NodeState {
  readonly node: ResolvedNode | undefined;
  readonly settings: ReadonlyMap<Family, NodeSettings>;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Finds the node among the objects. It is not known when another one is there in its place, or when its own object is
 * invalid and nobody gave its addresses: then node ports would open on all addresses.
 */
export function findNode(store: ObjectStore, options: CompileOptions): NodeState {
  const { node, diagnostics } = resolveNode({ nodes: [...store.nodes.values()] }, options);
  if (diagnostics.some((diagnostic) => severityOf(diagnostic) === 'error') || isInvalid(store, options)) {
    return { node: undefined, settings: new Map(), diagnostics };
  }
  const cidrs = [...store.serviceCIDRs.values()];
  const settings = options.families.map((family) => [family, buildNodeSettings(node, cidrs, family, options)] as const);
  return { node, settings: new Map(settings), diagnostics };
}

function isInvalid({ invalidNodes }: ObjectStore, { nodeName, nodeAddresses }: CompileOptions): boolean {
  const isRefused = nodeName === undefined ? invalidNodes.size > 0 : invalidNodes.has(nodeName);
  return isRefused && nodeAddresses.length === 0;
}
