import { fullName, nameOf, ofKind } from '../control-plane/object-names.ts';
import { isPodReady, isPodTerminating, podAddresses } from '../kubernetes/pods.ts';
import { isMapping, listIn, type Mapping, mappingIn, textIn } from '../lib/unknown-values.ts';
import { listBalancedAddresses } from './load-balancer.ts';
import type { Lab } from './open-lab.ts';

/** What a lab is now. */
export interface LabDescription {
  readonly nodes: readonly {
    readonly name: string;
    readonly zone: string;
    readonly addresses: readonly string[];
    readonly isSchedulable: boolean;
  }[];
  readonly pods: readonly PodDescription[];
  readonly services: readonly {
    readonly name: string;
    readonly type: string;
    /** `None` for a headless one; a name for ExternalName. */
    readonly addresses: readonly string[];
    readonly external: readonly string[];
    /** `80/TCP`, with a node port `80:30080/TCP`. */
    readonly ports: readonly string[];
  }[];
  /** The nodes that each address of a load balancer uses. */
  readonly loadBalancer: readonly {
    readonly address: string;
    readonly service: string;
    readonly mode: string;
    readonly nodes: readonly string[];
  }[];
}

interface PodDescription {
  readonly name: string;
  readonly node: string;
  readonly addresses: readonly string[];
  readonly state: 'ready' | 'not ready' | 'terminating' | 'dead';
  readonly hostNetwork: boolean;
}

/** Describes a lab, in the order of its objects. */
export function describeLab({ objects, hosts, balancer, nodes }: Lab): LabDescription {
  const isRunning = (name: string): boolean => hosts.get(name)?.process.isRunning() === true;
  return {
    nodes: ofKind(objects(), 'Node').flatMap((node) => {
      const member = nodes.get(nameOf(node));
      const isSchedulable = mappingIn(node, 'spec')['unschedulable'] !== true;
      return member ? [{ ...pick(member.state), isSchedulable }] : [];
    }),
    pods: ofKind(objects(), 'Pod').map((pod) => describePod(pod, isRunning)),
    services: ofKind(objects(), 'Service').map(describeService),
    loadBalancer: balancer.status(),
  };
}

function pick({ name, zone, addresses }: { name: string; zone: string; addresses: readonly string[] }) {
  return { name, zone, addresses };
}

function describePod(pod: Mapping, isRunning: (name: string) => boolean): PodDescription {
  const [spec, status] = [mappingIn(pod, 'spec'), mappingIn(pod, 'status')];
  const name = fullName(pod);
  const ready = isPodReady(pod) ? 'ready' : 'not ready';
  const living = isPodTerminating(pod) ? 'terminating' : ready;
  const hostNetwork = spec['hostNetwork'] === true;
  // A lab leaves Pods out whose names or addresses it cannot use.
  const isDead = isPodReady(pod) && !hostNetwork && !isRunning(name);
  return {
    name,
    node: textIn(spec, 'nodeName'),
    addresses: podAddresses(status),
    state: isDead ? 'dead' : living,
    hostNetwork,
  };
}

function describeService(service: Mapping): LabDescription['services'][number] {
  const spec = mappingIn(service, 'spec');
  const type = textIn(spec, 'type') || 'ClusterIP';
  const clusterIPs = listIn(spec, 'clusterIPs').length > 0 ? listIn(spec, 'clusterIPs') : [spec['clusterIP']];
  const addresses = type === 'ExternalName' ? [spec['externalName']] : clusterIPs;
  return {
    name: fullName(service),
    type,
    addresses: addresses.map(String),
    external: listBalancedAddresses([service]).map(({ address }) => address),
    ports: listIn(spec, 'ports').filter(isMapping).map(portText),
  };
}

function portText({ port, nodePort, protocol }: Mapping): string {
  const node = typeof nodePort === 'number' && nodePort > 0 ? `:${nodePort}` : '';
  return `${String(port)}${node}/${typeof protocol === 'string' ? protocol : 'TCP'}`;
}
