/** The words for networks that everything here shares. Types only. */

/** nft's table families used here; a table for each (never `inet`, whose NAT needs newer kernels). */
export type Family = 'ip' | 'ip6';

/** Transport protocols of Service ports, in nft's spelling. */
export type Protocol = 'tcp' | 'udp' | 'sctp';

/** Where an endpoint listens: what endpoint maps and pins lead to. nft writes it `10.1.2.3 . 8080`. */
export interface Socket {
  readonly address: string;
  readonly port: number;
}
