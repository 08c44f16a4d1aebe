import type { Diagnostic, DiagnosticCode } from '../diagnostics/diagnostic.ts';
import { listWords } from '../lib/text.ts';
import { parseAddress, parseCidr } from '../net/address.ts';
import type { Family } from '../net/network.ts';
import type { CompileOptions } from '../options.ts';
import { buildNodeSettings, checkServiceCIDRs } from '../phases/3-model/build-model.ts';
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
  const isFound = found.isFound && !isDoubtful(found.node, { store, options, known });
  const isKnown = options.nodeAddresses.length > 0 || (isFound && found.node.addresses.length > 0);
  if (!known && !isKnown) {
    return { node: undefined, known, settings: new Map(), diagnostics: found.diagnostics };
  }
  const { node, diagnostics } = known ? keepKnown({ ...found, isFound }, known, options) : found;
  const cidrs = [...store.serviceCIDRs.values()];
  const settings = options.families.map((family) => [family, buildNodeSettings(node, cidrs, family, options)] as const);
  return {
    node,
    known: isFound ? node : known,
    settings: new Map(settings),
    diagnostics: [...diagnostics, ...checkServiceCIDRs(cidrs, node)],
  };
}

interface Doubt {
  readonly store: ObjectStore;
  readonly options: CompileOptions;
  readonly known: ResolvedNode | undefined;
}

/** If no node is named, an invalid Node may be the own one in place of the one found, unless that was known before. */
function isDoubtful({ name }: ResolvedNode, { store, options, known }: Doubt): boolean {
  return options.nodeName === undefined && name !== known?.name && store.invalidNodes.size > 0;
}

type Found = ReturnType<typeof resolveNode>;

/** The node with what it had before in place of what it lacks. */
function keepKnown(
  { node, isFound, diagnostics }: Found,
  known: ResolvedNode,
  { families, detectLocalMode }: CompileOptions,
): Omit<Found, 'isFound'> {
  const isOther = node.name !== known.name;
  if (!isFound || (isOther && node.addresses.length === 0)) {
    const others = diagnostics.filter(({ code }) => !aboutIdentity.has(code));
    return { node: known, diagnostics: [...others, describeLostNode(diagnostics, known)] };
  }
  if (isOther) {
    return { node, diagnostics };
  }
  const addresses = lostOf(known.addresses, node.addresses, families);
  const podCIDRs = detectLocalMode === 'NodeCIDR' ? lostOf(known.podCIDRs, node.podCIDRs, families) : [];
  const others = diagnostics.filter(({ code }) => addresses.length === 0 || code !== 'no-node-address');
  return {
    node: { ...node, addresses: [...node.addresses, ...addresses], podCIDRs: [...node.podCIDRs, ...podCIDRs] },
    diagnostics: [
      ...others,
      ...describeLost(known, { code: 'no-node-address', nouns: ['address', 'addresses'], lost: addresses }),
      ...describeLost(known, { code: 'no-local-detector', nouns: ['pod CIDR', 'pod CIDRs'], lost: podCIDRs }),
    ],
  };
}

/** What does not hold for the last known version of a Node, which is there and has an address. */
const aboutIdentity: ReadonlySet<DiagnosticCode> = new Set([
  'node-not-found',
  'no-node',
  'several-nodes',
  'no-node-address',
]);

function describeLostNode(diagnostics: readonly Diagnostic[], { name }: ResolvedNode): Diagnostic {
  return diagnostics.some(({ code }) => code === 'several-nodes')
    ? {
        code: 'several-nodes',
        message: `there are several Nodes and none is named; using the last known version of Node ${name}`,
      }
    : {
        code: 'node-not-found',
        severity: 'warning',
        message: `Node ${name} is missing or invalid; using its last known version`,
      };
}

interface Lost {
  readonly code: DiagnosticCode;
  readonly nouns: readonly [singular: string, plural: string];
  readonly lost: readonly string[];
}

function describeLost({ name }: ResolvedNode, { code, nouns, lost }: Lost): Diagnostic[] {
  const [noun, pronoun] = lost.length === 1 ? [nouns[0], 'it'] : [nouns[1], 'them'];
  const message = `Node ${name} lost ${noun} ${listWords(lost)}; rules keep using ${pronoun}`;
  return lost.length === 0 ? [] : [{ code, message }];
}

/** Addresses or CIDRs of families that have none any more. */
function lostOf(before: readonly string[], after: readonly string[], families: readonly Family[]): string[] {
  const lost = families.filter((family) => !after.some((text) => familyOf(text) === family));
  return before.filter((text) => lost.some((family) => familyOf(text) === family));
}

function familyOf(text: string): Family | undefined {
  return (parseAddress(text) ?? parseCidr(text))?.family;
}
