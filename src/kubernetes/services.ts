import { parseAddress } from '../net/address.ts';
import { type Family, nameOfFamily } from '../net/network.ts';
import type { ObjectMeta, Service } from './objects.ts';

/** What validation and model must see alike in Kubernetes objects. */

/** The label of an EndpointSlice that names its Service. */
export const ownerLabel = 'kubernetes.io/service-name';

/** The label of a Node that names its zone. */
export const zoneLabel = 'topology.kubernetes.io/zone';

/** The namespace of an object; manifests may leave it out. */
export function namespaceOf({ namespace }: ObjectMeta): string {
  return namespace || 'default';
}

/** Whether a clusterIP field holds an address at all: it may be absent, empty or `None`. */
export function isAddressField(clusterIP: string | null | undefined): clusterIP is string {
  return clusterIP !== undefined && clusterIP !== null && clusterIP !== '' && clusterIP !== 'None';
}

/**
 * Whether this proxy handles the Service at all: not ExternalName, not headless, and not left to another proxy by the
 * label service.kubernetes.io/service-proxy-name.
 */
export function isServed({ metadata, spec }: Service): boolean {
  return (
    spec.type !== 'ExternalName' &&
    isAddressField(spec.clusterIP) &&
    metadata.labels?.['service.kubernetes.io/service-proxy-name'] === undefined
  );
}

/**
 * The clusterIP of a family, as it is written: by the place of the family in spec.ipFamilies among spec.clusterIPs.
 * Without clusterIPs, which the API server always fills in, clusterIP is the first. Without ipFamilies, in objects older
 * than dual stack, it is clusterIP, whose own family then counts. Undefined when the Service lacks the family.
 */
export function clusterIPText({ spec }: Service, family: 'IPv4' | 'IPv6'): string | undefined {
  const { ipFamilies, clusterIPs, clusterIP } = spec;
  const index = ipFamilies?.length ? ipFamilies.indexOf(family) : 0;
  const text = ipFamilies?.length && clusterIPs?.length ? clusterIPs[index] : [clusterIP][index];
  return isAddressField(text) ? text : undefined;
}

/**
 * Addresses of status.loadBalancer.ingress that nodes translate, as they are written: those of ipMode VIP, which is
 * the default. Entries with nothing but a hostname have none.
 */
export function loadBalancerTexts({ status }: Service): string[] {
  const ingress = status?.loadBalancer?.ingress ?? [];
  return ingress.flatMap(({ ip, ipMode }) => (ip?.trim() && ipMode !== 'Proxy' ? [ip.trim()] : []));
}

/** The families that a Service exists in. */
export function serviceFamilies(service: Service): Family[] {
  const isServedIn = (family: Family): boolean =>
    parseAddress(clusterIPText(service, nameOfFamily(family)) ?? '')?.family === family;
  return (['ip', 'ip6'] as const).filter(isServedIn);
}
