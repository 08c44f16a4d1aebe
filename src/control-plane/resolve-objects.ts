import { type Diagnostic, toDiagnostic } from '../diagnostics/diagnostic.ts';
import type { Document } from '../diagnostics/document.ts';
import { isMapping, listIn, type Mapping, mappingIn, type Path } from '../lib/unknown-values.ts';
import { type Cidr, cidrText, parseCidr } from '../net/address.ts';
import { nameOfFamily } from '../net/network.ts';
import { allocateServices } from './allocate-services.ts';
import { checkServiceFields } from './check-service-fields.ts';
import { checkServiceManifest } from './check-service-manifest.ts';
import { completeService, type FamilyName } from './complete-service.ts';
import { makeEndpointSlices } from './endpoint-slices.ts';
import { expandWorkloads } from './expand-workloads.ts';
import { makeNodes } from './make-nodes.ts';

/** The cluster that manifests are resolved for. */
export interface ResolveOptions {
  /** Of cluster IPs, at most one of each family, the first one for Services that name no family. Those of ServiceCIDRs in the input come first. */
  readonly serviceCIDRs: readonly Cidr[];
  /** Of load balancers, at most one of each family; without one they get no address. */
  readonly loadBalancerCIDRs: readonly Cidr[];
  /** Of Pods, at most one of each family; for Nodes that are made. */
  readonly podCIDRs: readonly Cidr[];
  /** How many Nodes are made where the input has none. */
  readonly nodes: number;
}

/** What a cluster would have. */
export interface ResolvedObjects {
  /** The objects of the input in their order, Services with all fields, and then those that were added. */
  readonly objects: readonly Mapping[];
  /** Why an API server would refuse Services, as errors; these come as they are. */
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
  const ofKind = (kind: string): Mapping[] => objects.filter((object) => object['kind'] === kind);
  const given = ofKind('ServiceCIDR').flatMap(rangesOf);
  const serviceCIDRs = given.length > 0 ? given : options.serviceCIDRs;
  const families = [...new Set(serviceCIDRs.map(({ family }) => nameOfFamily(family)))];

  const { services, diagnostics } = resolveServices(documents, families, { ...options, serviceCIDRs, nodePorts });
  const known = ofKind('Node');
  const nodes = known.length > 0 ? [] : makeNodes({ count: options.nodes, podCIDRs: options.podCIDRs });
  const allNodes = [...known, ...nodes];
  const workloads = objects.filter(
    (object) => !['Service', 'Pod', 'Node', 'EndpointSlice'].includes(String(object['kind'])),
  );
  const pods = expandWorkloads({ workloads, pods: ofKind('Pod'), nodes: allNodes });
  const slices = makeEndpointSlices({
    services: [...services.values()],
    pods: [...ofKind('Pod'), ...pods],
    nodes: allNodes,
    endpoints: ofKind('Endpoints'),
    slices: ofKind('EndpointSlice'),
  });
  const added = given.length > 0 ? [] : [serviceCIDRObject(serviceCIDRs)];
  const completed = objects.map((object) => services.get(object) ?? object);
  return { objects: [...completed, ...added, ...nodes, ...pods, ...slices], diagnostics };
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

/** Services by what they were in the input; those that are refused are left as they are. */
function resolveServices(
  documents: readonly Document[],
  families: readonly FamilyName[],
  ranges: Parameters<typeof allocateServices>[1],
): { readonly services: ReadonlyMap<Mapping, Mapping>; readonly diagnostics: Diagnostic[] } {
  const diagnostics: Diagnostic[] = [];
  const refuse = (document: Document, path: Path, message: string): void => {
    diagnostics.push({
      ...toDiagnostic({ code: 'refused-by-api-server', path, message }, document),
      severity: 'error',
    });
  };
  const accepted: { readonly document: Document; readonly value: Mapping }[] = [];
  for (const document of documents) {
    const { value } = document;
    if (isMapping(value) && value['kind'] === 'Service') {
      const before = diagnostics.length;
      checkServiceFields(value, (path, message) => refuse(document, path, message));
      checkServiceManifest(value, families, (path, message) => refuse(document, path, message));
      if (diagnostics.length === before) {
        accepted.push({ document, value });
      }
    }
  }
  const allocated = allocateServices(
    accepted.map(({ value }) => completeService(value, families)),
    ranges,
  );
  const services = new Map<Mapping, Mapping>();
  for (const [index, { service, problems }] of allocated.entries()) {
    const { document, value } = accepted[index] as (typeof accepted)[number];
    for (const { path, message } of problems) {
      refuse(document, path, message);
    }
    if (problems.length === 0) {
      services.set(value, withoutUndefined(service));
    }
  }
  return { services, diagnostics };
}

/** As JSON has it. */
function withoutUndefined(object: Mapping): Mapping {
  return JSON.parse(JSON.stringify(object)) as Mapping;
}
