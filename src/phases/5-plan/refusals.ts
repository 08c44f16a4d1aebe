/**
 * Refusals: what has no endpoint is rejected, and what has none on this node under a Local policy is dropped. It comes after
 * DNAT, where only what no endpoint took still has the address that the client asked for (base-chains.ts).
 */

import { daddr, l4proto, thDport } from '../../nft/expressions.ts';
import type { Chain, Rule, SetDeclaration, Statement } from '../../nft/ruleset.ts';
import type { NodeSettings, ServicePort } from '../3-model/model.ts';
import type { RefusalVerdict } from '../4-select/select-endpoints.ts';
import type { ElementPlacement, PlanContext, PlannedFrontend } from './fragment.ts';
import { chainNames, elementComment, setNames } from './names.ts';
import { isForLoopback, isForNode, isToNodePortAddress } from './node-ports.ts';

/** All cluster IPs, with and without endpoints. */
export const clusterIps: SetDeclaration = {
  name: setNames.clusterIps,
  key: ['address'],
  comment: 'cluster IPs in use',
};

/** The ranges from which cluster IPs are allocated. */
export const serviceCidrs: SetDeclaration = {
  name: setNames.serviceCidrs,
  key: ['address'],
  flags: ['interval'],
  comment: 'cluster IP ranges',
};

/** IPs that are refused -> how: rejected without any endpoint, dropped without one on this node. */
export const noEndpointServices: SetDeclaration = {
  name: setNames.noEndpointServices,
  key: ['address', 'protocol', 'port'],
  value: 'verdict',
  comment: 'IPs without usable endpoints',
};

/** The same for node ports. */
export const noEndpointNodePorts: SetDeclaration = {
  name: setNames.noEndpointNodePorts,
  key: ['protocol', 'port'],
  value: 'verdict',
  comment: 'node ports without usable endpoints',
};

/** Node ports that are refused at loopback addresses (KubeProxyNFTablesLocalhostNodePorts). */
export const localhostNodePorts: SetDeclaration = {
  name: setNames.localhostNodePorts,
  key: ['protocol', 'port'],
  comment: 'node ports that loopback addresses refuse',
};

/**
 * The chain that rules and verdict maps go to for a rejection: `reject` is not a verdict, so a map cannot hold it. The
 * kernel limits ICMP errors to one a second for each client, after the first six, so TCP gets a reset.
 */
export function planRejectChain(): Chain {
  return {
    name: chainNames.rejectChain,
    rules: [
      // meta l4proto tcp reject with tcp reset
      [{ kind: 'tcp-reset' }],
      // reject
      [{ kind: 'reject' }],
    ],
  };
}

/**
 * The chain that refuses what arrives at the node. Addresses of Services that are bound to the node serve other ports of
 * their own to clients outside.
 */
export function planIncomingRefusals(context: PlanContext): Chain {
  const isForOthers: Statement = { ...isForNode, negated: true };
  return {
    name: chainNames.incomingRefusals,
    rules: [refuseNodePorts(context), refuseServices, ...refuseAddresses([isForOthers])],
  };
}

/** The chain that refuses what the node itself sends. */
export function planOutgoingRefusals(context: PlanContext): Chain {
  return {
    name: chainNames.outgoingRefusals,
    rules: [refuseServices, ...refuseAddresses([]), refuseNodePorts(context), ...refuseLocalhost(context)],
  };
}

/** `ip daddr @nodeport-ips meta l4proto . th dport vmap @no-endpoint-nodeports` */
function refuseNodePorts(context: PlanContext): Rule {
  return [
    ...isToNodePortAddress(context),
    { kind: 'vmap', key: [l4proto, thDport], map: setNames.noEndpointNodePorts },
  ];
}

/**
 * `ip daddr 127.0.0.0/8 meta l4proto . th dport @localhost-nodeports goto reject-chain`, for what only the node sends. Another
 * program that listens there at the number of a node port is not reached either, as with kube-proxy.
 */
function refuseLocalhost({ localhostNodePorts: is, family }: PlanContext): Rule[] {
  const isRefused: Statement = { kind: 'match-set', key: [l4proto, thDport], set: setNames.localhostNodePorts };
  return is === 'untouched'
    ? []
    : [[isForLoopback(family), isRefused, { kind: 'goto', chain: chainNames.rejectChain }]];
}

/** `ip daddr . meta l4proto . th dport vmap @no-endpoint-services` */
const refuseServices: Rule = [{ kind: 'vmap', key: [daddr, l4proto, thDport], map: setNames.noEndpointServices }];

/**
 * A frontend without local endpoints must drop before a live cluster IP rejects, so these come after its rule.
 *
 * @param conditions come after the lookup of the address, so that only what is found pays for them.
 */
function refuseAddresses(conditions: readonly Statement[]): Rule[] {
  return [
    // ip daddr @cluster-ips fib daddr type != local goto reject-chain
    // The Service has no such port.
    [
      { kind: 'match-set', key: [daddr], set: setNames.clusterIps },
      ...conditions,
      { kind: 'goto', chain: chainNames.rejectChain },
    ],
    // ip daddr @service-cidrs fib daddr type != local drop
    // No Service has the address, and the packet must not loop to the gateway and back.
    [{ kind: 'match-set', key: [daddr], set: setNames.serviceCidrs }, ...conditions, { kind: 'drop' }],
  ];
}

/** The element that refuses a frontend. */
export function planRefusal(
  { scheme, verdictKey, comment }: PlannedFrontend,
  verdict: RefusalVerdict,
): ElementPlacement {
  const value =
    verdict === 'drop' ? ({ kind: 'drop' } as const) : ({ kind: 'goto', chain: chainNames.rejectChain } as const);
  const set = scheme === 'address' ? noEndpointServices : noEndpointNodePorts;
  return { set, elements: [{ key: verdictKey, comment, value }] };
}

/** The element that refuses a node port at loopback addresses; none where an agent serves it there. */
export function localhostPlacements(
  { protocol }: Pick<ServicePort, 'protocol'>,
  { verdictKey, comment }: PlannedFrontend,
  { localhostNodePorts: is }: PlanContext,
): ElementPlacement[] {
  const isRefused = is === 'refused' || (is === 'served' && protocol !== 'tcp');
  return isRefused ? [{ set: localhostNodePorts, elements: [{ key: verdictKey, comment }] }] : [];
}

/** The cluster IP of a service port, served or not. Several ports share it, so the comment names no port. */
export function clusterIpPlacement({ clusterIP, namespace, name }: ServicePort): ElementPlacement {
  return { set: clusterIps, elements: [{ key: clusterIP, comment: elementComment(`${namespace}/${name}`) }] };
}

/** The ranges from which cluster IPs are allocated (ServiceCIDR). */
export function serviceCidrPlacement({ serviceCIDRs }: NodeSettings): ElementPlacement {
  return { set: serviceCidrs, elements: serviceCIDRs.map((key) => ({ key })) };
}
