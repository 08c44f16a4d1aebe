import { existsSync, writeFileSync } from 'node:fs';

/** Of the network namespace of this process, by their path below /proc/sys/net. */
const settings: readonly (readonly [path: string, value: string])[] = [
  ...forEach('ipv4', { rp_filter: '0', send_redirects: '0' }),
  // Duplicate address detection would keep addresses from being used for a second.
  ...forEach('ipv6', { accept_dad: '0', accept_ra: '0' }),
  // Pods may answer at any port.
  ['ipv4/ip_unprivileged_port_start', '0'],
  // ICMP errors tell clients that they are refused, and are not limited.
  ['ipv4/icmp_ratemask', '0'],
  ['ipv6/icmp/ratelimit', '0'],
];

const forwarding: typeof settings = [
  ['ipv4/ip_forward', '1'],
  ['ipv6/conf/all/forwarding', '1'],
  // A connection to a load balancer stays with its node, and others go to other nodes.
  ['ipv4/fib_multipath_hash_policy', '1'],
  ['ipv6/fib_multipath_hash_policy', '1'],
];

function forEach(family: string, values: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(values).flatMap(([name, value]) =>
    ['all', 'default'].map((scope): [string, string] => [`${family}/conf/${scope}/${name}`, value]),
  );
}

/** Sets what interfaces take over when they are created. Settings that this kernel lacks, as without IPv6, are left out. */
export function prepareNetwork({ isRouter = false }: { readonly isRouter?: boolean } = {}): void {
  for (const [name, value] of [...settings, ...(isRouter ? forwarding : [])]) {
    const path = `/proc/sys/net/${name}`;
    if (existsSync(path)) {
      writeFileSync(path, value);
    }
  }
}
