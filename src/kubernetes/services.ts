import { isHostAddress, parseAddress } from '../net/address.ts';
import { type Family, isPortNumber, nameOfFamily } from '../net/network.ts';
import type { Service } from './objects.ts';

/* Facts about Services that validation, the model and verification must agree on. */

/** The label of an EndpointSlice that names its Service. */
export const ownerLabel = 'kubernetes.io/service-name';

/** The label of a Node that names its zone. */
export const zoneLabel = 'topology.kubernetes.io/zone';

/** The namespace in metadata, valid or not; manifests may omit it. */
export function namespaceOf({ namespace }: { readonly namespace?: unknown }): string {
  return typeof namespace === 'string' && namespace !== '' ? namespace : 'default';
}

/** Whether a clusterIP field has a value other than empty and `None`. */
export function isAddressField(clusterIP: string | null | undefined): clusterIP is string {
  return clusterIP !== undefined && clusterIP !== null && clusterIP !== '' && clusterIP !== 'None';
}

/**
 * Whether this proxy serves the Service: it is not ExternalName, not headless, and not assigned to another proxy by the
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
 * The clusterIP of a family, as written: the entry of spec.clusterIPs at the index of the family in spec.ipFamilies.
 * Without clusterIPs, which the API server always sets, clusterIP is the first entry. Without ipFamilies, in objects older
 * than dual stack, it is clusterIP, whatever its family. Undefined when the Service lacks the family.
 */
export function clusterIPText({ spec }: Service, family: 'IPv4' | 'IPv6'): string | undefined {
  const { ipFamilies, clusterIPs, clusterIP } = spec;
  const index = ipFamilies?.length ? ipFamilies.indexOf(family) : 0;
  const text = ipFamilies?.length && clusterIPs?.length ? clusterIPs[index] : [clusterIP][index];
  return isAddressField(text) ? text : undefined;
}

/**
 * The addresses of status.loadBalancer.ingress that nodes translate, as written: those of ipMode VIP, the default. Entries
 * with only a hostname have none.
 */
export function loadBalancerTexts({ status }: Service): string[] {
  const ingress = status?.loadBalancer?.ingress ?? [];
  return ingress.flatMap(({ ip, ipMode }) => (ip?.trim() && ipMode !== 'Proxy' ? [ip.trim()] : []));
}

/**
 * The TCP port of every node where a proxy answers health checks for a Service; 0 for none. Only load balancers with policy
 * Local have it (ServiceSpec.healthCheckNodePort).
 */
export function healthCheckPort(service: Service): number {
  const { type, externalTrafficPolicy, healthCheckNodePort } = service.spec;
  const hasChecks = type === 'LoadBalancer' && externalTrafficPolicy === 'Local' && isServed(service);
  return hasChecks && isPortNumber(healthCheckNodePort) ? healthCheckNodePort : 0;
}

/** The families in which a Service has a cluster IP that is served. */
export function serviceFamilies(service: Service): Family[] {
  const isServedIn = (family: Family): boolean => {
    const address = parseAddress(clusterIPText(service, nameOfFamily(family)) ?? '');
    return address?.family === family && isHostAddress(address.text);
  };
  return (['ip', 'ip6'] as const).filter(isServedIn);
}
