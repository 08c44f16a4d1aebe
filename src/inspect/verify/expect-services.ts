import { getNamespaced, type Namespaced, setNamespaced } from '../../kubernetes/namespaced-map.ts';
import type { EndpointSlice, Service, ServicePortSpec, SliceEndpoint, Snapshot } from '../../kubernetes/objects.ts';
import { healthCheckPort, namespaceOf } from '../../kubernetes/services.ts';
import { compareText } from '../../lib/text.ts';
import {
  type Cidr,
  canonicalAddress,
  cidrContains,
  isHostAddress,
  parseCidr,
  singleAddress,
} from '../../net/address.ts';
import { endpointText, type Family, nameOfFamily, type Protocol } from '../../net/network.ts';
import type { NodeSettings } from '../../phases/3-model/model.ts';
import type { ExpectedEndpoint, ExpectedService } from './expectations.ts';

/** A service port with all frontends that it claims. */
export interface ServiceWithAddresses {
  readonly service: ExpectedService;
  readonly port: number;
  readonly clusterIP: string;
  readonly loadBalancerIPs: readonly string[];
  readonly externalIPs: readonly string[];
  /** 0 for none. */
  readonly nodePort: number;
  /** 0 for none. */
  readonly healthCheckPort: number;
  /** Endpoints that run here, or whose slice does not say where they run, and so may reach themselves. */
  readonly hairpinEndpoints: readonly ExpectedEndpoint[];
}

/** Every service port in the node's family that is not left to another proxy, read directly from the objects. */
export function expectServices(
  { services, endpointSlices }: Pick<Snapshot, 'services' | 'endpointSlices'>,
  node: NodeSettings,
): ServiceWithAddresses[] {
  const slices = groupSlices(
    endpointSlices.map(({ object }) => object),
    node.family,
  );
  return services.flatMap(({ object }) => {
    const clusterIP = isServed(object) ? clusterIPOf(object, node.family) : undefined;
    if (clusterIP === undefined || node.addresses.includes(clusterIP)) {
      return [];
    }
    const owned = getNamespaced(slices, namespaceOf(object.metadata), object.metadata.name) ?? [];
    const addresses = addressesOf(object, node);
    return (object.spec.ports ?? []).map((port) => expectService(port, { object, owned, node, clusterIP, addresses }));
  });
}

function groupSlices(slices: readonly EndpointSlice[], family: Family): Namespaced<EndpointSlice[]> {
  const groups: Namespaced<EndpointSlice[]> = new Map();
  for (const slice of slices) {
    const owner = slice.metadata.labels?.['kubernetes.io/service-name'];
    if (owner && slice.addressType === nameOfFamily(family)) {
      const namespace = namespaceOf(slice.metadata);
      const group = getNamespaced(groups, namespace, owner);
      if (group) {
        group.push(slice);
      } else {
        setNamespaced(groups, namespace, owner, [slice]);
      }
    }
  }
  return groups;
}

/** Not an alias, not headless, and not left to another proxy. */
function isServed({ metadata, spec }: Service): boolean {
  const isLeftToOthers = metadata.labels?.['service.kubernetes.io/service-proxy-name'] !== undefined;
  return spec.type !== 'ExternalName' && Boolean(spec.clusterIP) && spec.clusterIP !== 'None' && !isLeftToOthers;
}

/** spec.ipFamilies names the family of each of spec.clusterIPs; old objects have neither list. */
function clusterIPOf({ spec }: Service, family: Family): string | undefined {
  const families = spec.ipFamilies ?? [];
  const place = families.length === 0 ? 0 : families.indexOf(nameOfFamily(family));
  const addresses = families.length === 0 || !spec.clusterIPs?.length ? [spec.clusterIP] : spec.clusterIPs;
  const [address] = ofFamily([addresses[place] ?? ''], family);
  return address;
}

function ofFamily(texts: readonly string[], family: Family): string[] {
  const canonical = texts.flatMap((text) => canonicalAddress(text.trim()) ?? []);
  return canonical.filter((address) => address.includes(':') === (family === 'ip6') && isHostAddress(address));
}

interface Addresses {
  readonly loadBalancerIPs: readonly string[];
  readonly externalIPs: readonly string[];
  readonly allowed: readonly Cidr[] | undefined;
}

