/**
 * The declarations of all sets and maps. Endpoint maps are one per protocol because nft needs the protocol of a port
 * to know the type of a key that also holds a random index; nft 1.0.6 takes `th dport` there and then refuses the rules.
 */

import type { Protocol } from '../../net/network.ts';
import type { KeyType, SetDeclaration } from '../../nft/ruleset.ts';
import { type EndpointMapKey, endpointMapName, pinMapName, pinSetName, setNames, stickySetName } from './names.ts';

const frontend: readonly KeyType[] = ['address', 'protocol', 'port'];
const nodePort: readonly KeyType[] = ['protocol', 'port'];

/** Clients that may be pinned at one time, over all Services of a protocol; the kernel allocates as they come. */
const pinCapacity = 1_048_576;

/** Cluster IPs of all Services, served or not. */
export const clusterIps: SetDeclaration = {
  name: setNames.clusterIps,
  key: ['address'],
  comment: 'cluster IPs in use',
};

export const serviceCidrs: SetDeclaration = {
  name: setNames.serviceCidrs,
  key: ['address'],
  flags: ['interval'],
  comment: 'ranges that cluster IPs are taken from',
};

export const nodePortIps: SetDeclaration = {
  name: setNames.nodePortIps,
  key: ['address'],
  comment: 'addresses of this node that accept node ports',
};

export const hairpinConnections: SetDeclaration = {
  name: setNames.hairpinConnections,
  key: ['address', 'address', 'protocol', 'port'],
  comment: 'local endpoints that reach themselves',
};

export const serviceIps: SetDeclaration = {
  name: setNames.serviceIps,
  key: frontend,
  value: 'verdict',
  comment: 'cluster, load balancer and external IPs',
};

export const serviceNodePorts: SetDeclaration = {
  name: setNames.serviceNodePorts,
  key: nodePort,
  value: 'verdict',
  comment: 'node ports',
};

export const noEndpointServices: SetDeclaration = {
  name: setNames.noEndpointServices,
  key: frontend,
  value: 'verdict',
  comment: 'IPs to refuse for lack of endpoints',
};

export const noEndpointNodePorts: SetDeclaration = {
  name: setNames.noEndpointNodePorts,
  key: nodePort,
  value: 'verdict',
  comment: 'node ports to refuse for lack of endpoints',
};

export const firewallIps: SetDeclaration = {
  name: setNames.firewallIps,
  key: frontend,
  comment: 'load balancer IPs with source ranges',
};

export const firewallSources: SetDeclaration = {
  name: setNames.firewallSources,
  key: [...frontend, 'address'],
  flags: ['interval'],
  comment: 'sources that may use them',
};

/** What every ruleset declares, used or not, so that its fixed chains can name it. */
export const fixedSets: readonly SetDeclaration[] = [
  clusterIps,
  serviceCidrs,
  hairpinConnections,
  firewallIps,
  firewallSources,
  serviceIps,
  serviceNodePorts,
  noEndpointServices,
  noEndpointNodePorts,
];

/** Frontend and index -> endpoint. Asked for by every frontend, so each is made once. */
export function endpointMap({ protocol, frontend: kind, scope }: EndpointMapKey): SetDeclaration {
  return endpointMaps[protocol][kind][scope];
}

const endpointMaps = {
  tcp: endpointMapsOf('tcp'),
  udp: endpointMapsOf('udp'),
  sctp: endpointMapsOf('sctp'),
} as const;

function endpointMapsOf(protocol: Protocol) {
  const scopesOf = (kind: EndpointMapKey['frontend']) => ({
    cluster: declareEndpointMap({ protocol, frontend: kind, scope: 'cluster' }),
    local: declareEndpointMap({ protocol, frontend: kind, scope: 'local' }),
  });
  return { address: scopesOf('address'), nodeport: scopesOf('nodeport') };
}

function declareEndpointMap(list: EndpointMapKey): SetDeclaration {
  const { protocol, frontend: kind, scope } = list;
  const where = kind === 'nodeport' ? 'node port' : 'IP, port';
  return {
    name: endpointMapName(list),
    protocol,
    key: [...(kind === 'address' ? (['address'] as const) : []), 'port', 'index'],
    value: 'endpoint',
    comment: `${where} and index to ${scope === 'local' ? 'local endpoint' : 'endpoint'}`,
  };
}

/** Client and frontend -> endpoint, written by the chains of pin-chains.ts. */
export function pinMap(protocol: Protocol): SetDeclaration {
  return {
    name: pinMapName(protocol),
    key: ['address', 'address', 'port'],
    value: 'endpoint',
    flags: ['dynamic', 'timeout'],
    size: pinCapacity,
    comment: 'client, IP and port to the endpoint it keeps',
  };
}

/** The pins again, as a set: nft cannot compare a map's value with the packet. */
export function pinSet(protocol: Protocol): SetDeclaration {
  return {
    name: pinSetName(protocol),
    key: ['address', 'address', 'port', 'address', 'port'],
    flags: ['dynamic', 'timeout'],
    size: pinCapacity,
    comment: 'client, IP, port and the endpoint it keeps',
  };
}

/** Frontend and endpoint of all service ports with affinity of one timeout. */
export function stickySet(protocol: Protocol, kind: 'address' | 'nodeport', seconds: number): SetDeclaration {
  return {
    name: stickySetName(protocol, kind, seconds),
    key: [...(kind === 'address' ? (['address'] as const) : []), 'port', 'address', 'port'],
    comment: `${kind === 'nodeport' ? 'node ports' : 'IPs'} with ClientIP affinity of ${seconds} s, and their endpoints`,
  };
}
