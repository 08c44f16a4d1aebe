import { type Diagnostic, severityOf, toDiagnostic } from '../../diagnostics/diagnostic.ts';
import type { Node, Snapshot, Sourced } from '../../kubernetes/objects.ts';
import { zoneLabel } from '../../kubernetes/services.ts';
import { countOf, suggestClosest } from '../../lib/text.ts';
import { describePath, describeValue, type Path } from '../../lib/unknown-values.ts';
import {
  type Cidr,
  cidrContains,
  cidrText,
  isHostAddress,
  isLoopback,
  parseAddress,
  parseCidr,
} from '../../net/address.ts';
import type { Family } from '../../net/network.ts';
import type { CompileOptions } from '../../options.ts';
import type { LocalDetector, LocalhostNodePorts, NodePortAddresses } from './model.ts';

/** The node that the ruleset is for, from options and its Node object. */
export interface ResolvedNode {
  /** Empty if no node is known. */
  readonly name: string;
  readonly zone: string;
  /** Canonical, without loopback addresses, the primary one of each family before its others. */
  readonly addresses: readonly string[];
  readonly podCIDRs: readonly string[];
}

/**
 * The node: that of options.nodeName, or the only Node object of the snapshot. Addresses and zone of the options replace
 * those of the object.
 *
 * @returns `isFound`: whether its Node object is there.
 */
export function resolveNode(
  snapshot: Pick<Snapshot, 'nodes'>,
  options: CompileOptions,
): { node: ResolvedNode; isFound: boolean; diagnostics: Diagnostic[] } {
  const { found, diagnostics } = findNode(snapshot.nodes, options);
  const object = found?.object;
  const name = options.nodeName ?? object?.metadata.name ?? '';
  const addresses = nodeAddresses(object, options);
  if (name !== '' && addresses.length === 0 && diagnostics.length === 0) {
    diagnostics.push({
      code: 'no-node-address',
      message: `no address of node ${name} is known; give one (--node-ip, nodeAddresses), or include its Node object with status.addresses`,
    });
  }
  return {
    node: {
      name,
      zone: options.zone ?? object?.metadata.labels?.[zoneLabel] ?? '',
      addresses,
      podCIDRs: object ? podRangesOf(object) : [],
    },
    isFound: found !== undefined,
    diagnostics: found ? [...checkNode(found, options), ...diagnostics] : diagnostics,
  };
}

/** The ranges of the pods on a node: spec.podCIDRs, or what old clusters have instead. */
export function podRangesOf({ spec }: Node): readonly string[] {
  return spec?.podCIDRs ?? (spec?.podCIDR ? [spec.podCIDR] : []);
}

/**
 * Whether leaving out the invalid objects leaves the node intact. Without its own Node object another one could be taken
 * for it, or it would have no addresses, and node ports would be open on all.
 *
 * @param diagnostics those of validation.
 */
export function isNodeKnown(
  diagnostics: readonly Diagnostic[],
  { nodeName, nodeAddresses }: Pick<CompileOptions, 'nodeName' | 'nodeAddresses'>,
): boolean {
  const isInvalid = diagnostics.some(
    (diagnostic) =>
      severityOf(diagnostic) === 'error' &&
      diagnostic.object?.kind === 'Node' &&
      (nodeName === undefined || diagnostic.object.name === nodeName),
  );
  return !isInvalid || nodeAddresses.length > 0;
}

/** The primary address of a family: the first of it. */
export function primaryAddress(node: ResolvedNode, family: Family): string | undefined {
  return node.addresses.find((address) => parseAddress(address)?.family === family);
}

const shownNames = 5;

function findNode(
  nodes: readonly Sourced<Node>[],
  options: CompileOptions,
): { found: Sourced<Node> | undefined; diagnostics: Diagnostic[] } {
  const names = nodes.map(({ object }) => object.metadata.name).sort();
  if (options.nodeName !== undefined) {
    const found = nodes.find((node) => node.object.metadata.name === options.nodeName);
    const missing = !found && nodes.length > 0 && options.nodeAddresses.length === 0;
    // A short list is shown in full.
    const closest = names.length > shownNames ? suggestClosest(options.nodeName, names) : undefined;
    const suggestion = closest === undefined ? '' : `; did you mean ${closest}?`;
    const message = `there is no Node ${JSON.stringify(options.nodeName)}; the input has ${someOf(names)}${suggestion}`;
    return { found, diagnostics: missing ? [{ code: 'node-not-found', message }] : [] };
  }
  if (nodes.length === 1) {
    return { found: nodes[0], diagnostics: [] };
  }
  const consequence = 'so no endpoint is local; name the node (--node, nodeName)';
  const diagnostic: Diagnostic =
    nodes.length === 0
      ? { code: 'no-node', message: `the input has no Node and none is named, ${consequence}` }
      : { code: 'several-nodes', message: `the input has ${someOf(names)} and none is named, ${consequence}` };
  return { found: undefined, diagnostics: [diagnostic] };
}

function someOf(names: readonly string[]): string {
  const shown = names.length > shownNames ? [...names.slice(0, shownNames), '...'] : names;
  return `${countOf(names.length, 'Node')} (${shown.join(', ')})`;
}

/**
 * Warnings about addresses and pod ranges of the own node that are not valid and therefore ignored, as by kube-proxy. Only
 * those that rules depend on.
 */
