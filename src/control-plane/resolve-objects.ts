import { type Diagnostic, type Problem, toDiagnostic } from '../diagnostics/diagnostic.ts';
import type { Document } from '../diagnostics/document.ts';
import { isMapping, listIn, type Mapping, mappingIn, textIn } from '../lib/unknown-values.ts';
import { type Cidr, cidrText, parseCidr } from '../net/address.ts';
import { nameOfFamily } from '../net/network.ts';
import { adviseOnSelectors, type ResolvedService } from './advise-on-selectors.ts';
import { allocateServices } from './allocate-services.ts';
import type { Refuse } from './api-values.ts';
import { type CheckedKind, checkFields } from './check-fields.ts';
import { checkServiceManifest } from './check-service-manifest.ts';
import { checkSliceManifest } from './check-slice-manifest.ts';
import { completeService, type FamilyName } from './complete-service.ts';
import { makeEndpointSlices } from './endpoint-slices.ts';
import { expandWorkloads } from './expand-workloads.ts';
import { makeNodes } from './make-nodes.ts';
import { findPlaces, type PlaceSources, startPod } from './place-pods.ts';

/** The cluster that manifests are resolved for. */
export interface ResolveOptions {
  /** Of cluster IPs, at most one of each family, the first one for Services that name no family. Those of ServiceCIDRs in the input come first. */
  readonly serviceCIDRs: readonly Cidr[];
  /** Of load balancers, at most one of each family; without one they get no address. */
  readonly loadBalancerCIDRs: readonly Cidr[];
  /** Of Pods, at most one of each family; for Nodes that are made, and for all if none has podCIDRs. */
  readonly podCIDRs: readonly Cidr[];
  /** How many Nodes are made where the input has none. */
  readonly nodes: number;
}

/** What a cluster would have. */
export interface ResolvedObjects {
  /** The objects of the input in their order, Services with all fields, and then those that were added. */
  readonly objects: readonly Mapping[];
  /**
   * Why an API server would refuse Services and EndpointSlices, as errors; these come as they are. And warnings about
   * selectors without Pods, and target ports that Pods do not declare.
   */
  readonly diagnostics: readonly Diagnostic[];
}

const nodePorts = [30_000, 32_767] as const;

/**
 * Does the part of a control plane: sets the fields of Services that an API server sets, makes Nodes, Pods of workloads, and
 * EndpointSlices. What is there already stays, so that doing it again changes nothing. Pure, and deterministic.
 *
 * @param documents valid objects, of any kind.
 */
export function resolveObjects(documents: readonly Document[], options: ResolveOptions): ResolvedObjects {
  const objects = documents.flatMap(({ value }) => (isMapping(value) ? [value] : []));
  const ofKind = (kind: string): Mapping[] => objects.filter((object) => isOfKind(object, kind));
  const given = ofKind('ServiceCIDR').flatMap(rangesOf);
  const serviceCIDRs = given.length > 0 ? given : options.serviceCIDRs;
  const families = [...new Set(serviceCIDRs.map(({ family }) => nameOfFamily(family)))];

  const { services, diagnostics } = resolveServices(documents, families, { ...options, serviceCIDRs, nodePorts });
  const known = ofKind('Node');
  const nodes = known.length > 0 ? [] : makeNodes({ count: options.nodes, podCIDRs: options.podCIDRs });
  const allNodes = [...known, ...nodes];
  const workloads = objects.filter((object) => !Object.keys(groups).some((kind) => isOfKind(object, kind)));
  const podCIDRs = allNodes.some(hasPodCIDR) ? [] : options.podCIDRs;
  const givenPods = startPods({ pods: ofKind('Pod'), nodes: allNodes, podCIDRs });
  const pods = expandWorkloads({ workloads, pods: [...givenPods.values()], nodes: allNodes, podCIDRs });
  const allPods = [...givenPods.values(), ...pods];
  const slices = makeEndpointSlices({
    services: services.map(({ resolved }) => resolved),
    pods: allPods,
    nodes: allNodes,
    endpoints: ofKind('Endpoints'),
    slices: ofKind('EndpointSlice'),
  });
  const advice = adviseOnSelectors({ services, pods: allPods, workloads, slices: ofKind('EndpointSlice') });
  const added = given.length > 0 ? [] : [serviceCIDRObject(serviceCIDRs)];
  const resolvedOf = new Map(services.map(({ document, resolved }) => [document.value, resolved]));
  const completed = objects.map((object) => resolvedOf.get(object) ?? givenPods.get(object) ?? object);
  return {
    objects: [...completed, ...added, ...nodes, ...pods, ...slices],
    diagnostics: [...diagnostics, ...checkSlices(documents), ...advice],
  };
}

