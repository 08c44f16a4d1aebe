import type { Facts } from './facts.ts';

/** The names of the network interfaces, out of /proc/net/dev; a name has no colon (dev_valid_name of the kernel). */
export function interfacesOf({ interfaces = '' }: Facts['files']): readonly string[] {
  return [...interfaces.matchAll(/^\s*([^\s:|]+):/gm)].map(([, name = '']) => name);
}
