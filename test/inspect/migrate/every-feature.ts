import type { Manifest } from '../../support/arbitrary-cluster.ts';
import { service, slice } from '../../support/small-cluster.ts';

const external = (spec: Manifest, address: string): [spec: Manifest, status: Manifest] => [
  { type: 'LoadBalancer', ...spec },
  { loadBalancer: { ingress: [{ ip: address }] } },
];
const ofExternal = (name: string, clusterIP: string, spec: Manifest, address: string): Manifest =>
  service(name, ...external({ clusterIP, ...spec }, address));

/** Endpoints of whom the slice does not say where they run. */
function unplaced(name: string, addresses: readonly string[]): Manifest {
  const { endpoints, ...rest } = slice(name, addresses) as { endpoints: Manifest[] };
  return { ...rest, endpoints: endpoints.map(({ nodeName: _, ...endpoint }) => endpoint) };
}

/** A cluster where every documented difference between proxies shows, each at a Service that is named for it. */
export const everyFeature: readonly Manifest[] = [
  {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'worker-1' },
    spec: { podCIDRs: ['10.244.1.0/24'] },
    status: { addresses: ['192.0.2.11', '198.51.100.11'].map((address) => ({ type: 'InternalIP', address })) },
  },
  {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'ServiceCIDR',
    metadata: { name: 'kubernetes' },
    spec: { cidrs: ['10.96.0.0/16'] },
  },
  service('plain', { clusterIP: '10.96.0.1' }),
  slice('plain', ['10.244.1.1', '10.244.2.1']),
  service('node-port', { clusterIP: '10.96.0.2', type: 'NodePort', ports: [{ port: 80, nodePort: 30002 }] }),
  slice('node-port', ['10.244.1.2', '10.244.2.2']),
  service('pinned', {
    clusterIP: '10.96.0.3',
    sessionAffinity: 'ClientIP',
    sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } },
  }),
  slice('pinned', ['10.244.1.3', '10.244.2.3']),
  service('dead-port', { clusterIP: '10.96.0.4', type: 'NodePort', ports: [{ port: 80, nodePort: 30004 }] }),
  ofExternal('dead-ranges', '10.96.0.5', { loadBalancerSourceRanges: ['203.0.113.0/25'] }, '198.18.0.5'),
  service('dead-external', { clusterIP: '10.96.0.6', externalIPs: ['198.19.0.6'] }),
  ofExternal(
    'local',
    '10.96.0.7',
    { externalTrafficPolicy: 'Local', healthCheckNodePort: 32007, ports: [{ port: 80, nodePort: 30007 }] },
    '198.18.0.7',
  ),
  slice('local', ['10.244.1.7', '10.244.2.7']),
  service('unplaced', { clusterIP: '10.96.0.8' }),
  unplaced('unplaced', ['10.244.1.8', '10.244.1.108']),
  // Its load balancer IP is the node's, and its port the node port of shop/node-port.
  ofExternal(
    'at-node',
    '10.96.0.9',
    { externalTrafficPolicy: 'Local', ports: [{ port: 30002, nodePort: 30009 }] },
    '192.0.2.11',
  ),
  slice('at-node', ['10.244.2.9']),
  // Its external IP is the cluster IP of shop/plain.
  service('at-cluster-ip', {
    clusterIP: '10.96.0.10',
    externalIPs: ['10.96.0.1'],
    externalTrafficPolicy: 'Local',
    ports: [{ port: 81 }],
  }),
  slice('at-cluster-ip', ['10.244.1.10']),
  // Its endpoint is a cluster IP that refuses the port.
  service('odd', { clusterIP: '10.96.0.11' }),
  slice('odd', ['10.96.0.1']),
  service('claims', { clusterIP: '10.96.0.12', externalIPs: ['198.19.0.12'] }),
  slice('claims', ['10.244.2.12']),
  service('claims-too', { clusterIP: '10.96.0.13', externalIPs: ['198.19.0.12'] }),
  slice('claims-too', ['10.244.2.13']),
];
