import { firstOf } from '../lib/heap.ts';
import type { EndpointAddress, Family } from '../net/network.ts';
import type { ServicePort } from '../phases/3-model/model.ts';
import { selectEndpoints } from '../phases/4-select/select-endpoints.ts';
import type { FamilyState } from './family-state.ts';
import type { Handover } from './replace-services.ts';

/** A node port of TCP at a loopback address, which rules cannot serve (localhostNodePorts). */
export interface LocalhostPort {
  readonly family: Family;
  readonly port: number;
  /** Undefined when no Service has the port any more, or the one that has it lacks endpoints. */
  readonly target: LocalhostTarget | undefined;
}

/** Where connections to such a port go. */
export interface LocalhostTarget extends Pick<ServicePort, 'namespace' | 'name' | 'portName' | 'affinitySeconds'> {
  /** Those for policy Cluster, or those of this node with externalTrafficPolicy Local, as in kube-proxy; never empty. */
  readonly endpoints: readonly EndpointAddress[];
}

/** Which node ports of TCP may have changed, in families where an agent serves them at loopback addresses. */
export interface LocalhostPortTracker {
  /** Takes note of claims that changed. */
  note(state: Pick<FamilyState, 'settings'>, handovers: readonly Handover[]): void;
  /** Those noted since the last call, as they are now. */
  take(families: ReadonlyMap<Family, ClaimedPorts>): readonly LocalhostPort[];
}

type ClaimedPorts = Pick<FamilyState, 'settings' | 'claims'>;

/** Those of a node without Services. */
export function trackLocalhostPorts(): LocalhostPortTracker {
  const noted = new Map<Family, Set<number>>();
  return {
    note: ({ settings }, handovers) => {
      if (settings?.localhostNodePorts !== 'served') {
        return;
      }
      const ports = noted.get(settings.family) ?? new Set();
      noted.set(settings.family, ports);
      for (const { before, after } of handovers) {
        const claim = after ?? before;
        if (claim?.kind === 'NodePort' && claim.servicePort.protocol === 'tcp') {
          ports.add(claim.servicePort.nodePort);
        }
      }
    },
    take: (families) => {
      const taken = [...noted].flatMap(([family, ports]) =>
        [...ports].map((port): LocalhostPort => ({ family, port, target: targetOf(port, families.get(family)) })),
      );
      noted.clear();
      return taken;
    },
  };
}

/** The target of the Service that holds the port, if several claim it. */
function targetOf(port: number, state: ClaimedPorts | undefined): LocalhostTarget | undefined {
  const claim = firstOf(state?.claims.get(`tcp . ${port}`));
  if (!claim || !state?.settings) {
    return undefined;
  }
  const { servicePort } = claim;
  const { namespace, name, portName, affinitySeconds } = servicePort;
  const { cluster, local } = selectEndpoints(servicePort, state.settings);
  const endpoints = servicePort.externalPolicy === 'Local' ? local : cluster;
  return endpoints.length === 0
    ? undefined
    : {
        ...{ namespace, name, portName, affinitySeconds },
        endpoints: endpoints.map(({ endpointAddress }) => endpointAddress),
      };
}
