/** The words for networks that everything here shares. Types only. */

/** nft's table families used here; a table for each (never `inet`, whose NAT needs newer kernels). */
export type Family = 'ip' | 'ip6';

/** Transport protocols of Service ports, in nft's spelling. */
export type Protocol = 'tcp' | 'udp' | 'sctp';

/** Where an endpoint listens: what endpoint maps and pins lead to. nft writes it `10.1.2.3 . 8080`. */
export interface EndpointAddress {
  readonly address: string;
  readonly port: number;
}

/** All transport protocols that Service ports have, in the order in which rulesets list them. */
export const protocols: readonly Protocol[] = ['tcp', 'udp', 'sctp'];

/** Kubernetes' name of a family in nft's spelling. */
export function familyOfName(name: 'IPv4' | 'IPv6'): Family {
  return name === 'IPv4' ? 'ip' : 'ip6';
}

/** nft's name of a family in Kubernetes' spelling. */
export function nameOfFamily(family: Family): 'IPv4' | 'IPv6' {
  return family === 'ip' ? 'IPv4' : 'IPv6';
}

/** `address:port`, IPv6 in brackets: how people write an endpoint address, and what tells two endpoints of a service port apart. */
export function endpointText({ address, port }: EndpointAddress): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
