import { isMapping, listIn, type Mapping } from '../../src/lib/unknown-values.ts';

/**
 * The spec of a Service for comparing two clusters: what a cluster allocates differs from one to the next; whether it does, and how much,
 * does not.
 *
 * @param written the spec before anything was allocated: None is not an address.
 */
export function withoutAllocated(spec: Mapping, written: Mapping): Mapping {
  const { clusterIP, clusterIPs, ports, healthCheckNodePort, ...rest } = spec;
  return {
    ...rest,
    clusterIP: written['clusterIP'] === 'None' || !clusterIP ? clusterIP : 'given',
    clusterIPs: listIn({ clusterIPs }, 'clusterIPs').map((text) => (text === 'None' ? text : 'given')),
    ports: listIn({ ports }, 'ports')
      .filter(isMapping)
      .map(({ nodePort, ...port }) => ({ ...port, hasNodePort: Boolean(nodePort) })),
    hasHealthCheck: Boolean(healthCheckNodePort),
  };
}
