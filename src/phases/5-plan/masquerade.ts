/**
 * Masquerading: which connections get the node's address as their source, so that the answers come back through the node.
 *
 * | connection | why |
 * | --- | --- |
 * | to a cluster IP, not from one of the node's pods | its endpoint may be on another node, and would answer directly |
 * | to an external IP, load balancer IP or node port with externalTrafficPolicy Cluster | the same |
 * | the same with policy Local, from the node itself | the same |
 * | from a pod to itself through a Service (hairpin) | the pod would answer itself with its own address |
 *
 * The first three set a bit of the packet's mark before DNAT; the base chain in postrouting acts on it.
 */

import { cidrTest } from '../../net/address.ts';
import { daddr, saddr } from '../../nft/expressions.ts';
import type { Chain, Rule, SetDeclaration, Statement, StatementOf } from '../../nft/ruleset.ts';
import type { LocalDetector, NodeSettings } from '../3-model/model.ts';
import type { Selection } from '../4-select/select-endpoints.ts';
import { isTranslated, natPostrouting } from './base-chains.ts';
import type { ElementPlacement, PlanContext } from './fragment.ts';
import { setNames } from './names.ts';

/** The rules for cluster IPs, at the start of the chain `services`; none if pods cannot be recognized. */
export function masqueradeClusterIps({ masqueradeAll, detector, mark }: PlanContext): Rule[] {
  const toClusterIp: Statement = { kind: 'match-set', key: [daddr], set: setNames.clusterIps };
  if (masqueradeAll) {
    // ip daddr @cluster-ips meta mark set meta mark or 0x00004000
    return [[toClusterIp, requestMasquerade(mark)]];
  }
  // ip saddr != 10.244.0.0/16 ip daddr @cluster-ips meta mark set meta mark or 0x00004000
  // The comparison first, because a lookup costs more.
  return detector ? [[isNotFromPod(detector), toClusterIp, requestMasquerade(mark)]] : [];
}

/** The rules of a chain for external traffic with externalTrafficPolicy Cluster: all of it is masqueraded. */
export function externalRules(clusterChain: string, { mark }: PlanContext): Rule[] {
  // meta mark set meta mark or 0x00004000
  // goto tcp-cluster-3
  return [[requestMasquerade(mark)], [{ kind: 'goto', chain: clusterChain }]];
}

/**
 * The rules of a chain for external traffic with externalTrafficPolicy Local. The source is kept, so only local endpoints
 * may answer; but pods, to which every node knows the way, and the node itself, masqueraded, may use all endpoints.
 *
 * @param localChain undefined without a local endpoint: then other clients leave the chain untranslated, and the filter
 * chains drop them.
 */
export function externalLocalRules(
  clusterChain: string,
  localChain: string | undefined,
  { mark, detector }: PlanContext,
): Rule[] {
  const toCluster: Rule = [{ kind: 'goto', chain: clusterChain }];
  return [
    // ip saddr 10.244.0.0/16 goto tcp-cluster-3
    // First, so that a pod with the node's address is not taken for the node.
    ...(detector ? [[isFromPod(detector), ...toCluster]] : []),
    // fib saddr type local meta mark set meta mark or 0x00004000
    // fib saddr type local goto tcp-cluster-3
    // Two rules, because the mark must be set before the goto.
    [isFromNode, requestMasquerade(mark)],
    [isFromNode, ...toCluster],
    // goto tcp-local-1
    ...(localChain === undefined ? [] : [[{ kind: 'goto', chain: localChain } as const]]),
  ];
}

/** Sets the bit that requests masquerading; other bits of the mark stay. */
function requestMasquerade(mark: number): Statement {
  return { kind: 'set-mark', operator: 'or', mark };
}

/** `fib saddr type local`: the packet comes from this node itself. */
const isFromNode: Statement = { kind: 'match', left: { kind: 'fib-type', field: 'saddr' }, right: 'local' };

/**
 * Matches packets from pods of this node. Interfaces are compared by name (iifname), because an index would have to exist
 * when the ruleset is loaded.
 */
