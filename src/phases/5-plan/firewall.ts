import { cidrContains, cidrText, disjointCidrs, singleAddress } from '../../net/address.ts';
import type { ServicePort } from '../3-model/model.ts';
import type { FragmentContext, Placement } from './fragment.ts';
import { displayName, elementComment } from './names.ts';
import * as sets from './set-declarations.ts';

/**
 * Who may use the load balancer IPs of a service port (Service spec.loadBalancerSourceRanges), disjoint CIDRs;
 * undefined when everybody may. When the node itself may, so may the load balancer IPs: where they are bound to the
 * node, its own connections to them have them as source.
 */
export function allowedSources(servicePort: ServicePort, { primaryAddress }: FragmentContext): string[] | undefined {
  const { sourceRanges, loadBalancerIPs } = servicePort;
  if (sourceRanges.length === 0 || loadBalancerIPs.length === 0) {
    return undefined;
  }
  const nodeMay = primaryAddress !== undefined && sourceRanges.some((range) => cidrContains(range, primaryAddress));
  const ranges = nodeMay ? disjointCidrs([...sourceRanges, ...loadBalancerIPs.map(singleAddress)]) : sourceRanges;
  return ranges.map(cidrText);
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