/** The Pods of the input, and what becomes of them. */
function startPods(sources: PlaceSources): Map<Mapping, Mapping> {
  const places = findPlaces(sources);
  return new Map(sources.pods.map((pod) => [pod, startPod(pod, places)]));
}

/** In clusters where a network plugin gives addresses out, Nodes have none. */
function hasPodCIDR(node: Mapping): boolean {
  const spec = mappingIn(node, 'spec');
  return textIn(spec, 'podCIDR') !== '' || listIn(spec, 'podCIDRs').length > 0;
}

/** The kinds that are not workloads, and their API groups: others may have kinds of the same names. */
const groups: Readonly<Record<string, string>> = {
  Service: '',
  Pod: '',
  Node: '',
  Endpoints: '',
  EndpointSlice: 'discovery.k8s.io',
  ServiceCIDR: 'networking.k8s.io',
};

/** Whether an object is of a kind of Kubernetes, in any version. */
function isOfKind({ kind, apiVersion }: Mapping, wanted: string): boolean {
  const group = /^(.*)\//.exec(String(apiVersion))?.[1] ?? '';
  return kind === wanted && (apiVersion === undefined || group === groups[wanted]);
}

function rangesOf(serviceCIDR: Mapping): Cidr[] {
  return listIn(mappingIn(serviceCIDR, 'spec'), 'cidrs').flatMap((text) =>
    typeof text === 'string' ? (parseCidr(text) ?? []) : [],
  );
}

function serviceCIDRObject(ranges: readonly Cidr[]): Mapping {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'ServiceCIDR',
    metadata: { name: 'kubernetes' },
    spec: { cidrs: ranges.map(cidrText) },
  };
}

/** Services that are not refused by themselves, in the order of the input, and why the others are. */
function resolveServices(
  documents: readonly Document[],
  families: readonly FamilyName[],
  ranges: Parameters<typeof allocateServices>[1],
): { readonly services: readonly ResolvedService[]; readonly diagnostics: Diagnostic[] } {
  const diagnostics: Diagnostic[] = [];
  const accepted = mappingsOf(documents, 'Service').filter(({ document, value }) => {
    const found = refusalsOf(document, 'Service', (refuse) => checkServiceManifest(value, families, refuse));
    diagnostics.push(...found);
    return found.length === 0;
  });
  const allocated = allocateServices(
    accepted.map(({ value }) => completeService(value, families)),
    ranges,
  );
  const services = allocated.flatMap(({ service, problems }, index) => {
    const { document } = accepted[index] as (typeof accepted)[number];
    diagnostics.push(...problems.map((problem) => toError(problem, document)));
    return problems.length === 0 ? [{ document, resolved: withoutUndefined(service) }] : [];
  });
  return { services, diagnostics };
}

function checkSlices(documents: readonly Document[]): Diagnostic[] {
  return mappingsOf(documents, 'EndpointSlice').flatMap(({ document, value }) =>
    refusalsOf(document, 'EndpointSlice', (refuse) => checkSliceManifest(value, refuse)),
  );
}

function mappingsOf(
  documents: readonly Document[],
  kind: CheckedKind,
): { readonly document: Document; readonly value: Mapping }[] {
  return documents.flatMap((document) => {
    const { value } = document;
    return isMapping(value) && isOfKind(value, kind) ? [{ document, value }] : [];
  });
}

/** Why an API server would refuse an object: for its fields, or what a check says. */
function refusalsOf(document: Document, kind: CheckedKind, check: (refuse: Refuse) => void): Diagnostic[] {
  const found: Diagnostic[] = [];
  const refuse: Refuse = (path, message) =>
    found.push(toError({ code: 'refused-by-api-server', path, message }, document));
  checkFields(document.value, kind, refuse);
  check(refuse);
  return found;
}

function toError(problem: Problem, document: Document): Diagnostic {
  return { ...toDiagnostic(problem, document), severity: 'error' };
}

/** As JSON has it. */
function withoutUndefined(object: Mapping): Mapping {
  return JSON.parse(JSON.stringify(object)) as Mapping;
}
