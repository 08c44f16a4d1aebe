/** Which endpoints the Services of the shop have, as IPv4 addresses. */
interface ShopEndpoints {
  readonly cart?: readonly string[];
  readonly dns?: readonly string[];
}

/**
 * What kubectl prints for a shop on node worker-1, as JSON: shop/cart with a node port and three endpoints, shop/dns with
 * one over UDP.
 */
export function shop({
  cart = ['10.244.1.11', '10.244.1.12', '10.244.1.13'],
  dns = ['10.244.1.53'],
}: ShopEndpoints = {}): string {
  const items = [
    {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: 'worker-1' },
      status: { addresses: [{ type: 'InternalIP', address: '192.0.2.11' }] },
    },
    service('cart', {
      type: 'NodePort',
      clusterIP: '10.96.0.10',
      ports: [{ name: 'http', port: 80, nodePort: 30080 }],
    }),
    slice('cart', { name: 'http', port: 8080, protocol: 'TCP' }, cart),
    service('dns', { clusterIP: '10.96.0.53', ports: [{ name: 'dns', port: 53, protocol: 'UDP' }] }),
    slice('dns', { name: 'dns', port: 5353, protocol: 'UDP' }, dns),
  ];
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
}

function service(name: string, spec: object): object {
  return { apiVersion: 'v1', kind: 'Service', metadata: { namespace: 'shop', name }, spec };
}

function slice(name: string, port: object, addresses: readonly string[]): object {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { namespace: 'shop', name: `${name}-1`, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    ports: [port],
    endpoints: addresses.map((address) => ({ addresses: [address], nodeName: 'worker-1' })),
  };
}
