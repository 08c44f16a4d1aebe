import { networkInterfaces } from 'node:os';
import { canonicalAddress, isLoopback } from '../address.ts';

/** The addresses of this machine, in this network namespace, 127.0.0.0/8 and ::1 left out; canonical. */
export function ownAddresses(): string[] {
  const entries = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const addresses = entries.flatMap(({ address }) => canonicalAddress(address) ?? []);
  return addresses.filter((address) => !isLoopback(address));
}
