import { cidrContains } from '../address.ts';
import type { Socket } from '../network.ts';
import type { Literals } from './read-literals.ts';

/**
 * Which of the literals of rules hold an address and port, as one text: rules can tell sockets with equal texts apart by
 * sets alone.
 */
export function describeLiterals({ destinations, ports }: Literals): (socket: Socket) => string {
  const known = new Map<string, string>();
  const named = new Set(ports);
  return ({ address, port }) => {
    const ofPort = named.has(port) ? `:${port}` : '';
    if (destinations.length === 0) {
      return ofPort;
    }
    const ofAddress =
      known.get(address) ??
      destinations.flatMap((range, index) => (cidrContains(range, address) ? [index] : [])).join();
    known.set(address, ofAddress);
    return ofAddress + ofPort;
  };
}
