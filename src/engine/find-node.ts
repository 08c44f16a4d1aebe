import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import { listWords } from '../lib/text.ts';
import { parseAddress, parseCidr } from '../net/address.ts';
import type { Family } from '../net/network.ts';
import type { CompileOptions } from '../options.ts';
import { buildNodeSettings } from '../phases/3-model/build-model.ts';
import type { NodeSettings } from '../phases/3-model/model.ts';
import { type ResolvedNode, resolveNode } from '../phases/3-model/resolve-node.ts';
import type { ObjectStore } from './object-store.ts';

/** The node, if it is known well enough to make rules for it, and diagnostics about it. */
export interface NodeState {
  readonly node: ResolvedNode | undefined;
  /** The same, if its Node object was ever there. */
  readonly known: ResolvedNode | undefined;
  readonly settings: ReadonlyMap<Family, NodeSettings>;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Finds the node among the objects. It is not known without its own Node or without an address: then node ports would
 * open on all addresses. kube-proxy waits for both too (NewNodeManager); options.nodeAddresses replace them.
 *
 * @param known that of the last time. What its Node lacks by now stays as it was, with a warning.
 */
export function findNode(store: ObjectStore, options: CompileOptions, known: ResolvedNode | undefined): NodeState {
  const nodes = [...store.nodes.values()];
  const found = resolveNode({ nodes }, options);
  const isFound = found.isFound && !isInvalid(store, options);
  const isKnown = options.nodeAddresses.length > 0 || (isFound && found.node.addresses.length > 0);
  if (!known && !isKnown) {
    return { node: undefined, known, settings: new Map(), diagnostics: found.diagnostics };
  }
  const { node, diagnostics } = known ? keepKnown({ ...found, isFound }, known, options) : found;
  const cidrs = [...store.serviceCIDRs.values()];
  const settings = options.families.map((family) => [family, buildNodeSettings(node, cidrs, family, options)] as const);
  return { node, known: isFound ? node : known, settings: new Map(settings), diagnostics };
}

/** If no node is named, an invalid Node may be the own one. */
function isInvalid({ invalidNodes }: ObjectStore, { nodeName }: CompileOptions): boolean {
  return nodeName === undefined ? invalidNodes.size > 0 : invalidNodes.has(nodeName);
}

type Found = ReturnType<typeof resolveNode>;

/** The node with what it had before in place of what it lacks. */
function keepKnown(
  { node, isFound, diagnostics }: Found,
  known: ResolvedNode,
  { families, detectLocalMode }: CompileOptions,
): Omit<Found, 'isFound'> {
  const others = diagnostics.filter(({ code }) => code === 'ignored-address');
  const isOther = node.name !== known.name;
  if (!isFound || (isOther && node.addresses.length === 0)) {
    return { node: known, diagnostics: [...others, describeMissing(diagnostics, known)] };
  }
  if (isOther) {
    return { node, diagnostics };
  }
  const addresses = lostOf(known.addresses, node.addresses, families);
  const podCIDRs = detectLocalMode === 'NodeCIDR' ? lostOf(known.podCIDRs, node.podCIDRs, families) : [];
  const lost = [...addresses, ...podCIDRs];
  if (lost.length === 0) {
    return { node, diagnostics };
  }
  const message = `Node ${known.name} no longer has ${listWords(lost)}, nor a replacement; the rules stay those with ${lost.length > 1 ? 'them' : 'it'}`;
  return {
    node: { ...node, addresses: [...node.addresses, ...addresses], podCIDRs: [...node.podCIDRs, ...podCIDRs] },
    diagnostics: [...others, { code: 'no-node-address', message }],
  };
}

function describeMissing(diagnostics: readonly Diagnostic[], { name }: ResolvedNode): Diagnostic {
  const stay = `the rules stay those of Node ${name}, as it was last`;
  return diagnostics.some(({ code }) => code === 'several-nodes')
    ? { code: 'several-nodes', message: `there are several Nodes and none is named; ${stay}` }
    : { code: 'node-not-found', severity: 'warning', message: `Node ${name} is missing or invalid; ${stay}` };
}

/** Addresses or CIDRs of families that have none any more. */
function lostOf(before: readonly string[], after: readonly string[], families: readonly Family[]): string[] {
  const lost = families.filter((family) => !after.some((text) => familyOf(text) === family));
  return before.filter((text) => lost.some((family) => familyOf(text) === family));
}

function familyOf(text: string): Family | undefined {
  return (parseAddress(text) ?? parseCidr(text))?.family;
}
