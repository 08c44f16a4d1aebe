import { cidrContains, cidrText, disjointCidrs, parseCidr } from '../../address.ts';
import type { ServicePort } from '../3-model/model.ts';
import type { Placement } from './fragment.ts';
import { displayName, elementComment } from './names.ts';
import * as sets from './set-declarations.ts';

/** What source ranges depend on besides the Service. */
export interface FirewallContext {
  readonly primaryAddress: string | undefined;
}

/**
 * Who may use the load balancer IPs of a service port (Service spec.loadBalancerSourceRanges), disjoint CIDRs;
 * undefined when everybody may. When the node itself may, so may the load balancer IPs: where they are bound to the
 * node, its own connections to them have them as source.
 */
export function allowedSources(servicePort: ServicePort, { primaryAddress }: FirewallContext): string[] | undefined {
  const { sourceRanges, loadBalancerIPs } = servicePort;
  if (sourceRanges.length === 0 || loadBalancerIPs.length === 0) {
    return undefined;
  }
  const ranges = sourceRanges.flatMap((text) => parseRange(text));
  const nodeMay = primaryAddress !== undefined && ranges.some((range) => cidrContains(range, primaryAddress));
  return nodeMay ? disjointCidrs([...ranges, ...loadBalancerIPs.flatMap(parseRange)]).map(cidrText) : [...sourceRanges];
}

/** Guards one load balancer IP; nothing when everybody may use it. */
export function planFirewall(servicePort: ServicePort, address: string, sources: string[] | undefined): Placement[] {
  if (!sources) {
    return [];
  }
  const key = `${address} . ${servicePort.protocol} . ${servicePort.port}`;
  return [
    { set: sets.firewallIps, elements: [{ key, comment: elementComment(displayName(servicePort)) }] },
    { set: sets.firewallSources, elements: sources.map((source) => ({ key: `${key} . ${source}` })) },
  ];
}

/** A range of one address is written without its prefix length. */
function parseRange(text: string): ReturnType<typeof disjointCidrs> {
  const bits = text.includes(':') ? 128 : 32;
  const cidr = parseCidr(text.includes('/') ? text : `${text}/${bits}`);
  return cidr ? [cidr] : [];
}
