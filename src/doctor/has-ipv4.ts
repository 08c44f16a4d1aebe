import type { Facts } from './facts.ts';

/** Whether the node speaks IPv4: /proc/net/route has a line for each IPv4 route, but those of loopback addresses. */
export function hasIpv4({ routes }: Facts['files']): boolean {
  // Who cannot see it must not say that there is none.
  return routes === undefined || /^(?!Iface\b|lo\b)\S+\t/m.test(routes);
}
