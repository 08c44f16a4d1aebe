/** Families, protocols and endpoint addresses. */

/** The families of nft tables in use, a table for each; not `inet`, whose NAT needs newer kernels. */
export type Family = 'ip' | 'ip6';

/** Transport protocols of Service ports, in nft's spelling. */
export type Protocol = 'tcp' | 'udp' | 'sctp';

/** Where an endpoint listens, the value of endpoint maps and pins. nft writes it `10.1.2.3 . 8080`. */
export interface EndpointAddress {
  readonly address: string;
  readonly port: number;
}

/** All transport protocols of Service ports, in the order of rulesets. */
export const protocols: readonly Protocol[] = ['tcp', 'udp', 'sctp'];

/** Whether packets can have this port; 0 means none in Kubernetes' objects. */
export function isPortNumber(port: number | null | undefined): port is number {
  return port !== null && port !== undefined && port >= 1 && port <= 65_535;
}

/** nft's name of a family. */
export function familyOfName(name: 'IPv4' | 'IPv6'): Family {
  return name === 'IPv4' ? 'ip' : 'ip6';
}

/** Kubernetes' name of a family. */
export function nameOfFamily(family: Family): 'IPv4' | 'IPv6' {
  return family === 'ip' ? 'IPv4' : 'IPv6';
}

/** `address:port`, with IPv6 in brackets; also the identity of an endpoint within its service port. */
export function endpointText({ address, port }: EndpointAddress): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
