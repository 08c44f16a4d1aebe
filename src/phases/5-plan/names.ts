/**
 * Every name in the ruleset. nft wants a letter first, then letters, digits and `/ . _ -`, at most 255 bytes: namespaces
 * and Services are DNS labels of at most 63, so the longest name below has 252. Only known-names.ts reads names back.
 */

import { type Protocol, protocols } from '../../net/network.ts';
import type { KnownNames } from '../../nft/listed-table.ts';
import type { Endpoint, FrontendKind, ServicePort } from '../3-model/model.ts';

/** The comment of every table that svc2nft creates. */
export const tableComment = 'Kubernetes Services, by svc2nft';

/** The fixed names of sets and maps. */
export const setNames = {
  clusterIps: 'cluster-ips',
  serviceCidrs: 'service-cidrs',
  nodePortIps: 'nodeport-ips',
  hairpinConnections: 'hairpin-connections',
  serviceIps: 'service-ips',
  serviceNodePorts: 'service-nodeports',
  noEndpointServices: 'no-endpoint-services',
  noEndpointNodePorts: 'no-endpoint-nodeports',
  localhostNodePorts: 'localhost-nodeports',
  firewallIps: 'firewall-ips',
  firewallSources: 'firewall-sources',
} as const;

/** The fixed names of chains. */
export const chainNames = {
  services: 'services',
  firewallCheck: 'firewall-check',
  incomingRefusals: 'incoming-refusals',
  outgoingRefusals: 'outgoing-refusals',
  rejectChain: 'reject-chain',
  pin: 'pin',
} as const;

/**
 * How sets and maps identify a frontend: cluster, load balancer and external IPs by address and port, node ports by the
 * port alone.
 */
export type FrontendScheme = 'address' | 'nodeport';

/** Identifies an endpoint map. */
export interface EndpointMapKey {
  readonly protocol: Protocol;
  readonly frontend: FrontendScheme;
  readonly scope: 'cluster' | 'local';
}

/** The map from frontend and index to endpoint: `tcp-endpoints`, `udp-nodeport-local-endpoints`. */
export function endpointMapName({ protocol, frontend, scope }: EndpointMapKey): string {
  return `${protocol}${frontend === 'nodeport' ? '-nodeport' : ''}${scope === 'local' ? '-local' : ''}-endpoints`;
}

/** What the readers of rulesets cannot learn from every nft. */
export const knownNames: KnownNames = {
  tableComment,
  mapProtocols: new Map(
    protocols.flatMap((protocol) =>
      (['address', 'nodeport'] as const).flatMap((frontend) =>
        (['cluster', 'local'] as const).map((scope) => [endpointMapName({ protocol, frontend, scope }), protocol]),
      ),
    ),
  ),
};

/** The map from client, frontend address and port to the client's endpoint. */
export function pinMapName(protocol: Protocol): string {
  return `${protocol}-pins`;
}

/** The same pins as a set, which rules can compare with a packet. */
export function pinSetName(protocol: Protocol): string {
  return `${protocol}-pinned`;
}

/** The set of frontends and endpoints with ClientIP affinity of one timeout: what may be pinned. */
export function affinitySetName(protocol: Protocol, frontend: FrontendScheme, seconds: number): string {
  return `${protocol}${frontend === 'nodeport' ? '-nodeport' : ''}-sticky-${seconds}`;
}

/** How the pins of all protocols know a frontend: `tcp 10.96.0.1 . 80`, `udp 30053`. */
export function pinKeyOf(protocol: string, endpointKey: string): string {
  return `${protocol} ${endpointKey}`;
}

/** The chain that writes and deletes the pins of one protocol. */
export function pinChainName(protocol: Protocol): string {
  return `${chainNames.pin}-${protocol}`;
}

/** What the path of a service port consists of. */
export type PathParts = Pick<ServicePort, 'namespace' | 'name' | 'portName'> & { readonly protocol: string };

/** `namespace/name/protocol/port`, with nothing after the last slash for an unnamed port. */
function servicePortPath({ namespace, name, protocol, portName }: PathParts): string {
  return `${namespace}/${name}/${protocol}/${portName}`;
}

function endpointPath(servicePort: PathParts, { endpointAddress: { address, port } }: NamedEndpoint): string {
  // A colon ends a name in nft.
  return `${servicePortPath(servicePort)}__${address.replaceAll(':', '.')}/${port}`;
}

/** What an endpoint's names say of it. */
export type NamedEndpoint = Pick<Endpoint, 'endpointAddress'>;

/** How the names of affinity per endpoint begin. */
export const perEndpointPrefixes = {
  clusterChain: 'sticky-cluster/',
  localChain: 'sticky-local/',
  externalChain: 'sticky-external/',
  endpointChain: 'endpoint/',
  clientSet: 'pinned/',
} as const;

/** Names of affinity per endpoint: chains of a service port, and a chain and a set for each endpoint. */
export const perEndpointNames = {
  clusterChain: (servicePort: PathParts): string =>
    `${perEndpointPrefixes.clusterChain}${servicePortPath(servicePort)}`,
  localChain: (servicePort: PathParts): string => `${perEndpointPrefixes.localChain}${servicePortPath(servicePort)}`,
  externalChain: (servicePort: PathParts): string =>
    `${perEndpointPrefixes.externalChain}${servicePortPath(servicePort)}`,
  endpointChain: (servicePort: PathParts, endpoint: NamedEndpoint): string =>
    `${perEndpointPrefixes.endpointChain}${endpointPath(servicePort, endpoint)}`,
  clientSet: (servicePort: PathParts, endpoint: NamedEndpoint): string =>
    `${perEndpointPrefixes.clientSet}${endpointPath(servicePort, endpoint)}`,
} as const;

/** `namespace/name:port`, or `namespace/name` for an unnamed port: the name of a service port in output and comments. */
export function displayName({ namespace, name, portName }: ServicePort): string {
  return portName === '' ? `${namespace}/${name}` : `${namespace}/${name}:${portName}`;
}

const kindTexts: Readonly<Record<FrontendKind, string>> = {
  ClusterIP: 'cluster IP',
  LoadBalancer: 'load balancer IP',
  ExternalIP: 'external IP',
  NodePort: 'node port',
};

/** A frontend's kind in a sentence: `cluster IP`, `load balancer IP`, `external IP`, `node port`. */
export function frontendKindText(kind: FrontendKind): string {
  return kindTexts[kind];
}

/** An element's comment; nft refuses a whole transaction for one of more than 128 bytes. Names are ASCII. */
export function elementComment(text: string): string {
  return text.slice(0, 128);
}
