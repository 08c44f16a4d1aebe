import { type Diagnostic, hasError, toDiagnostic } from '../../diagnostics/diagnostic.ts';
import { getNamespaced } from '../../kubernetes/namespaced-map.ts';
import type { Node, Service, ServiceCIDR, Snapshot, Sourced } from '../../kubernetes/objects.ts';
import { healthCheckPort, namespaceOf, zoneLabel } from '../../kubernetes/services.ts';
import { collectAll } from '../../lib/lists.ts';
import { compareText, limitList, listWords } from '../../lib/text.ts';
import { describePath, describeValue } from '../../lib/unknown-values.ts';
import {
  type Cidr,
  cidrContains,
  cidrText,
  disjointCidrs,
  overlappedSpecialRange,
  parseAddress,
  parseCidr,
} from '../../net/address.ts';
import { type Family, nameOfFamily } from '../../net/network.ts';
import type { CompileOptions } from '../../options.ts';
import { adviseOnService, type HealthChecks } from './advise-on-service.ts';
import { indexSlices, type SliceIndex } from './build-endpoints.ts';
import { buildServicePorts, compareServicePorts } from './build-service-ports.ts';
import type { NodeSettings, NodeView } from './model.ts';
import {
  firstOfFamily,
  podRangesOf,
  primaryAddress,
  type ResolvedNode,
  resolveDetector,
  resolveLocalhostNodePorts,
  resolveNode,
  resolveNodePortAddresses,
} from './resolve-node.ts';

/** What one node serves: a view for each requested family, and diagnostics about the node. */
export interface Model {
  readonly views: readonly NodeView[];
  readonly diagnostics: readonly Diagnostic[];
}

/** The model of validated objects: defaults are applied, addresses canonical, and lists sorted. */
export function buildModel(snapshot: Snapshot, options: CompileOptions): Model {
  const { node, diagnostics } = resolveNode(snapshot, options);
  const slices = indexSlices(snapshot.endpointSlices);
  const views = options.families.map((family) => buildView(snapshot, options, { family, node, slices }));
  const healthChecks = healthChecksOf(snapshot.services);
  const advice = hasError(diagnostics)
    ? []
    : [
        ...checkZone(snapshot, options),
        ...checkServiceCIDRs(snapshot.serviceCIDRs, node),
        ...views.flatMap((view) => [
          ...adviseOn(view, { node, nodes: snapshot.nodes, options }),
          ...collectAll(snapshot.services, (service) => adviseOnService(service, view, healthChecks)),
        ]),
      ];
  return { views, diagnostics: [...diagnostics, ...advice] };
}

/** Of two Services with one port, which an API server refuses, the first by name counts. */
function healthChecksOf(services: readonly Sourced<Service>[]): HealthChecks {
  const found = services.flatMap(({ object }): [number, string][] => {
    const port = healthCheckPort(object);
    return port > 0 ? [[port, `${namespaceOf(object.metadata)}/${object.metadata.name}`]] : [];
  });
  return new Map(found.sort(([, a], [, b]) => compareText(b, a)));
}

/** How many zones a message names. */
const shownZones = 5;

/** A warning about a zone that neither a Node nor a hint has: with a misspelled one, hints of the own zone are ignored. */
function checkZone({ nodes, endpointSlices }: Snapshot, { zone }: CompileOptions): Diagnostic[] {
  const ofNodes = new Set(nodes.flatMap(({ object }) => object.metadata.labels?.[zoneLabel] || []));
  const isHinted = (): boolean =>
    endpointSlices.some(({ object }) =>
      object.endpoints?.some(({ hints }) => hints?.forZones?.some(({ name }) => name === zone)),
    );
  if (zone === undefined || ofNodes.has(zone) || isHinted()) {
    return [];
  }
  const quoted = [...ofNodes].sort(compareText).map((one) => describeValue(one));
  const where =
    quoted.length === 0 ? 'no Node has a zone' : `the Nodes are in ${listWords(limitList(quoted, shownZones))}`;
  const message = `the input has no Node in zone ${describeValue(zone)} (--zone, zone), and no hint for it; ${where}`;
  return [{ code: 'unknown-zone', message }];
}

interface ViewContext {
  readonly family: Family;
  readonly node: ResolvedNode;
  readonly slices: SliceIndex;
}

function buildView(snapshot: Snapshot, options: CompileOptions, { family, node, slices }: ViewContext): NodeView {
  const settings = buildNodeSettings(node, snapshot.serviceCIDRs, family, options);
  const servicePorts = collectAll(snapshot.services, (service) => {
    const { metadata } = service.object;
    return buildServicePorts(service, getNamespaced(slices, namespaceOf(metadata), metadata.name) ?? [], settings);
  });
  return { ...settings, servicePorts: servicePorts.sort(compareServicePorts) };
}

/** What the rules of a family depend on besides Services and slices. */
export function buildNodeSettings(
  node: ResolvedNode,
  serviceCIDRs: readonly Sourced<ServiceCIDR>[],
  family: Family,
  options: CompileOptions,
): NodeSettings {
  return {
    family,
    nodeName: node.name,
    zone: node.zone,
    addresses: node.addresses.filter((address) => parseAddress(address)?.family === family),
    primaryAddress: primaryAddress(node, family),
    nodePortAddresses: resolveNodePortAddresses(node, family, options).addresses,
    localhostNodePorts: resolveLocalhostNodePorts(family, options),
    detector: resolveDetector(node, family, options),
    podCIDR: firstOfFamily(node.podCIDRs, family),
    servesExternalIPs: options.allowServiceExternalIPs,
    serviceCIDRs: serviceCIDRsOf(serviceCIDRs, family, node),
  };
}

