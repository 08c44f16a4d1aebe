import type { EndpointSlice, Service, ServicePortSpec, Sourced } from '../../kubernetes/objects.ts';
import { clusterIPText, isServed, loadBalancerTexts, namespaceOf } from '../../kubernetes/services.ts';
import { compareText } from '../../lib/text.ts';
import { type Cidr, disjointCidrs, isHostAddress, parseAddress, parseCidr } from '../../net/address.ts';
import { type Family, nameOfFamily, type Protocol } from '../../net/network.ts';
import { ownClusterIP } from './advise-on-service.ts';
import { buildEndpoints } from './build-endpoints.ts';
import type { NodeSettings, ServicePort } from './model.ts';

const defaultAffinitySeconds = 10_800;

/**
 * The service ports of one Service in one family; none if it does not exist there or is not served.
 *
 * @param slices those of the Service, in the order of their names.
 */
export function buildServicePorts(
  service: Sourced<Service>,
  slices: readonly EndpointSlice[],
  node: Pick<NodeSettings, 'family' | 'nodeName' | 'servesExternalIPs' | 'addresses'>,
): ServicePort[] {
  const { object } = service;
  const { family, nodeName, servesExternalIPs } = node;
  const clusterIP = isServed(object) ? clusterIPOf(object, family) : undefined;
  if (clusterIP === undefined || ownClusterIP(object, node) !== undefined) {
    return [];
  }
  const { spec, metadata } = object;
  const namespace = namespaceOf(metadata);
  const externalIPs = servesExternalIPs ? ofFamily(spec.externalIPs ?? [], family) : nothing;
  const loadBalancerIPs = ofFamily(loadBalancerTexts(object), family);
  const sourceRanges = sourceRangesOf(object, family);
  return (spec.ports ?? []).map((port, index): ServicePort => {
    const portName = port.name ?? '';
    const protocol = protocolOf(port);
    return {
      namespace,
      name: metadata.name,
      portName,
      protocol,
      port: port.port,
      clusterIP,
      nodePort: port.nodePort ?? 0,
      externalIPs,
      loadBalancerIPs,
      sourceRanges,
      internalPolicy: spec.internalTrafficPolicy || 'Cluster',
      externalPolicy: externalPolicyOf(object),
      affinitySeconds: affinitySecondsOf(object),
      createdAt: metadata.creationTimestamp ?? '',
      endpoints: buildEndpoints({ slices, family, portName, protocol, nodeName }),
      document: service.document,
      index,
    };
  });
}

/** Undefined if the Service does not exist in the family, or nowhere but on the node itself. */
function clusterIPOf(service: Service, family: Family): string | undefined {
  const address = parseAddress(clusterIPText(service, nameOfFamily(family)) ?? '');
  return address?.family === family && isHostAddress(address.text) ? address.text : undefined;
}

/** Most Services have none. */
const nothing: readonly string[] = [];

function ofFamily(texts: readonly string[], family: Family): readonly string[] {
  if (texts.length === 0) {
    return nothing;
  }
  const addresses = texts.flatMap((text) => parseAddress(text.trim()) ?? []);
  const served = addresses.filter((address) => address.family === family && isHostAddress(address.text));
  return [...new Set(served.map((address) => address.text))];
}

/** A range of prefix length 0 allows all clients, so the other ranges have no effect. */
function sourceRangesOf({ spec }: Service, family: Family): readonly Cidr[] {
  const cidrs = (spec.loadBalancerSourceRanges ?? []).flatMap((text) => {
    const cidr = parseCidr(text);
    return cidr?.family === family ? [cidr] : [];
  });
  return cidrs.some((cidr) => cidr.prefix === 0) ? [] : disjointCidrs(cidrs);
}

/** externalTrafficPolicy applies to types with external frontends, and to a ClusterIP Service with externalIPs. */
function externalPolicyOf({ spec }: Service): 'Cluster' | 'Local' {
  const isExternal = spec.type === 'NodePort' || spec.type === 'LoadBalancer' || (spec.externalIPs ?? []).length > 0;
  return isExternal && spec.externalTrafficPolicy === 'Local' ? 'Local' : 'Cluster';
}

function affinitySecondsOf({ spec }: Service): number {
  if (spec.sessionAffinity !== 'ClientIP') {
    return 0;
  }
  return spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? defaultAffinitySeconds;
}

function protocolOf(port: ServicePortSpec): Protocol {
  switch (port.protocol) {
    case 'UDP':
      return 'udp';
    case 'SCTP':
      return 'sctp';
    default:
      return 'tcp';
  }
}

/** Compares by identity: namespace, name, port name and protocol. */
export function compareServicePorts(a: ServicePort, b: ServicePort): number {
  return (
    compareText(a.namespace, b.namespace) ||
    compareText(a.name, b.name) ||
    compareText(a.portName, b.portName) ||
    compareText(a.protocol, b.protocol)
  );
}
