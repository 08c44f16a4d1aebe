import { http, type Manifest, service, slice, workerNode } from './manifests.ts';
import { streamPort } from './start-stream.ts';

/** A Service that is the same in every step; others often have as many endpoints as it has. */
const steady: readonly Manifest[] = [
  service('steady', {
    type: 'NodePort',
    clusterIP: '10.96.0.99',
    clusterIPs: ['10.96.0.99', 'fd00:10:96::99'],
    ipFamilies: ['IPv4', 'IPv6'],
    ports: [
      { name: 'http', port: 80, nodePort: 30999 },
      { name: 'state', port: 4000, protocol: 'UDP', nodePort: 30999 },
    ],
  }),
  ...[
    ['10.244.1.91', '10.244.2.92'],
    ['fd00:10:244:1::91', 'fd00:10:244:2::92'],
  ].map((addresses) =>
    slice('steady', addresses, [
      { name: 'http', port: streamPort },
      { name: 'state', port: streamPort, protocol: 'UDP' },
    ]),
  ),
];

/** What is in every step: the node, the range of cluster IPs, and a Service that never changes. */
export const always: readonly Manifest[] = [
  workerNode,
  {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'ServiceCIDR',
    metadata: { name: 'kubernetes' },
    spec: { cidrs: ['10.96.0.0/16', 'fd00:10:96::/112'] },
  },
  ...steady,
];

/** A Service with a node port; `spec` overrides. */
export function cart(nodePort: number, spec: Manifest = {}): Manifest {
  return service('cart', { type: 'NodePort', clusterIP: '10.96.0.10', ports: [{ ...http, nodePort }], ...spec });
}

/** A Service with a load balancer IP. */
export function edge(spec: Manifest): Manifest {
  const ingress = [{ ip: '198.51.100.50' }];
  return service(
    'edge',
    { type: 'LoadBalancer', clusterIP: '10.96.0.20', ports: [http], ...spec },
    { loadBalancer: { ingress } },
  );
}

/** A Service without endpoints of its own. */
export const mail: Manifest = service('mail', { clusterIP: '10.96.0.30', ports: [http] });
/** A Service with affinity. */
export const session: Manifest = service('session', {
  clusterIP: '10.96.0.40',
  sessionAffinity: 'ClientIP',
  ports: [http],
});

/** A UDP Service with external IPs. */
export function games(externalIPs: readonly string[]): Manifest {
  return service('games', { clusterIP: '10.96.0.50', externalIPs, ports: [{ port: 27, protocol: 'UDP' }] });
}

/** Its endpoint. */
export const gamesSlice: Manifest = slice('games', ['10.244.1.51'], [{ name: '', port: 27000, protocol: 'UDP' }]);

/** Fields of a spec for a cart in both families. */
export const bothFamilies: Manifest = {
  clusterIP: '10.96.0.10',
  clusterIPs: ['10.96.0.10', 'fd00:10:96::10'],
  ipFamilies: ['IPv4', 'IPv6'],
};

/** An edge with an endpoint on each node. */
export function edgeEverywhere(): Manifest[] {
  return [edge({}), slice('edge', ['10.244.1.21', '10.244.2.22'])];
}
