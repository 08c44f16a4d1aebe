import { parseAddress } from '../../address.ts';
import type { Family } from '../../network.ts';
import { clusterIPText } from '../../service-rules.ts';
import type { Service } from './kubernetes.ts';

/** The families that a Service exists in. */
export function serviceFamilies(service: Service): Family[] {
  const isServedIn = (family: Family): boolean =>
    parseAddress(clusterIPText(service, nameOfFamily(family)) ?? '')?.family === family;
  return (['ip', 'ip6'] as const).filter(isServedIn);
}

/** Kubernetes' name of a family in nft's spelling. */
export function familyOfName(name: 'IPv4' | 'IPv6'): Family {
  return name === 'IPv4' ? 'ip' : 'ip6';
}

/** nft's name of a family in Kubernetes' spelling. */
export function nameOfFamily(family: Family): 'IPv4' | 'IPv6' {
  return family === 'ip' ? 'IPv4' : 'IPv6';
}
