import { protocols } from '../../protocols.ts';
import { type DispatchChain, dispatchChainName, dispatchTargets } from './dispatch-chains.ts';

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
