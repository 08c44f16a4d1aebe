/**
 * A shop on nodes worker-1 (zone a), worker-2 (zone a), worker-3 (zone b): shop/web behind a load balancer with external
 * policy Local and one endpoint on each node, one more that is not ready; shop/cart, which stays in its zone;
 * shop/mail without endpoints; edge/web, whose external IP is a cluster IP of the shop.
 */
export const shopObjects: readonly object[] = [
  node('worker-1', 'a', '192.0.2.11'),
  node('worker-2', 'a', '192.0.2.12'),
  node('worker-3', 'b', '192.0.2.13'),
  service('shop', 'web', {
    type: 'LoadBalancer',
    clusterIP: '10.96.0.10',
    externalTrafficPolicy: 'Local',
    loadBalancerSourceRanges: ['203.0.113.0/24', '198.51.100.0/24'],
    ports: [{ name: 'http', port: 80, nodePort: 30080 }],
    status: { loadBalancer: { ingress: [{ ip: '198.18.0.10' }] } },
  }),
  slice('shop', 'web', 'http', [
    endpoint('10.244.1.10', 'web-1', 'worker-1', 'a'),
    endpoint('10.244.2.20', 'web-2', 'worker-2', 'a'),
    endpoint('10.244.3.30', 'web-3', 'worker-3', 'b'),
    endpoint('10.244.3.31', 'web-4', 'worker-3', 'b', { ready: false }),
  ]),
  service('shop', 'cart', {
    clusterIP: '10.96.0.20',
    sessionAffinity: 'ClientIP',
    ports: [{ name: 'http', port: 80 }],
  }),
  slice('shop', 'cart', 'http', [
    { ...endpoint('10.244.1.11', 'cart-1', 'worker-1', 'a'), hints: { forZones: [{ name: 'a' }] } },
    { ...endpoint('10.244.3.33', 'cart-2', 'worker-3', 'b'), hints: { forZones: [{ name: 'b' }] } },
  ]),
  service('shop', 'mail', { clusterIP: '10.96.0.30', ports: [{ port: 25 }] }),
  service('edge', 'web', { clusterIP: '10.96.0.40', externalIPs: ['10.96.0.20'], ports: [{ port: 80 }] }),
  slice('edge', 'web', '', [endpoint('10.244.2.44', 'edge-1', 'worker-2', 'a', {}, 'edge')]),
  service('shop', 'db', { clusterIP: 'None', ports: [{ port: 5432 }] }),
];

function node(name: string, zone: string, address: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'topology.kubernetes.io/zone': zone } },
    status: { addresses: [{ type: 'InternalIP', address }] },
  };
}

function service(
  namespace: string,
  name: string,
  { status = {}, ...spec }: { status?: object; [field: string]: unknown },
): object {
  return { apiVersion: 'v1', kind: 'Service', metadata: { namespace, name }, spec, status };
}

function slice(namespace: string, name: string, portName: string, endpoints: readonly object[]): object {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { namespace, name: `${name}-1`, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    ports: [{ name: portName, port: 8080 }],
    endpoints,
  };
}

function endpoint(
  address: string,
  pod: string,
  nodeName: string,
  zone: string,
  conditions: object = {},
  namespace = 'shop',
): object {
  return { addresses: [address], nodeName, zone, conditions, targetRef: { kind: 'Pod', namespace, name: pod } };
}
