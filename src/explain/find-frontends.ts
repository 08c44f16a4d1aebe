import type { NodeView, ServicePort } from '../phases/3-model/model.ts';
import { displayName, elementComment } from '../phases/5-plan/names.ts';
import type { Packet } from '../walk/fate.ts';

/** A service port, and as what of it the packet's destination counts. */
export interface FrontendMatch {
  readonly servicePort: ServicePort;
  readonly kind: 'clusterIP' | 'load balancer IP' | 'externalIP' | 'node port';
}

/** Where a packet is bound. */
export type Destination = Pick<Packet, 'destination' | 'protocol' | 'port'>;

/**
 * All service ports that want packets to this destination, the one first that the rules gave it to.
 *
 * @param owner how the rules name that one; undefined where they know none.
 */
export function findFrontends(
  { servicePorts }: NodeView,
  destination: Destination,
  { owner, localAddresses }: { readonly owner: string | undefined; readonly localAddresses: readonly string[] },
): FrontendMatch[] {
  const isNodes = localAddresses.includes(destination.destination);
  const matches = servicePorts.flatMap((servicePort) => matchesOf(servicePort, destination, isNodes));
  const isOwner = ({ servicePort }: FrontendMatch): boolean => elementComment(displayName(servicePort)) === owner;
  return [...matches.filter(isOwner), ...matches.filter((match) => !isOwner(match))];
}

function matchesOf(
  servicePort: ServicePort,
  { destination, protocol, port }: Destination,
  isNodes: boolean,
): FrontendMatch[] {
  if (servicePort.protocol !== protocol) {
    return [];
  }
  const kinds = servicePort.port === port ? kindsOf(servicePort, destination) : [];
  if (isNodes && servicePort.nodePort === port) {
    kinds.push('node port');
  }
  return kinds.map((kind) => ({ servicePort, kind }));
}

/** As what of a Service an address counts, whatever the port. */
export function kindsOf(
  { clusterIP, loadBalancerIPs, externalIPs }: ServicePort,
  address: string,
): FrontendMatch['kind'][] {
  return [
    ...(clusterIP === address ? (['clusterIP'] as const) : []),
    ...(loadBalancerIPs.includes(address) ? (['load balancer IP'] as const) : []),
    ...(externalIPs.includes(address) ? (['externalIP'] as const) : []),
  ];
}
