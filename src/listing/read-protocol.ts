import type { Protocol } from '../network.ts';

const protocolNames: ReadonlyMap<unknown, Protocol> = new Map<unknown, Protocol>([
  ['tcp', 'tcp'],
  ['udp', 'udp'],
  ['sctp', 'sctp'],
  [6, 'tcp'],
  [17, 'udp'],
  [132, 'sctp'],
]);

/**
 * A transport protocol of Services, undefined for any other. nft takes names from /etc/protocols, which small systems
 * do not have, and prints numbers then, or when it is asked to (`-n`).
 */
export function readProtocol(json: unknown): Protocol | undefined {
  return protocolNames.get(json);
}
