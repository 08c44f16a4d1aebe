import { isMapping } from '../mapping.ts';
import type { ChainFact } from './facts.ts';

/** The chains that `nft -j list chains` printed; undefined when it printed something else. */
export function readChains(text: string): readonly ChainFact[] | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const objects = isMapping(json) ? json['nftables'] : undefined;
  if (!Array.isArray(objects)) {
    return undefined;
  }
  return objects.map(readChain).filter((chain) => chain !== undefined);
}

/** The chains that `iptables-save` printed of a table: `:FORWARD DROP [0:0]`, or `:KUBE-SERVICES - [0:0]`. */
export function readSavedChains(text: string, family: 'ip' | 'ip6', table: string): readonly ChainFact[] {
  return [...text.matchAll(/^:(\S+) (\S+)/gm)].map(([, name = '', policy = '-']) => {
    const isBase = policy !== '-';
    return {
      family,
      table,
      name,
      ...(isBase && {
        type: table === 'nat' ? 'nat' : 'filter',
        hook: name.toLowerCase(),
        policy: policy.toLowerCase(),
      }),
      legacy: true as const,
    };
  });
}

function readChain(object: unknown): ChainFact | undefined {
  const chain = isMapping(object) ? object['chain'] : undefined;
  if (!isMapping(chain)) {
    return undefined;
  }
  const { family, table, name, type, hook, policy } = chain;
  if (typeof family !== 'string' || typeof table !== 'string' || typeof name !== 'string') {
    return undefined;
  }
  return {
    family,
    table,
    name,
    ...(typeof type === 'string' && { type }),
    ...(typeof hook === 'string' && { hook }),
    ...(typeof policy === 'string' && { policy }),
  };
}
