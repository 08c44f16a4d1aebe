import { parseAddress } from '../../address.ts';
import type { Family } from '../../network.ts';
import type { Service } from './kubernetes.ts';

/** Whether a clusterIP field holds an address at all: it may be absent, empty or `None`. */
export function isAddressField(clusterIP: string | null | undefined): clusterIP is string {
  return clusterIP !== undefined && clusterIP !== null && clusterIP !== '' && clusterIP !== 'None';
}

/**
 * The families that a Service exists in: those of ipFamilies that have a clusterIP at their index, or for objects older
 * than dual stack, the family of its clusterIP.
 */
export function serviceFamilies({ spec }: Service): Family[] {
  const families = spec.ipFamilies ?? [];
  const clusterIPs = spec.clusterIPs?.length ? spec.clusterIPs : [spec.clusterIP];
  if (families.length > 0) {
    return families.filter((_, index) => isAddressField(clusterIPs[index])).map(familyOfName);
  }
  const address = parseAddress(spec.clusterIP ?? '');
  return address ? [address.family] : [];
}

/** Kubernetes' name of a family in nft's spelling. */
export function familyOfName(name: 'IPv4' | 'IPv6'): Family {
  return name === 'IPv4' ? 'ip' : 'ip6';
}

/** nft's name of a family in Kubernetes' spelling. */
export function nameOfFamily(family: Family): 'IPv4' | 'IPv6' {
  return family === 'ip' ? 'IPv4' : 'IPv6';
}
