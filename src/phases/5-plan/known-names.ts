/** Which names in a table may come from this compiler, and what they say: the only file that reads names back. */

import { protocols } from '../../net/network.ts';
import { hooksOfBaseChains } from './base-chains.ts';
import {
  affinitySetName,
  chainNames,
  endpointMapName,
  perEndpointPrefixes,
  pinChainName,
  pinMapName,
  pinSetName,
  setNames,
} from './names.ts';

/** Whether a chain of this name may come from this compiler. */
export function isKnownChain(name: string): boolean {
  return knownChains.has(name) || isDispatchChainName(name) || isPerEndpoint(name);
}

/** Whether a set or map of this name may come from this compiler. */
export function isKnownSet(name: string): boolean {
  return knownSets.has(name) || isAffinitySet(name) || isPerEndpoint(name);
}

const schemes = ['address', 'nodeport'] as const;

const localMaps: ReadonlySet<string> = new Set(
  protocols.flatMap((protocol) => schemes.map((frontend) => endpointMapName({ protocol, frontend, scope: 'local' }))),
);

const knownChains: ReadonlySet<string> = new Set([
  ...Object.values(chainNames),
  ...hooksOfBaseChains.keys(),
  ...protocols.map(pinChainName),
]);

const knownSets: ReadonlySet<string> = new Set([
  ...Object.values(setNames),
  ...localMaps,
  ...protocols.flatMap((protocol) => [
    pinMapName(protocol),
    pinSetName(protocol),
    ...schemes.map((frontend) => endpointMapName({ protocol, frontend, scope: 'cluster' })),
  ]),
]);

/** One for each timeout. */
function isAffinitySet(name: string): boolean {
  const seconds = Number(/\d+$/.exec(name)?.[0]);
  return protocols.some((protocol) =>
    schemes.some((frontend) => affinitySetName(protocol, frontend, seconds) === name),
  );
}

/** Only affinity per endpoint (IPv6 with an old nft) has sets and chains with slashes in their names. */
function isPerEndpoint(name: string): boolean {
  return name.includes('/');
}

const dispatchPattern =
  /^(tcp|udp|sctp)(-nodeport)?(-sticky)?-((cluster|local|external)-[0-9]+|external-local-[0-9]+-[0-9]+)$/;

/** Whether a name is one that dispatchChainName returns. */
export function isDispatchChainName(name: string): boolean {
  return dispatchPattern.test(name);
}

/** Whether an endpoint map has the endpoints of this node only. */
export function isLocalMapName(name: string): boolean {
  return localMaps.has(name);
}

/** Whether a chain of affinity per endpoint picks from the endpoints of this node only. */
export function isLocalChainName(name: string): boolean {
  return name.startsWith(perEndpointPrefixes.localChain);
}

/** Whether a set has the clients of one endpoint, for affinity per endpoint. */
export function isClientSetName(name: string): boolean {
  return name.startsWith(perEndpointPrefixes.clientSet);
}
