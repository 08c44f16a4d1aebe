/**
 * Node ports: the rules that open them at some of the node's addresses (KubeProxyConfiguration.nodePortAddresses). Which
 * addresses: 3-model/resolve-node.ts.
 */

import type { Family } from '../../net/network.ts';
import { daddr, originalDaddr } from '../../nft/expressions.ts';
import type { SetDeclaration, Statement, StatementOf } from '../../nft/ruleset.ts';
import type { NodeSettings } from '../3-model/model.ts';
import type { ElementPlacement, PlanContext } from './fragment.ts';
import { setNames } from './names.ts';

/** The addresses that accept node ports, unless all of the node's do. */
export const nodePortIps: SetDeclaration = {
  name: setNames.nodePortIps,
  key: ['address'],
  comment: 'addresses of this node that accept node ports',
};

/** The addresses that accept node ports; no set when all of the node's do. */
export function nodePortPlacements({ nodePortAddresses }: NodeSettings): ElementPlacement[] {
  return nodePortAddresses.kind === 'all'
    ? []
    : [{ set: nodePortIps, elements: nodePortAddresses.addresses.map((key) => ({ key })) }];
}

/**
 * Matches packets to an address that accepts node ports: `ip daddr @nodeport-ips`, or, when all do,
 * `fib daddr type local ip daddr != 127.0.0.0/8`.
 */
export function isToNodePortAddress({ nodePortAddresses, family }: PlanContext): Statement[] {
  return nodePortAddresses.kind === 'listed'
    ? [{ kind: 'match-set', key: [daddr], set: setNames.nodePortIps }]
    : [isForNode, isNotForLoopback(family)];
}

/**
 * After DNAT, matches connections that asked for a node port: `ct original ip daddr @nodeport-ips`. Where node ports are
 * open at all addresses, the rule can only exclude cluster IPs:
 * `ct original ip daddr != @cluster-ips`.
 */
export function askedForNodePort({ nodePortAddresses }: PlanContext): Statement {
  return nodePortAddresses.kind === 'listed'
    ? { kind: 'match-set', key: [originalDaddr], set: setNames.nodePortIps }
    : { kind: 'match-set', key: [originalDaddr], negated: true, set: setNames.clusterIps };
}

/** `fib daddr type local`: the packet is for this node itself. */
export const isForNode: StatementOf<'match'> = {
  kind: 'match',
  left: { kind: 'fib-type', field: 'daddr' },
  right: 'local',
};

/** Node ports do not work on loopback addresses: the answer could not leave the node (net.ipv4.conf.*.route_localnet). */
function isNotForLoopback(family: Family): Statement {
  return { ...isForLoopback(family), negated: true };
}

/** `ip daddr 127.0.0.0/8` */
export function isForLoopback(family: Family): StatementOf<'match'> {
  return { kind: 'match', left: daddr, right: family === 'ip' ? '127.0.0.0/8' : '::1' };
}
