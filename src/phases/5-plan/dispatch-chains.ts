import { daddr, dportOf, l4proto, saddr } from './expressions.ts';
import { externalLocalRules, externalRules } from './external-rules.ts';
import type { FixedContext } from './fixed-chains.ts';
import { type EndpointList, endpointMapName, pinMapName } from './names.ts';
import type { Chain, Rule } from './ruleset.ts';

/**
 * A chain that a frontend's verdict goes to. It belongs to no Service but to all with the same numbers of endpoints:
 * the packet's own address and port choose the Service's elements in the map.
 */
export interface DispatchChain extends Omit<EndpointList, 'scope'> {
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
export function dispatchTargets(chain: DispatchChain): DispatchChain[] {
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
