/** Kubernetes objects as the tests of `apply` write them. */
export type Manifest = Readonly<Record<string, unknown>>;

/** The addresses of the node that all snapshots are for. */
export const nodeAddresses: readonly string[] = ['192.0.2.11', '2001:db8:a::11'];

/** worker-1; endpoints on it are local. */
export const workerNode: Manifest = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'worker-1', labels: { 'topology.kubernetes.io/zone': 'zone-a' } },
  status: { addresses: nodeAddresses.map((address) => ({ type: 'InternalIP', address })) },
};

/** Flags of every command that reads a snapshot with {@link workerNode}. */
export const snapshotFlags: readonly string[] = [
  ...['--node', 'worker-1'],
  ...['--cluster-cidr', '10.244.0.0/16,fd00:10:244::/48'],
];

/** A Service of namespace `shop`; `spec` as in Kubernetes. */
export function service(name: string, spec: Manifest, status: Manifest = {}): Manifest {
  return { apiVersion: 'v1', kind: 'Service', metadata: { namespace: 'shop', name }, spec, status };
}

/** `http`, port 80 for port 8080 of the pods. */
export const http: Manifest = { name: 'http', port: 80 };

/** What a slice says of the ports of its pods. */
export interface SlicePort {
  readonly name: string;
  readonly port: number;
  readonly protocol?: 'TCP' | 'UDP' | 'SCTP';
}

/**
 * A slice of a Service in namespace `shop`, for the family of its first address. Endpoints on 10.244.1.0/24 and
 * fd00:10:244:1::/64 are on worker-1, all others on worker-2; a `!` before an address says that it is terminating.
 */
export function slice(
  serviceName: string,
  addresses: readonly string[],
  ports: readonly SlicePort[] = [{ name: 'http', port: 8080 }],
): Manifest {
  const addressType = addresses[0]?.includes(':') ? 'IPv6' : 'IPv4';
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      namespace: 'shop',
      name: `${serviceName}-${addressType.toLowerCase()}`,
      labels: { 'kubernetes.io/service-name': serviceName },
    },
    addressType,
    ports,
    endpoints: addresses.map(endpoint),
  };
}

function endpoint(text: string): Manifest {
  const address = text.replace('!', '');
  const isLocal = address.startsWith('10.244.1.') || address.startsWith('fd00:10:244:1::');
  const isTerminating = text.startsWith('!');
  return {
    addresses: [address],
    nodeName: isLocal ? 'worker-1' : 'worker-2',
    conditions: { ready: !isTerminating, serving: true, terminating: isTerminating },
  };
}

/** Objects as one document, as `kubectl get -o json` prints them. */
export function listOf(objects: readonly unknown[]): Manifest {
  return { apiVersion: 'v1', kind: 'List', items: objects };
}
