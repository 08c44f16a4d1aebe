import { protocols } from '../../net/network.ts';
import { daddr, dportOf, l4proto, saddr } from '../../nft/expressions.ts';
import type { Chain, Rule } from '../../nft/ruleset.ts';
import { isFromNode, isFromPod, requestMasquerade } from './conditions.ts';
import type { FixedContext } from './fixed-chains.ts';
import { type EndpointMapKey, endpointMapName, pinMapName } from './names.ts';

/**
 * A chain that a frontend's verdict goes to. It belongs to no Service but to all with the same numbers of endpoints:
 * the packet's own address and port choose the Service's elements in the map.
 */
export interface DispatchChain extends Omit<EndpointMapKey, 'scope'> {
  /**
   * `cluster` and `local` pick an endpoint of that list. `external` masquerades and picks from cluster.
   * `external-local` keeps the source: pods and the node pick from cluster, everyone else from local.
   */
  readonly entry: 'cluster' | 'local' | 'external' | 'external-local';
  /** How many endpoints each list has; 0 where the entry does not use it, and for a local list with nobody in it. */
  readonly clusterCount: number;
  readonly localCount: number;
  /** Whether a client's pin comes before the random choice. */
  readonly sticky: boolean;
}

/** `tcp-cluster-3`, `udp-nodeport-external-local-3-1`, `tcp-sticky-cluster-2`. */
export function dispatchChainName({
  protocol,
  frontend,
  entry,
  clusterCount,
  localCount,
  sticky,
}: DispatchChain): string {
  const counts = {
    cluster: clusterCount,
    local: localCount,
    external: clusterCount,
    'external-local': `${clusterCount}-${localCount}`,
  };
  return `${protocol}${frontend === 'nodeport' ? '-nodeport' : ''}${sticky ? '-sticky' : ''}-${entry}-${counts[entry]}`;
}

const namePattern =
  /^(tcp|udp|sctp)(-nodeport)?(-sticky)?-((cluster|local|external)-[0-9]+|external-local-[0-9]+-[0-9]+)$/;

/** Whether a name is one that {@link dispatchChainName} gives. */
export function isDispatchChainName(name: string): boolean {
  return namePattern.test(name);
}

/** The chain itself. */
export function planDispatchChain(chain: DispatchChain, context: FixedContext): Chain {
  return { name: dispatchChainName(chain), rules: rulesOf(chain, context) };
}

/** The chains that this one goes to. */
function dispatchTargets(chain: DispatchChain): DispatchChain[] {
  switch (chain.entry) {
    case 'cluster':
    case 'local':
      return chain.sticky ? [{ ...chain, sticky: false }] : [];
    case 'external':
      return [clusterOf(chain)];
    case 'external-local':
      return [clusterOf(chain), ...(chain.localCount > 0 ? [localOf(chain)] : [])];
  }
}

function rulesOf(chain: DispatchChain, context: FixedContext): Rule[] {
  switch (chain.entry) {
    case 'cluster':
    case 'local':
      return chain.sticky ? stickyRules(chain) : [pickRule(chain, chain.entry)];
    case 'external':
      return externalRules(dispatchChainName(clusterOf(chain)), context);
    case 'external-local': {
      const localChain = chain.localCount > 0 ? dispatchChainName(localOf(chain)) : undefined;
      return externalLocalRules(dispatchChainName(clusterOf(chain)), localChain, context);
    }
  }
}

/** dnat ip to ip daddr . tcp dport . numgen random mod 2 map @tcp-endpoints */
function pickRule(chain: DispatchChain, scope: 'cluster' | 'local'): Rule {
  const { protocol, frontend } = chain;
  const port = dportOf(protocol);
  const modulus = scope === 'local' ? chain.localCount : chain.clusterCount;
  const key = [...(frontend === 'address' ? [daddr] : []), port, { kind: 'numgen', modulus } as const];
  return [{ kind: 'dnat-map', protocol, key, map: endpointMapName({ protocol, frontend, scope }) }];
}

/** A missing pin ends the first rule, and the second picks. */
function stickyRules(chain: DispatchChain): Rule[] {
  const { protocol } = chain;
  const key = [saddr, daddr, dportOf(protocol)];
  return [
    [
      { kind: 'match', left: l4proto, right: protocol },
      { kind: 'dnat-map', protocol, key, map: pinMapName(protocol) },
    ],
    [{ kind: 'goto', chain: dispatchChainName({ ...chain, sticky: false }) }],
  ];
}

function clusterOf(chain: DispatchChain): DispatchChain {
  return { ...chain, entry: 'cluster', localCount: 0 };
}

function localOf(chain: DispatchChain): DispatchChain {
  return { ...chain, entry: 'local', clusterCount: 0 };
}

const entries = ['cluster', 'local', 'external', 'external-local'];

/** The chains given and all those that they go to, each once, targets before the chains that go to them. */
export function collectDispatchChains(needed: readonly (DispatchChain | undefined)[]): DispatchChain[] {
  const byName = new Map<string, DispatchChain>();
  const add = (chain: DispatchChain): void => {
    const name = dispatchChainName(chain);
    if (!byName.has(name)) {
      byName.set(name, chain);
      dispatchTargets(chain).forEach(add);
    }
  };
  for (const chain of needed) {
    if (chain) {
      add(chain);
    }
  }
  return [...byName.values()].sort((a, b) => compareRanks(rankOf(a), rankOf(b)));
}

/** Picks come before the pins that fall back to them, and both before external entries. */
function rankOf({ protocol, frontend, entry, sticky, clusterCount, localCount }: DispatchChain): number[] {
  const isEntry = entry === 'external' || entry === 'external-local';
  return [
    protocols.indexOf(protocol),
    frontend === 'address' ? 0 : 1,
    isEntry ? 1 : 0,
    sticky ? 1 : 0,
    entries.indexOf(entry),
    clusterCount,
    localCount,
  ];
}

function compareRanks(a: readonly number[], b: readonly number[]): number {
  const index = a.findIndex((rank, position) => rank !== b[position]);
  return index < 0 ? 0 : (a[index] ?? 0) - (b[index] ?? 0);
}

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
