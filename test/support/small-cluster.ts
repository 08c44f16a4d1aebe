import { compile } from '../../src/compile.ts';
import type { Family } from '../../src/net/network.ts';
import type { Ruleset } from '../../src/nft/ruleset.ts';
import type { CompileOptions } from '../../src/options.ts';
import { documentsOf } from '../../src/phases/1-read/read-documents.ts';
import type { Manifest } from './arbitrary-cluster.ts';

/** A Service with a cluster IP and port 80, in namespace shop, unless `spec` says otherwise. */
export function service(name: string, spec: Manifest, status: Manifest = {}): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'shop' },
    spec: { ports: [{ port: 80 }], ...spec },
    status,
  };
}

/** Its ready endpoints on port 8080; those whose address begins as `local` says are on the node, others elsewhere. */
export function slice(name: string, addresses: readonly string[], local = '10.244.1.'): Manifest {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${name}-1`, namespace: 'shop', labels: { 'kubernetes.io/service-name': name } },
    addressType: addresses[0]?.includes(':') ? 'IPv6' : 'IPv4',
    ports: [{ name: '', port: 8080 }],
    endpoints: addresses.map((address) => ({
      addresses: [address],
      nodeName: address.startsWith(local) ? 'worker-1' : 'worker-2',
    })),
  };
}

/** The ruleset of one family on node worker-1; throws when there is any diagnostic but that no Service has endpoints. */
export function rulesetOf(
  objects: readonly Manifest[],
  options: Partial<CompileOptions> = {},
  family: Family = 'ip',
): Ruleset {
  const { rulesets, diagnostics } = compile(documentsOf(objects), {
    nodeName: 'worker-1',
    nodeAddresses: ['192.0.2.11', '2001:db8:a::11'],
    clusterCIDRs: ['10.244.0.0/16', 'fd00:10:244::/48'],
    ...options,
  });
  const ruleset = rulesets?.find((one) => one.family === family);
  // Tests of size have everything in one slice.
  const expected = ['no-endpoint-slices', 'refused-by-api-server'];
  if (!ruleset || diagnostics.some(({ code }) => !expected.includes(code))) {
    throw new Error(diagnostics.map(({ message }) => message).join('\n'));
  }
  return ruleset;
}
