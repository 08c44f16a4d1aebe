import type { Family } from './network.ts';

/** Kubernetes' name of a family in nft's spelling. */
export function familyOfName(name: 'IPv4' | 'IPv6'): Family {
  return name === 'IPv4' ? 'ip' : 'ip6';
}

/** nft's name of a family in Kubernetes' spelling. */
export function nameOfFamily(family: Family): 'IPv4' | 'IPv6' {
  return family === 'ip' ? 'IPv4' : 'IPv6';
}
