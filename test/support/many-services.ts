import { nodeName } from './arbitrary-cluster.ts';

/** A node, and Services with a node port and two endpoints each: 10.96.1.0 port 80 and node port 30000, and so on. */
export function manyServices(count: number): unknown[] {
  const numbers = Array.from({ length: count }, (_, index) => index);
  return [
    {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: nodeName },
      status: { addresses: [{ type: 'InternalIP', address: '192.0.2.11' }] },
    },
    ...numbers.flatMap((number) => serviceWithSlice(number, `${number >> 8}.${number & 255}`)),
  ];
}

/** @param host the last two bytes of its addresses. */
function serviceWithSlice(number: number, host: string): unknown[] {
  const name = `service-${number}`;
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: 'many' },
      spec: { type: 'NodePort', clusterIP: `10.96.${host}`, ports: [{ port: 80, nodePort: 30_000 + number }] },
    },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: `${name}-a`, namespace: 'many', labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      ports: [{ name: '', port: 8080 }],
      endpoints: ['244', '245'].map((second, index) => ({
        addresses: [`10.${second}.${host}`],
        nodeName: index === 0 ? nodeName : 'other',
      })),
    },
  ];
}
