import { existsSync, writeFileSync } from 'node:fs';

/** A setting of a network namespace, by its path below /proc/sys/net. */
export type NetworkSetting = readonly [path: string, value: string];

/** What every network namespace of a lab has; interfaces take it over when they are created. */
export const networkSettings: readonly NetworkSetting[] = [
  ['ipv4/ip_forward', '1'],
  ['ipv6/conf/all/forwarding', '1'],
  // What a Pod's server sends has the address of the Pod, which the Pod has, too.
  ...forEach('ipv4', { rp_filter: '0', send_redirects: '0', accept_local: '1' }),
  // Duplicate address detection would keep addresses from being used for a second.
  ...forEach('ipv6', { accept_dad: '0', accept_ra: '0' }),
  // A connection to a load balancer stays with its node, and others go to other nodes.
  ['ipv4/fib_multipath_hash_policy', '1'],
  ['ipv6/fib_multipath_hash_policy', '1'],
  // ICMP errors tell clients that they are refused, and are not limited.
  ['ipv4/icmp_ratemask', '0'],
  ['ipv6/icmp/ratelimit', '0'],
];

function forEach(family: string, values: Readonly<Record<string, string>>): NetworkSetting[] {
  return Object.entries(values).flatMap(([name, value]) =>
    ['all', 'default'].map((scope): NetworkSetting => [`${family}/conf/${scope}/${name}`, value]),
  );
}

/** Sets the network namespace of this process up. Settings that this kernel lacks, as without IPv6, are left out. */
export function prepareNetwork(): void {
  for (const [name, value] of networkSettings) {
    const path = `/proc/sys/net/${name}`;
    if (existsSync(path)) {
      writeFileSync(path, value);
    }
  }
}
