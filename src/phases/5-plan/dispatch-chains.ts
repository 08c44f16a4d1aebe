import { protocols } from '../../net/network.ts';
import { daddr, dportOf } from '../../nft/expressions.ts';
import type { Chain, Rule } from '../../nft/ruleset.ts';
import type { DispatchChain, PlanContext } from './fragment.ts';
import { externalLocalRules, externalRules } from './masquerade.ts';
import { endpointMapName } from './names.ts';
import { followPinRule } from './shared-affinity.ts';

/** `tcp-cluster-3`, `udp-nodeport-external-local-3-1`, `tcp-sticky-cluster-2`. */
export function dispatchChainName(chain: DispatchChain): string {
  const { protocol, frontend, entry, clusterCount, localCount, affinity } = chain;
  const counts = {
    cluster: clusterCount,
    local: localCount,
    external: clusterCount,
    'external-local': `${clusterCount}-${localCount}`,
  };
  return `${protocol}${frontend === 'nodeport' ? '-nodeport' : ''}${affinity ? '-sticky' : ''}-${entry}-${counts[entry]}`;
}

/** The chain itself. */
export function planDispatchChain(chain: DispatchChain, context: PlanContext): Chain {
  return { name: dispatchChainName(chain), rules: rulesOf(chain, context) };
}

/** The chains that this one goes to. */
function dispatchTargets(chain: DispatchChain): DispatchChain[] {
  switch (chain.entry) {
    case 'cluster':
    case 'local':
      return chain.affinity ? [withoutAffinity(chain)] : [];
    case 'external':
      return [clusterOf(chain)];
    case 'external-local':
      return [clusterOf(chain), ...(chain.localCount > 0 ? [localOf(chain)] : [])];
  }
}

function rulesOf(chain: DispatchChain, context: PlanContext): Rule[] {
  switch (chain.entry) {
    case 'cluster':
    case 'local':
      return chain.affinity
        ? [followPinRule(chain.protocol), [{ kind: 'goto', chain: dispatchChainName(withoutAffinity(chain)) }]]
        : [pickRule(chain, chain.entry)];
    case 'external':
      return externalRules(dispatchChainName(clusterOf(chain)), context);
    case 'external-local': {
      const localChain = chain.localCount > 0 ? dispatchChainName(localOf(chain)) : undefined;
      return externalLocalRules(dispatchChainName(clusterOf(chain)), localChain, context);
    }
  }
}

/** `dnat ip to ip daddr . tcp dport . numgen random mod 2 map @tcp-endpoints` */
function pickRule(chain: DispatchChain, scope: 'cluster' | 'local'): Rule {
  const { protocol, frontend } = chain;
  const port = dportOf(protocol);
  const modulus = scope === 'local' ? chain.localCount : chain.clusterCount;
  const key = [...(frontend === 'address' ? [daddr] : []), port, { kind: 'numgen', modulus } as const];
  return [{ kind: 'dnat-map', protocol, key, map: endpointMapName({ protocol, frontend, scope }) }];
}

function withoutAffinity(chain: DispatchChain): DispatchChain {
  return { ...chain, affinity: false };
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

/** Picks come before the affinity chains that fall back to them, and both before external entries. */
function rankOf({ protocol, frontend, entry, affinity, clusterCount, localCount }: DispatchChain): number[] {
  const isExternal = entry === 'external' || entry === 'external-local';
  return [
    protocols.indexOf(protocol),
    frontend === 'address' ? 0 : 1,
    isExternal ? 1 : 0,
    affinity ? 1 : 0,
    entries.indexOf(entry),
    clusterCount,
    localCount,
  ];
}

function compareRanks(a: readonly number[], b: readonly number[]): number {
  const index = a.findIndex((rank, position) => rank !== b[position]);
  return index < 0 ? 0 : (a[index] ?? 0) - (b[index] ?? 0);
}
