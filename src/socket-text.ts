import type { Socket } from './network.ts';

/** `address:port`, IPv6 in brackets: how people write a socket, and what tells two endpoints of a service port apart. */
export function socketText({ address, port }: Socket): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
