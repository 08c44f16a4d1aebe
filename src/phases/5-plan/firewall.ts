/** Source ranges of load balancer IPs (Service spec.loadBalancerSourceRanges), checked before DNAT. */

import { cidrContains, cidrText, disjointCidrs, singleAddress } from '../../net/address.ts';
import { daddr, l4proto, saddr, thDport } from '../../nft/expressions.ts';
import type { Chain, SetDeclaration } from '../../nft/ruleset.ts';
import type { ServicePort } from '../3-model/model.ts';
import { firewallBaseChains, planBaseChain } from './base-chains.ts';
import type { Claim, ElementPlacement, PlanContext } from './fragment.ts';
import { chainNames, displayName, elementComment, setNames } from './names.ts';

/** Load balancer IPs that not all sources may use. */
const firewallIps: SetDeclaration = {
  name: setNames.firewallIps,
  key: ['address', 'protocol', 'port'],
  comment: 'load balancer IPs with source ranges',
};

/** The sources that may use each of them. */
const firewallSources: SetDeclaration = {
  name: setNames.firewallSources,
  key: ['address', 'protocol', 'port', 'address'],
  flags: ['interval'],
  comment: 'source ranges allowed to reach firewall-ips',
};

/** The sets that hold source ranges; only where a Service has some. */
export const firewallSets: readonly SetDeclaration[] = [firewallIps, firewallSources];

/** The chains that drop what source ranges do not allow; only where a Service has some, as each costs every packet. */
export function planFirewallChains(): Chain[] {
  return [planFirewallCheck(), ...firewallBaseChains.map(planBaseChain)];
}

/** Whether a claim has source ranges. */
export function hasSourceRanges({ placements }: Claim): boolean {
  return placements.some(({ set }) => set === firewallIps);
}

/** Source ranges do not apply to node ports and external IPs. */
function planFirewallCheck(): Chain {
  const frontend = [daddr, l4proto, thDport];
  return {
    name: chainNames.firewallCheck,
    rules: [
      // ip daddr . meta l4proto . th dport @firewall-ips
      //   ip daddr . meta l4proto . th dport . ip saddr != @firewall-sources drop
      [
        { kind: 'match-set', key: frontend, set: setNames.firewallIps },
        { kind: 'match-set', key: [...frontend, saddr], negated: true, set: setNames.firewallSources },
        { kind: 'drop' },
      ],
    ],
  };
}

/**
 * The sources that may use the load balancer IPs of a service port, as disjoint CIDRs; undefined when all may. If the
 * node itself may, so may the load balancer IPs: where they are bound to the node, its own connections to them have
 * them as source.
 */
export function allowedSources(
  servicePort: ServicePort,
  { primaryAddress }: Pick<PlanContext, 'primaryAddress'>,
): string[] | undefined {
  const { sourceRanges, loadBalancerIPs } = servicePort;
  if (sourceRanges.length === 0 || loadBalancerIPs.length === 0) {
    return undefined;
  }
  const nodeMay = primaryAddress !== undefined && sourceRanges.some((range) => cidrContains(range, primaryAddress));
  const ranges = nodeMay ? disjointCidrs([...sourceRanges, ...loadBalancerIPs.map(singleAddress)]) : sourceRanges;
  return ranges.map(cidrText);
}

/** The elements that guard one load balancer IP; none when all sources may use it. */
export function planFirewall(
  servicePort: ServicePort,
  address: string,
  sources: string[] | undefined,
): ElementPlacement[] {
  if (!sources) {
    return [];
  }
  const key = `${address} . ${servicePort.protocol} . ${servicePort.port}`;
  return [
    { set: firewallIps, elements: [{ key, comment: elementComment(displayName(servicePort)) }] },
    { set: firewallSources, elements: sources.map((source) => ({ key: `${key} . ${source}` })) },
  ];
}
