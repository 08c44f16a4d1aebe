import type { ObjectMeta, Service } from './phases/2-validate/kubernetes.ts';

/** What validation and model must see alike in Kubernetes objects. */

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
 * The clusterIP for each of spec.ipFamilies, by its place in spec.clusterIPs. Without clusterIPs, which the API server
 * always fills in, clusterIP is the first; without ipFamilies, in objects older than dual stack, the family is its own.
 */
export function clusterIPsByFamily({
  spec,
}: Service): { readonly family: 'IPv4' | 'IPv6' | undefined; readonly text: string }[] {
  const clusterIPs = spec.clusterIPs?.length ? spec.clusterIPs : [spec.clusterIP ?? ''];
  const families = spec.ipFamilies ?? [];
  if (families.length === 0) {
    return isAddressField(spec.clusterIP) ? [{ family: undefined, text: spec.clusterIP }] : [];
  }
  return families.flatMap((family, index) => {
    const text = clusterIPs[index];
    return isAddressField(text) ? [{ family, text }] : [];
  });
}

/**
 * Addresses of status.loadBalancer.ingress that nodes translate, as they are written: those of ipMode VIP, which is
 * the default. Entries with nothing but a hostname have none.
 */
export function loadBalancerTexts({ status }: Service): string[] {
  const ingress = status?.loadBalancer?.ingress ?? [];
  return ingress.flatMap(({ ip, ipMode }) => (ip?.trim() && ipMode !== 'Proxy' ? [ip.trim()] : []));
}