function addressesOf({ spec, status }: Service, node: NodeSettings): Addresses {
  const ingress = status?.loadBalancer?.ingress ?? [];
  const served = ingress.filter(({ ipMode }) => ipMode !== 'Proxy').map(({ ip }) => ip ?? '');
  const loadBalancerIPs = ofFamily(served, node.family);
  const allowed = allowedSources(spec.loadBalancerSourceRanges ?? [], loadBalancerIPs, node);
  const externalIPs = node.servesExternalIPs ? ofFamily(spec.externalIPs ?? [], node.family) : [];
  return { loadBalancerIPs, externalIPs, allowed };
}

/**
 * spec.loadBalancerSourceRanges of the family; undefined if every client is allowed: there is no range, or one with
 * prefix 0. If the node itself is allowed, so are the load balancer IPs: they are the source of what it sends to them.
 */
function allowedSources(
  texts: readonly string[],
  loadBalancerIPs: readonly string[],
  { family, primaryAddress }: NodeSettings,
): readonly Cidr[] | undefined {
  const ranges = texts.flatMap((text) => parseCidr(text) ?? []).filter((cidr) => cidr.family === family);
  if (ranges.length === 0 || ranges.some(({ prefix }) => prefix === 0)) {
    return undefined;
  }
  const holdsNode = primaryAddress !== undefined && ranges.some((range) => cidrContains(range, primaryAddress));
  return holdsNode ? [...ranges, ...loadBalancerIPs.map(singleAddress)] : ranges;
}

interface ServiceContext {
  readonly object: Service;
  readonly owned: readonly EndpointSlice[];
  readonly node: NodeSettings;
  readonly clusterIP: string;
  readonly addresses: Addresses;
}

function expectService(port: ServicePortSpec, context: ServiceContext): ServiceWithAddresses {
  const { object, owned, node, clusterIP, addresses } = context;
  const { metadata, spec } = object;
  const { loadBalancerIPs, externalIPs, allowed } = addresses;
  const portName = port.name ?? '';
  const protocol = (port.protocol || 'TCP').toLowerCase() as Protocol;
  const namespace = namespaceOf(metadata);
  const candidates = listCandidates(owned, { portName, protocol });
  const nodePort = port.nodePort ?? 0;
  const service = {
    label: `${namespace}/${metadata.name}${portName && `:${portName}`}`,
    namespace,
    name: metadata.name,
    portName,
    protocol,
    createdAt: metadata.creationTimestamp ?? '',
    hasAny: candidates.some(({ ready, lastResort }) => ready || lastResort),
    cluster: clusterEndpoints(candidates, node),
    local: localEndpoints(candidates, node),
    internalLocal: spec.internalTrafficPolicy === 'Local',
    externalLocal: hasExternalPolicyLocal(object),
    affinitySeconds:
      spec.sessionAffinity === 'ClientIP' ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10_800) : 0,
    allowed: loadBalancerIPs.length > 0 ? allowed : undefined,
  };
  const isExternal = nodePort !== 0 || loadBalancerIPs.length > 0 || externalIPs.length > 0;
  const hairpinEndpoints = reachable(service, isExternal).filter(
    ({ nodeName }) => nodeName === '' || nodeName === node.nodeName,
  );
  return {
    service,
    port: port.port,
    clusterIP,
    loadBalancerIPs,
    externalIPs,
    nodePort,
    healthCheckPort: healthCheckPort(object),
    hairpinEndpoints,
  };
}

/** externalTrafficPolicy counts only for Services with external frontends: by type, or by spec.externalIPs. */
function hasExternalPolicyLocal({ spec }: Service): boolean {
  const isExternal = spec.type === 'LoadBalancer' || spec.type === 'NodePort' || (spec.externalIPs?.length ?? 0) > 0;
  return isExternal && spec.externalTrafficPolicy === 'Local';
}

/** The endpoints that any client can be sent to. */
function reachable(
  {
    cluster,
    local,
    internalLocal,
    externalLocal,
  }: { cluster: readonly Candidate[]; local: readonly Candidate[]; internalLocal: boolean; externalLocal: boolean },
  isExternal: boolean,
): Candidate[] {
  const fromAnywhere = !internalLocal || isExternal ? cluster : [];
  const fromHere = internalLocal || (externalLocal && isExternal) ? local : [];
  return [...fromAnywhere, ...fromHere];
}