function serviceCIDRsOf(objects: readonly Sourced<ServiceCIDR>[], family: Family, node: ResolvedNode): string[] {
  const texts = objects.flatMap(({ object }) => object.spec?.cidrs ?? []);
  const cidrs = texts.flatMap((text) => parseCidr(text) ?? []).filter((cidr) => cidr.family === family);
  return disjointCidrs(cidrs.filter((cidr) => whyNotDropped(cidr, node) === undefined)).map(cidrText);
}

/** Why connections to the unused addresses of a ServiceCIDR are not dropped: the node would lose its own. */
function whyNotDropped(cidr: Cidr, { addresses }: ResolvedNode): string | undefined {
  const own = addresses.find((address) => cidrContains(cidr, address));
  if (own !== undefined) {
    return `it contains ${own}, an address of the node`;
  }
  const special = overlappedSpecialRange(cidr);
  return special === undefined ? undefined : `it overlaps ${special}`;
}

/** A warning for each range of a ServiceCIDR, which the API server does not check, that would cut the node off. */
export function checkServiceCIDRs(objects: readonly Sourced<ServiceCIDR>[], node: ResolvedNode): Diagnostic[] {
  return objects.flatMap(({ object, document }) =>
    (object.spec?.cidrs ?? []).flatMap((text, index) => {
      const cidr = parseCidr(text);
      const why = cidr && whyNotDropped(cidr, node);
      const path = ['spec', 'cidrs', index];
      const message = `${describePath(path)} is ${describeValue(text)}; connections to its unused addresses are not dropped, because ${why}`;
      return why === undefined ? [] : [toDiagnostic({ code: 'ignored-address', path, message }, document)];
    }),
  );
}

/** What the rules of a node were made from. */
interface Advised {
  readonly node: ResolvedNode;
  /** All Nodes that are known. */
  readonly nodes: Iterable<Sourced<Node>>;
  readonly options: CompileOptions;
}

/** Warnings about missing settings that silently change what happens to packets, for families that have Services. */
export function adviseOn(view: NodeView, { node, nodes, options }: Advised): Diagnostic[] {
  const name = nameOfFamily(view.family);
  const diagnostics: Diagnostic[] = [];
  if (!view.detector && !options.masqueradeAll && view.servicePorts.length > 0) {
    diagnostics.push({
      code: 'no-local-detector',
      message: `${name}: detectLocalMode ${options.detectLocalMode} has no CIDR to recognize pods by, so connections to cluster IPs keep their source; set the CIDR of the pods (--cluster-cidr, clusterCIDRs)${describePodRanges(nodes, view.family)}`,
    });
  }
  if (view.detector?.kind === 'source' && options.detectLocalMode === 'ClusterCIDR' && view.servicePorts.length > 0) {
    diagnostics.push(...checkClusterCidr(view.detector.cidr, nodes, view.family));
  }
  const { unlisted } = resolveNodePortAddresses(node, view.family, options);
  if (unlisted && view.servicePorts.some((port) => port.nodePort > 0)) {
    diagnostics.push({
      code: 'node-ports-on-all-addresses',
      message: `${name}: nodePortAddresses has no ${name} entry, so node ports are open on all of the node's ${name} addresses`,
    });
  }
  return diagnostics;
}

/** A warning if a cluster CIDR has no part of any Node's podCIDRs: then pods count as external clients. */
function checkClusterCidr(clusterCidr: string, nodes: Iterable<Sourced<Node>>, family: Family): Diagnostic[] {
  const ranges = podRanges(nodes, family);
  const cluster = parseCidr(clusterCidr);
  const overlaps = (range: Cidr): boolean =>
    cluster !== undefined && (cidrContains(cluster, range.address) || cidrContains(range, cluster.address));
  if (ranges.length === 0 || ranges.some(overlaps)) {
    return [];
  }
  const what = `${nameOfFamily(family)}: the CIDR of the pods, ${clusterCidr}, has none of the Nodes' podCIDRs ${listRanges(ranges)}`;
  const message = `${what}, so pods count as external clients; check --cluster-cidr, unless the network plugin gives pods other addresses`;
  return [{ code: 'pods-outside-cluster-cidr', message }];
}

/** How many ranges of pods a message names. */
const shownRanges = 4;

/**
 * `, which contains the Nodes' podCIDRs 10.244.0.0/24 and 10.244.1.0/24`; empty if there are none. No range is
 * suggested: the smallest one that contains them may lack those of the next Node.
 */
function describePodRanges(nodes: Iterable<Sourced<Node>>, family: Family): string {
  const ranges = podRanges(nodes, family);
  return ranges.length === 0 ? '' : `, which contains the Nodes' podCIDRs ${listRanges(ranges)}`;
}

function podRanges(nodes: Iterable<Sourced<Node>>, family: Family): Cidr[] {
  const texts = collectAll([...nodes], ({ object }) => podRangesOf(object));
  return disjointCidrs(texts.flatMap((text) => parseCidr(text) ?? []).filter((cidr) => cidr.family === family));
}

function listRanges(ranges: readonly Cidr[]): string {
  return listWords(limitList(ranges.map(cidrText), shownRanges));
}
