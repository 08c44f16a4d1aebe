import type { Family } from '../../net/network.ts';
import { daddr, l4proto, saddr, thDport } from '../../nft/expressions.ts';
import type { Chain, Expression, Rule, Statement } from '../../nft/ruleset.ts';
import type { LocalDetector, NodePortAddresses } from '../3-model/model.ts';
import { type BaseChainRow, baseChains } from './base-chains.ts';
import { isForNode, isNew, isNotForLoopback, isNotFromPod, isTranslated, requestMasquerade } from './conditions.ts';
import { chainNames, setNames } from './names.ts';

/** What the chains that do not depend on any Service need to know. */
export interface FixedContext {
  readonly family: Family;
  /** The mark bit that asks for masquerading, as a number with that bit set. */
  readonly mark: number;
  readonly masqueradeAll: boolean;
  readonly detector: LocalDetector | undefined;
  readonly nodePortAddresses: NodePortAddresses;
}

const frontend: readonly Expression[] = [daddr, l4proto, thDport];

/** The chains of every ruleset, base chains last; only the settings of the node change them. */
export function planFixedChains(context: FixedContext): Chain[] {
  return [
    { name: chainNames.rejectChain, rules: [[{ kind: 'reject' }]] },
    planFirewallCheck(),
    planServices(context),
    { name: chainNames.serviceEndpointsCheck, rules: [[vmap(frontend, setNames.noEndpointServices)]] },
    planNodePortEndpointsCheck(context),
    planClusterIpsCheck(),
    planMasquerading(context),
    ...baseChains.map(planBaseChain),
  ];
}

/** A base chain as nft sees it: a rule for each chain that it tries. */
export function planBaseChain({ name, type, hook, priority, jumps, onlyNew, onlyTranslated }: BaseChainRow): Chain {
  const conditions = [...(onlyNew ? [isNew] : []), ...(onlyTranslated ? [isTranslated] : [])];
  return {
    name,
    hook: { type, hook, priority },
    rules: jumps.map((chain): Rule => [...conditions, { kind: 'jump', chain }]),
  };
}

/** Drops what a Service's loadBalancerSourceRanges do not allow; node ports and external IPs are never asked. */
function planFirewallCheck(): Chain {
  return {
    name: chainNames.firewallCheck,
    rules: [
      [
        { kind: 'match-set', key: frontend, set: setNames.firewallIps },
        { kind: 'match-set', key: [...frontend, saddr], negated: true, set: setNames.firewallSources },
        { kind: 'drop' },
      ],
    ],
  };
}

/** DNAT: cluster, load balancer and external IPs first, then node ports. */
function planServices(context: FixedContext): Chain {
  const toClusterIp: Statement = { kind: 'match-set', key: [daddr], set: setNames.clusterIps };
  const masquerade = requestMasquerade(context.mark);
  const rules: Rule[] = [];
  if (context.masqueradeAll) {
    rules.push([toClusterIp, masquerade]);
  } else if (context.detector) {
    // Answers must come back through this node, which only those to its own pods do by themselves.
    rules.push([toClusterIp, isNotFromPod(context.detector), masquerade]);
  }
  rules.push([vmap(frontend, setNames.serviceIps)]);
  rules.push([...nodePortCondition(context, true), vmap([l4proto, thDport], setNames.serviceNodePorts)]);
  return { name: chainNames.services, rules };
}

/** Input packets are for this node by definition, so only the loopback addresses remain to be told apart. */
function planNodePortEndpointsCheck(context: FixedContext): Chain {
  return {
    name: chainNames.nodePortEndpointsCheck,
    rules: [[...nodePortCondition(context, false), vmap([l4proto, thDport], setNames.noEndpointNodePorts)]],
  };
}

function nodePortCondition(context: FixedContext, checkLocal: boolean): Statement[] {
  if (context.nodePortAddresses.kind === 'listed') {
    return [{ kind: 'match-set', key: [daddr], set: setNames.nodePortIps }];
  }
  return [...(checkLocal ? [isForNode] : []), isNotForLoopback(context.family)];
}

/** A live cluster IP without such a port says so; an address that no Service holds must not loop to the gateway and back. */
function planClusterIpsCheck(): Chain {
  return {
    name: chainNames.clusterIpsCheck,
    rules: [
      [{ kind: 'match-set', key: [daddr], set: setNames.clusterIps }, { kind: 'reject' }],
      [{ kind: 'match-set', key: [daddr], set: setNames.serviceCidrs }, { kind: 'drop' }],
    ],
  };
}

function planMasquerading({ mark }: FixedContext): Chain {
  return {
    name: chainNames.masquerading,
    rules: [
      // The bit is cleared so that an overlay that sends the same packet again does not masquerade it twice.
      [{ kind: 'match-mark', mark }, { kind: 'set-mark', operator: 'xor', mark }, { kind: 'masquerade' }],
      // Hairpin: a pod that reached itself would otherwise answer itself directly, with its own address.
      [
        isTranslated,
        { kind: 'match-set', key: [saddr, daddr, l4proto, thDport], set: setNames.hairpinConnections },
        { kind: 'masquerade' },
      ],
    ],
  };
}

function vmap(key: readonly Expression[], map: string): Statement {
  return { kind: 'vmap', key, map };
}