/** An endpoint as its slice describes it, with the API's defaults for what the slice leaves out. */
interface Candidate extends ExpectedEndpoint {
  readonly ready: boolean;
  /** Terminating but still serving: it gets connections if no endpoint is ready. */
  readonly lastResort: boolean;
  readonly terminating: boolean;
  readonly zoneHints: readonly string[];
  readonly nodeHints: readonly string[];
}

/** What the ports of a slice are matched by: EndpointPort.name and protocol. */
interface PortMatch {
  readonly portName: string;
  readonly protocol: Protocol;
}

/**
 * The endpoints of one service port, each once. If slices, in the order of their names, repeat an endpoint address, the
 * last one that is not terminating counts (discovery.k8s.io/v1 allows an endpoint in several slices for a short time).
 *
 * @param slices those of the Service, in one family.
 */
function listCandidates(slices: readonly EndpointSlice[], port: PortMatch): Candidate[] {
  const found = new Map<string, Candidate>();
  const inOrder =
    slices.length > 1 ? [...slices].sort((a, b) => compareText(a.metadata.name, b.metadata.name)) : slices;
  for (const slice of inOrder) {
    for (const number of portNumbersOf(slice, port)) {
      for (const entry of slice.endpoints ?? []) {
        const candidate = candidateOf(entry, number);
        if (candidate && (!candidate.terminating || !found.has(candidate.text))) {
          found.set(candidate.text, candidate);
        }
      }
    }
  }
  return [...found.values()];
}

/** A slice may have several ports of one name; those without a valid number are skipped. */
function portNumbersOf({ ports }: EndpointSlice, { portName, protocol }: PortMatch): number[] {
  const matching = (ports ?? []).filter(
    (port) => port.name === portName && (port.protocol || 'TCP').toLowerCase() === protocol,
  );
  return matching.map(({ port }) => port ?? 0).filter((port) => port > 0 && port < 2 ** 16);
}

function candidateOf({ addresses, nodeName, conditions, hints }: SliceEndpoint, port: number): Candidate | undefined {
  const address = canonicalAddress(addresses?.[0] ?? '');
  if (address === undefined || !isHostAddress(address)) {
    return undefined;
  }
  const terminating = conditions?.terminating ?? false;
  return {
    text: endpointText({ address, port }),
    address,
    port,
    ready: conditions?.ready ?? true,
    lastResort: (conditions?.serving ?? true) && terminating,
    terminating,
    nodeName: nodeName ?? '',
    zoneHints: namesOf(hints?.forZones),
    nodeHints: namesOf(hints?.forNodes),
  };
}

const noNames: readonly string[] = [];

function namesOf(hints: readonly { readonly name: string }[] | null | undefined): readonly string[] {
  return hints ? hints.map(({ name }) => name) : noNames;
}

/**
 * The endpoints for clients from anywhere: the ready ones, or those of them whose hints name this node or its zone; if
 * none is ready, those that are terminating but still serving.
 */
function clusterEndpoints(candidates: readonly Candidate[], node: NodeSettings): readonly Candidate[] {
  const ready = candidates.filter((candidate) => candidate.ready);
  if (ready.length === 0) {
    return candidates.filter(({ lastResort }) => lastResort);
  }
  return (
    hintedFor(ready, ({ nodeHints }) => nodeHints, node.nodeName) ??
    hintedFor(ready, ({ zoneHints }) => zoneHints, node.zone) ??
    ready
  );
}

/** Hints count only if every ready endpoint has one, and at least one of them names this node or zone. */
function hintedFor(
  ready: readonly Candidate[],
  hintsOf: (candidate: Candidate) => readonly string[],
  here: string,
): readonly Candidate[] | undefined {
  const hinted = ready.filter((candidate) => hintsOf(candidate).includes(here));
  return hinted.length > 0 && ready.every((candidate) => hintsOf(candidate).length > 0) ? hinted : undefined;
}

/**
 * The endpoints on this node: the ready ones, or else those that are terminating but still serving. Hints do not count.
 */
function localEndpoints(candidates: readonly Candidate[], { nodeName }: NodeSettings): readonly Candidate[] {
  const onNode = candidates.filter((candidate) => nodeName !== '' && candidate.nodeName === nodeName);
  const ready = onNode.filter((candidate) => candidate.ready);
  return ready.length > 0 ? ready : onNode.filter(({ lastResort }) => lastResort);
}
