// @ts-check
/**
 * A cluster to measure with: what `kubectl get -o json` shows of `services` ClusterIP Services with one slice of
 * `endpoints` endpoints each, spread over 100 nodes; every tenth Service has ClientIP affinity, unless `affinity` is
 * false. The first item is the Node, then comes each Service with its slice. No randomness.
 *
 * @param {{ services: number, endpoints: number, affinity?: boolean }} size
 * @returns {{ apiVersion: 'v1', kind: 'List', items: object[] }}
 */
export function generateCluster({ services, endpoints, affinity = true }) {
  /** @type {object[]} */
  const items = [
    {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: 'worker-1' },
      status: { addresses: [{ type: 'InternalIP', address: '192.0.2.11' }] },
    },
  ];
  for (let index = 0; index < services; index++) {
    items.push(service(index, affinity && index % 10 === 0), slice(index, endpoints));
  }
  return { apiVersion: 'v1', kind: 'List', items };
}

/**
 * @param {number} index
 * @param {boolean} isSticky
 */
function service(index, isSticky) {
  const clusterIP = address(0x0a600000 + index);
  const name = `service-${index}`;
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { ...metadata(name, index), labels: { app: name } },
    spec: {
      type: 'ClusterIP',
      clusterIP,
      clusterIPs: [clusterIP],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      internalTrafficPolicy: 'Cluster',
      ports: [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 8080 }],
      selector: { app: name },
      ...(isSticky
        ? { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 10800 } } }
        : { sessionAffinity: 'None' }),
    },
    status: { loadBalancer: {} },
  };
}

/**
 * @param {number} index
 * @param {number} endpoints
 */
function slice(index, endpoints) {
  const name = `service-${index}`;
  return {
    addressType: 'IPv4',
    apiVersion: 'discovery.k8s.io/v1',
    endpoints: Array.from({ length: endpoints }, (_, number) => {
      const pod = index * endpoints + number;
      return {
        addresses: [address(0x0a800000 + pod)],
        conditions: { ready: true, serving: true, terminating: false },
        nodeName: `worker-${pod % 100}`,
        targetRef: { kind: 'Pod', name: `${name}-${number}`, namespace: namespace(index), uid: uid(2, pod) },
        zone: 'zone-a',
      };
    }),
    kind: 'EndpointSlice',
    metadata: {
      ...metadata(`${name}-abcde`, index),
      labels: {
        'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
        'kubernetes.io/service-name': name,
      },
    },
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
  };
}

/**
 * @param {string} name
 * @param {number} index
 */
function metadata(name, index) {
  return {
    creationTimestamp: '2026-01-01T00:00:00Z',
    name,
    namespace: namespace(index),
    resourceVersion: String(index),
    uid: uid(1, index),
  };
}

/** @param {number} index */
function namespace(index) {
  return `namespace-${index % 50}`;
}

/**
 * @param {number} kind
 * @param {number} index
 */
function uid(kind, index) {
  return `00000000-0000-0000-000${kind}-${String(index).padStart(12, '0')}`;
}

/** @param {number} number */
function address(number) {
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join('.');
}
