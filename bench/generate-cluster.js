// @ts-check
/**
 * A cluster to measure with: what `kubectl get -o json` shows of `services` ClusterIP Services with one slice of
 * `endpoints` endpoints each, spread over 100 nodes, each of which has a range for its pods; every tenth Service has ClientIP
 * affinity, unless `affinity` is false. The first item is the Node, then comes each Service with its slice. No randomness.
 *
 * @typedef {'IPv4' | 'IPv6'} Family
 * @param {{ services: number, endpoints: number, affinity?: boolean, family?: Family }} size
 * @returns {{ apiVersion: 'v1', kind: 'List', items: object[] }}
 */
export function generateCluster({ services, endpoints, affinity = true, family = 'IPv4' }) {
  const podCIDR = family === 'IPv4' ? '10.129.0.0/16' : 'fd00:10:128:1::/64';
  /** @type {object[]} */
  const items = [
    {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: 'worker-1' },
      spec: { podCIDR, podCIDRs: [podCIDR] },
      status: { addresses: [{ type: 'InternalIP', address: family === 'IPv4' ? '192.0.2.11' : '2001:db8::11' }] },
    },
  ];
  for (let index = 0; index < services; index++) {
    items.push(service(index, family, affinity && index % 10 === 0), slice(index, family, endpoints));
  }
  return { apiVersion: 'v1', kind: 'List', items };
}

/**
 * The cluster IP of a Service: 10.96.0.0 and on, fd00:10:96:: and on.
 *
 * @param {number} index
 * @param {Family} family
 */
function clusterIPOf(index, family) {
  return family === 'IPv4' ? dotted(0x0a600000 + index) : `fd00:10:96::${hextets(index)}`;
}

/**
 * The address of a pod, in the range of its node: 10.128.0.0/16 for the first, then 10.129.0.0/16; fd00:10:128::/64.
 *
 * @param {number} pod
 * @param {Family} family
 */
function podAddress(pod, family) {
  const [node, number] = [pod % 100, Math.floor(pod / 100)];
  return family === 'IPv4'
    ? dotted(0x0a800000 + node * 65536 + number)
    : `fd00:10:128:${node.toString(16)}::${hextets(number)}`;
}

/**
 * @param {number} index
 * @param {Family} family
 * @param {boolean} isSticky
 */
function service(index, family, isSticky) {
  const clusterIP = clusterIPOf(index, family);
  const name = `service-${index}`;
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { ...metadata(name, index), labels: { app: name } },
    spec: {
      type: 'ClusterIP',
      clusterIP,
      clusterIPs: [clusterIP],
      ipFamilies: [family],
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
 * @param {Family} family
 * @param {number} endpoints
 */
function slice(index, family, endpoints) {
  const name = `service-${index}`;
  return {
    addressType: family,
    apiVersion: 'discovery.k8s.io/v1',
    endpoints: Array.from({ length: endpoints }, (_, number) => {
      const pod = index * endpoints + number;
      return {
        addresses: [podAddress(pod, family)],
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
function dotted(number) {
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join('.');
}

/** @param {number} number from 0; one that needs more than a group has two */
function hextets(number) {
  const [high, low] = [Math.floor(number / 65535), (number % 65535) + 1];
  return high === 0 ? low.toString(16) : `${high.toString(16)}:${low.toString(16)}`;
}