function checkNode({ object, document }: Sourced<Node>, options: CompileOptions): Diagnostic[] {
  const diagnostics: Diagnostic[] = [];
  const check = (text: string, path: Path, isValid: boolean, expected: string): void => {
    if (!isValid && text !== '') {
      const message = `${describePath(path)} is ${describeValue(text)}; it is ignored because it is not ${expected}`;
      diagnostics.push(toDiagnostic({ code: 'ignored-address', path, message }, document));
    }
  };
  const reported = options.nodeAddresses.length > 0 ? [] : (object.status?.addresses ?? []);
  for (const [index, { type, address }] of reported.entries()) {
    if (type === 'InternalIP' || type === 'ExternalIP') {
      const text = address ?? '';
      check(text, ['status', 'addresses', index, 'address'], parseAddress(text) !== undefined, 'an IP address');
    }
  }
  if (options.detectLocalMode === 'NodeCIDR') {
    const { podCIDR, podCIDRs } = object.spec ?? {};
    const isCidr = (text: string): boolean => parseCidr(text) !== undefined;
    for (const [index, text] of (podCIDRs ?? []).entries()) {
      check(text, ['spec', 'podCIDRs', index], isCidr(text), 'a CIDR');
    }
    if (!podCIDRs && podCIDR) {
      check(podCIDR, ['spec', 'podCIDR'], isCidr(podCIDR), 'a CIDR');
    }
  }
  return diagnostics;
}

/** InternalIP before ExternalIP, as in kube-proxy; bindAddress, if it is one address, comes first. */
function nodeAddresses(object: Node | undefined, options: CompileOptions): string[] {
  const reported = object?.status?.addresses ?? [];
  const ofType = (type: string): string[] =>
    reported.filter((entry) => entry.type === type).map(({ address }) => address ?? '');
  const given =
    options.nodeAddresses.length > 0 ? options.nodeAddresses : [...ofType('InternalIP'), ...ofType('ExternalIP')];
  const bound = options.bindAddress === undefined ? [] : [options.bindAddress];
  const canonical = [...bound, ...given].flatMap((text) => parseAddress(text)?.text ?? []);
  return [...new Set(canonical)].filter(isHostAddress);
}

/**
 * How packets from pods are recognized (KubeProxyConfiguration.detectLocalMode). Only the first CIDR of a family is used;
 * without one the family has no detector.
 */
export function resolveDetector(
  node: ResolvedNode,
  family: Family,
  options: CompileOptions,
): LocalDetector | undefined {
  switch (options.detectLocalMode) {
    case 'ClusterCIDR':
      return sourceDetector(options.clusterCIDRs, family);
    case 'NodeCIDR':
      return sourceDetector(node.podCIDRs, family);
    case 'BridgeInterface':
      return { kind: 'interface', name: options.detectLocalInterface, prefix: false };
    case 'InterfaceNamePrefix':
      return { kind: 'interface', name: options.detectLocalInterface, prefix: true };
  }
}

function sourceDetector(texts: readonly string[], family: Family): LocalDetector | undefined {
  const cidr = firstOfFamily(texts, family);
  return cidr === undefined ? undefined : { kind: 'source', cidr };
}

/** The first CIDR of a family among texts that may be no CIDRs, as nft prints it. */
export function firstOfFamily(texts: readonly string[], family: Family): string | undefined {
  const cidr = texts.map((text) => parseCidr(text)).find((parsed) => parsed?.family === family);
  return cidr && cidrText(cidr);
}

/**
 * The node's addresses of a family that accept node ports (KubeProxyConfiguration.nodePortAddresses, `primary` by
 * default). `unlisted`: no entry is of this family, which kube-proxy treats as "all addresses".
 */
export function resolveNodePortAddresses(
  node: ResolvedNode,
  family: Family,
  options: CompileOptions,
): { addresses: NodePortAddresses; unlisted: boolean } {
  const entries = options.nodePortAddresses.length > 0 ? options.nodePortAddresses : ['primary'];
  const cidrs = entries.flatMap((entry) => cidrsOf(entry, node, family));
  if (cidrs.length === 0 || cidrs.some((cidr) => cidr.prefix === 0)) {
    return { addresses: { kind: 'all' }, unlisted: cidrs.length === 0 };
  }
  const ofFamily = node.addresses.filter((address) => parseAddress(address)?.family === family);
  const accepted = ofFamily.filter((address) => cidrs.some((cidr) => cidrContains(cidr, address)));
  return { addresses: { kind: 'listed', addresses: accepted }, unlisted: false };
}

/**
 * What becomes of node ports at loopback addresses, as in kube-proxy: its proxy for TCP runs only where nodePortAddresses names
 * loopback addresses of the family, by `localhost` or a range; `all` is not enough (KEP-6032).
 */
export function resolveLocalhostNodePorts(
  family: Family,
  { localhostNodePorts, nodePortAddresses }: Pick<CompileOptions, 'localhostNodePorts' | 'nodePortAddresses'>,
): LocalhostNodePorts {
  if (!localhostNodePorts) {
    return 'untouched';
  }
  const isNamed = nodePortAddresses.some((entry) => {
    const cidr = parseCidr(entry);
    return entry === 'localhost' || (cidr?.family === family && isLoopbackRange(cidr));
  });
  return isNamed ? 'served' : 'refused';
}

function isLoopbackRange({ address, prefix, family }: Cidr): boolean {
  return isLoopback(address) && prefix >= (family === 'ip' ? 8 : 128);
}

function cidrsOf(entry: string, node: ResolvedNode, family: Family): Cidr[] {
  return textsOf(entry, node, family).flatMap((text) => {
    const cidr = parseCidr(text);
    return cidr?.family === family ? [cidr] : [];
  });
}

function textsOf(entry: string, node: ResolvedNode, family: Family): string[] {
  switch (entry) {
    case 'primary': {
      const address = primaryAddress(node, family);
      return address === undefined ? [] : [`${address}/${family === 'ip' ? 32 : 128}`];
    }
    case 'all':
      return ['0.0.0.0/0', '::/0'];
    case 'localhost':
      return ['127.0.0.0/8', '::1/128'];
    default:
      return [entry];
  }
}
