/** Which names in a table may come from this compiler, and what they say: the only file that reads names back. */

import { parseAddress } from '../../net/address.ts';
import { type EndpointAddress, protocols } from '../../net/network.ts';
import { hooksOfBaseChains } from './base-chains.ts';
import { dispatchChainName } from './dispatch-chains.ts';
import type { AffinityGroup, DispatchChain } from './fragment.ts';
import { readKubeProxyName } from './kube-proxy-names.ts';
import {
  affinitySetName,
  chainNames,
  endpointMapName,
  type PathParts,
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
  return knownSets.has(name) || readAffinitySetName(name) !== undefined || isPerEndpoint(name);
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

/** The service ports whose affinity set has this name, one for each timeout; undefined for any other name. */
export function readAffinitySetName(name: string): AffinityGroup | undefined {
  const seconds = Number(/\d+$/.exec(name)?.[0]);
  const groups = protocols.flatMap((protocol) => schemes.map((frontend) => ({ protocol, frontend, seconds })));
  return groups.find(({ protocol, frontend }) => affinitySetName(protocol, frontend, seconds) === name);
}

/** Only affinity per endpoint (IPv6 with an old nft) has sets and chains with slashes in their names. */
function isPerEndpoint(name: string): boolean {
  return name.includes('/');
}

const dispatchPattern =
  /^(?<protocol>tcp|udp|sctp)(?<nodePort>-nodeport)?(?<sticky>-sticky)?-(?:(?<entry>cluster|local|external)-(?<count>[0-9]+)|external-local-(?<cluster>[0-9]+)-(?<local>[0-9]+))$/;

/** Whether a name is one that dispatchChainName returns. */
export function isDispatchChainName(name: string): boolean {
  return dispatchPattern.test(name);
}

/** The chain of which dispatchChainName returns this name; undefined for any other name. */
export function readDispatchChainName(name: string): DispatchChain | undefined {
  const parts = dispatchPattern.exec(name)?.groups;
  const protocol = protocols.find((one) => one === parts?.['protocol']);
  if (!parts || !protocol) {
    return undefined;
  }
  const { entry = 'external-local', count, cluster = count, local = count } = parts;
  const chain: DispatchChain = {
    protocol,
    frontend: parts['nodePort'] ? 'nodeport' : 'address',
    entry: entry as DispatchChain['entry'],
    clusterCount: entry === 'local' ? 0 : Number(cluster),
    localCount: entry === 'local' || entry === 'external-local' ? Number(local) : 0,
    affinity: parts['sticky'] !== undefined,
  };
  return dispatchChainName(chain) === name ? chain : undefined;
}

/** What the name of a chain or set of affinity per endpoint says. */
export interface PerEndpointName {
  readonly prefix: string;
  /** Equal for all that belong to one service port. */
  readonly path: string;
  readonly servicePort: PathParts;
  /** Only in names of a single endpoint. */
  readonly endpoint: EndpointAddress | undefined;
}

/** Reads a name of affinity per endpoint, over IPv6; undefined for any other name. */
export function readPerEndpointName(name: string): PerEndpointName | undefined {
  const prefix = Object.values(perEndpointPrefixes).find((one) => name.startsWith(one));
  const [path = '', place] = name.slice(prefix?.length).split('__');
  const [namespace = '', service = '', protocol = '', portName = '', ...rest] = path.split('/');
  const isKnown = prefix !== undefined && protocol !== '' && rest.length === 0;
  const servicePort = { namespace, name: service, protocol, portName };
  return isKnown ? { prefix, path, servicePort, endpoint: readEndpoint(place) } : undefined;
}

/** Reads `fd00..1/8080`; the last dots may be those of an IPv4 address. */
function readEndpoint(place = ''): EndpointAddress | undefined {
  const [text = '', port] = place.split('/');
  const spellings = [text.replaceAll('.', ':'), text.replace(/\.(?=.*\.\d+\.\d+\.\d+$)/g, ':')];
  const address = spellings.find((one) => parseAddress(one)?.text === one);
  return address === undefined ? undefined : { address, port: Number(port) };
}

/** Whether an endpoint map has the endpoints of this node only. */
export function isLocalMapName(name: string): boolean {
  return localMaps.has(name);
}

/** Whether a chain of affinity per endpoint, or of kube-proxy, picks from the endpoints of this node only. */
export function isLocalChainName(name: string): boolean {
  return name.startsWith(perEndpointPrefixes.localChain) || readKubeProxyName(name)?.prefix === 'local';
}

/** Whether a set has the clients of one endpoint, for affinity per endpoint or in a table of kube-proxy. */
export function isClientSetName(name: string): boolean {
  return name.startsWith(perEndpointPrefixes.clientSet) || readKubeProxyName(name)?.prefix === 'affinity';
}
