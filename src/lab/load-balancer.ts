/** The load balancer of a lab: which addresses it has, and to which nodes it sends what. */

import { isLabel } from '../dns/dns-names.ts';
import { namespaceOf } from '../kubernetes/services.ts';
import { isMapping, listIn, type Mapping, mappingIn, textIn } from '../lib/unknown-values.ts';
import { canonicalAddress, familyOfAddress, isHostAddress } from '../net/address.ts';
import { type Family, isPortNumber } from '../net/network.ts';
import type { LabNode } from './plan-lab.ts';

/** Where kube-proxy serves its health: load balancers ask there about Services that any node serves. */
export const healthzPort = 10_256;

/** An address outside of the cluster that leads to Services. */
export interface BalancedAddress {
  readonly address: string;
  readonly service: string;
  /** `VIP`: nodes see the address itself. `Proxy`: connections go to node ports. `external`: one of spec.externalIPs, routed to nodes. */
  readonly mode: 'VIP' | 'Proxy' | 'external';
  readonly ports: readonly BalancedPort[];
  /** The port where nodes say whether they accept connections; 0 for addresses without health checks. */
  readonly healthCheckPort: number;
}

interface BalancedPort {
  readonly protocol: 'tcp' | 'udp';
  readonly port: number;
  /** 0 for none. */
  readonly nodePort: number;
}

/** All addresses of load balancers, and external IPs, each once. */
export function listBalancedAddresses(services: readonly Mapping[]): BalancedAddress[] {
  const found = new Map<string, BalancedAddress>();
  for (const one of services.flatMap(addressesOf)) {
    const known = found.get(one.address);
    found.set(one.address, known ? { ...known, ports: [...known.ports, ...one.ports] } : one);
  }
  return [...found.values()];
}

function addressesOf(service: Mapping): BalancedAddress[] {
  const [metadata, spec] = [mappingIn(service, 'metadata'), mappingIn(service, 'spec')];
  const [namespace, name] = [namespaceOf(metadata), textIn(metadata, 'name')];
  if (!isLabel(namespace) || !isLabel(name)) {
    return [];
  }
  const ports = listIn(spec, 'ports').filter(isMapping).flatMap(readPort);
  const common = { service: `${namespace}/${name}`, ports };
  const ingress = listIn(mappingIn(mappingIn(service, 'status'), 'loadBalancer'), 'ingress').filter(isMapping);
  const isLocal = textIn(spec, 'externalTrafficPolicy') === 'Local';
  const healthCheckPort = isLocal ? numberIn(spec, 'healthCheckNodePort') : healthzPort;
  const balanced = textIn(spec, 'type') === 'LoadBalancer' ? ingress : [];
  return [
    ...balanced.flatMap(({ ip, ipMode }): BalancedAddress[] =>
      readAddress(ip).map((address) => ({
        ...{ ...common, address, healthCheckPort },
        mode: ipMode === 'Proxy' ? 'Proxy' : 'VIP',
      })),
    ),
    ...listIn(spec, 'externalIPs').flatMap((text): BalancedAddress[] =>
      readAddress(text).map((address) => ({ ...common, address, mode: 'external', healthCheckPort: 0 })),
    ),
  ];
}

function readPort(port: Mapping): BalancedPort[] {
  const protocol = (textIn(port, 'protocol') || 'TCP').toLowerCase();
  const number = numberIn(port, 'port');
  return number > 0 && (protocol === 'tcp' || protocol === 'udp')
    ? [{ protocol, port: number, nodePort: numberIn(port, 'nodePort') }]
    : [];
}

function numberIn(parent: Mapping, field: string): number {
  const value = parent[field];
  return typeof value === 'number' && isPortNumber(value) ? value : 0;
}

function readAddress(text: unknown): string[] {
  const address = typeof text === 'string' ? canonicalAddress(text.trim()) : undefined;
  return address !== undefined && isHostAddress(address) ? [address] : [];
}

/** Keeps load balancers away from a node (Service controller). */
const exclusionLabel = 'node.kubernetes.io/exclude-from-external-load-balancers';

/** The names of nodes that load balancers may use, as the Service controller tells them. */
export function balancedNodes(nodes: readonly Mapping[], known: readonly LabNode[]): LabNode[] {
  const excluded = new Set(
    nodes
      .map((node) => mappingIn(node, 'metadata'))
      .filter(
        (metadata) =>
          exclusionLabel in mappingIn(metadata, 'labels') || (metadata['deletionTimestamp'] ?? null) !== null,
      )
      .map((metadata) => textIn(metadata, 'name')),
  );
  return known.filter(({ name, isReady }) => isReady && !excluded.has(name));
}

/** A node that takes connections, by its number in the lab. */
export interface NextHop {
  readonly number: number;
  readonly address: string;
}

/** The address of a node in a family, if it has one. */
export function nextHopOf({ addresses }: LabNode, number: number, family: Family): NextHop[] {
  const address = addresses.find((one) => familyOfAddress(one) === family);
  return address === undefined ? [] : [{ number, address }];
}