function isFromPod(detector: LocalDetector): Match {
  if (detector.kind === 'source') {
    return { kind: 'match', left: saddr, right: detector.cidr };
  }
  // A name has 15 bytes at most, so a prefix that long is the whole name, and nft has no room for its asterisk.
  const isPrefix = detector.prefix && detector.name.length < 15;
  return { kind: 'match', left: { kind: 'iifname' }, right: isPrefix ? `${detector.name}*` : detector.name };
}

function isNotFromPod(detector: LocalDetector): Match {
  return { ...isFromPod(detector), negated: true };
}

type Match = StatementOf<'match'>;

/**
 * Source and destination of connections from endpoints to themselves, without ports: a packet that has one address as
 * both after DNAT always needs masquerading, and a short key is faster to look up.
 */
export const hairpinConnections: SetDeclaration = {
  name: setNames.hairpinConnections,
  key: ['address', 'address'],
  comment: 'local endpoints that connect to themselves',
};

/**
 * The connections of a service port's endpoints to themselves. Only a pod on this node can be masqueraded here; one whose
 * slice names no node may be on this one.
 */
export function planHairpins(
  { reachable }: Selection,
  { isStray }: PlanContext,
): { placements: ElementPlacement[]; hasStrays: boolean } {
  const near = reachable.filter(({ local, nodeName }) => local || nodeName === '');
  if (near.length === 0) {
    return { placements: [], hasStrays: false };
  }
  const addresses = new Set(near.map(({ endpointAddress: { address } }) => address));
  const elements = [...addresses].map((address) => ({ key: `${address} . ${address}` }));
  return { placements: [{ set: hairpinConnections, elements }], hasStrays: near.some(isStray) };
}

/**
 * A function that finds the endpoints on this node because of which hairpin connections have to be looked up for every
 * destination, and not only for those in podCIDR, as there are networks that give pods other addresses. It leaves out:
 *
 * - endpoints that no slice places on this node, unless they have its address: where all pods that are known to be here
 *   are in podCIDR, others are as well;
 * - the node's own addresses, if its connections are masqueraded anyway: they get the mark at cluster IPs unless they
 *   count as those of pods, and at all other frontends (externalRules, externalLocalRules).
 */
export function strayTest(
  { podCIDR, addresses, detector }: NodeSettings,
  masqueradeAll: boolean,
): PlanContext['isStray'] {
  const isInRange = cidrTest(podCIDR === undefined ? [] : [podCIDR]);
  const isPod = cidrTest(detector?.kind === 'source' ? [detector.cidr] : []);
  const isMarked = (address: string): boolean => (masqueradeAll || detector !== undefined) && !isPod(address);
  const own = new Map(addresses.map((address) => [address, !isMarked(address)]));
  return ({ local, endpointAddress: { address } }) => !isInRange(address) && (own.get(address) ?? local);
}

/** @param hasStrays whether any fragment has some: then connections are looked up whatever their destination. */
export function planPostrouting({ mark, podCIDR }: PlanContext, hasStrays: boolean): Chain {
  const { name, ...hook } = natPostrouting;
  const toPod: Rule = hasStrays || podCIDR === undefined ? [] : [{ kind: 'match', left: daddr, right: podCIDR }];
  return {
    name,
    hook,
    rules: [
      // meta mark and 0x00004000 != 0 meta mark set meta mark xor 0x00004000 masquerade fully-random
      // The bit is cleared so that an overlay network that sends the packet again does not masquerade it twice.
      [{ kind: 'match-mark', mark }, { kind: 'set-mark', operator: 'xor', mark }, { kind: 'masquerade' }],
      // ip daddr 10.244.1.0/24 ct status dnat ip saddr . ip daddr @hairpin-connections masquerade fully-random
      [
        ...toPod,
        isTranslated,
        { kind: 'match-set', key: [saddr, daddr], set: setNames.hairpinConnections },
        { kind: 'masquerade' },
      ],
    ],
  };
}

/** A chain without the range of pods in it, which may come and go with endpoints. */
export function withoutPodRange(chain: Chain): Chain {
  const rules = chain.rules.map((rule) => {
    const [first, ...rest] = rule;
    const isRange = first?.kind === 'match' && first.left.kind === 'address' && first.left.field === 'daddr';
    return chain.name === natPostrouting.name && isRange ? rest : rule;
  });
  return { ...chain, rules };
}
