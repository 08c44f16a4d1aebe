import { isFromNode, isFromPod, requestMasquerade } from './expressions.ts';
import type { FixedContext } from './fixed-chains.ts';
import type { Rule } from './ruleset.ts';

/**
 * externalTrafficPolicy Cluster: every connection is masqueraded, as its endpoint may be on another node and must answer
 * through this one.
 */
export function externalRules(clusterChain: string, { mark }: FixedContext): Rule[] {
  return [[requestMasquerade(mark)], [{ kind: 'goto', chain: clusterChain }]];
}

/**
 * externalTrafficPolicy Local: the source is kept, so only local endpoints may answer; but pods, whose way back is known,
 * and the node itself, masqueraded, may use all. Pods come first, lest one with the node's address be taken for the node.
 * Whoever is left over when there is no local endpoint (no `localChain`) leaves untranslated and meets the drop of the
 * filter chains.
 */
export function externalLocalRules(
  clusterChain: string,
  localChain: string | undefined,
  { mark, detector }: FixedContext,
): Rule[] {
  const toCluster: Rule = [{ kind: 'goto', chain: clusterChain }];
  return [
    ...(detector ? [[isFromPod(detector), ...toCluster]] : []),
    // Two rules, because the mark must be set before the goto.
    [isFromNode, requestMasquerade(mark)],
    [isFromNode, ...toCluster],
    ...(localChain === undefined ? [] : [[{ kind: 'goto', chain: localChain } as const]]),
  ];
}
