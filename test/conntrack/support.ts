import type { UdpFlow } from '../../src/conntrack/stale-flows.ts';
import { type CompileOptions, withDefaults } from '../../src/options.ts';
import { documentsOf } from '../../src/phases/1-read/read-documents.ts';
import { validate } from '../../src/phases/2-validate/validate.ts';
import { buildModel } from '../../src/phases/3-model/build-model.ts';
import type { NodeView } from '../../src/phases/3-model/model.ts';

/** worker-1 has 192.0.2.11 and fd00::11; node ports are open there and nowhere else unless the options say more. */
export const nodeOptions = {
  nodeName: 'worker-1',
  nodeAddresses: ['192.0.2.11', 'fd00::11'],
  clusterCIDRs: ['10.244.0.0/16', 'fd00:10:244::/48'],
} as const;

/** What worker-1 knows of the objects in one family; throws when one of them is refused. */
export function viewOf(
  objects: readonly unknown[],
  family: 'ip' | 'ip6' = 'ip',
  options: Partial<CompileOptions> = {},
): NodeView {
  const { snapshot, diagnostics } = validate(documentsOf(objects));
  const settings = withDefaults({ ...nodeOptions, families: [family], ...options });
  const view = buildModel(snapshot, settings).views[0];
  if (!view || diagnostics.length > 0) {
    throw new Error(diagnostics[0]?.message ?? 'no view');
  }
  return view;
}

type Fields = Readonly<Record<string, unknown>>;

/** A Service in namespace `games` with one UDP port, 4000 for port 4001 of its pods; fields of spec override. */
export function service(
  name: string,
  spec: Fields,
  { metadata = {}, status = {} }: Record<string, Fields> = {},
): Fields {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'games', name, ...metadata },
    spec: { type: 'ClusterIP', ports: [{ protocol: 'UDP', port: 4000 }], ...spec },
    status,
  };
}

/** Its only slice: by default UDP port 4001, at endpoints with the conditions that are given by address. */
export function slice(
  serviceName: string,
  endpoints: Readonly<Record<string, Fields>>,
  ports: readonly Fields[] = [{ name: '', protocol: 'UDP', port: 4001 }],
): Fields {
  const addresses = Object.keys(endpoints);
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { namespace: 'games', name: `${serviceName}-1`, labels: { 'kubernetes.io/service-name': serviceName } },
    addressType: addresses[0]?.includes(':') ? 'IPv6' : 'IPv4',
    ports,
    endpoints: addresses.map((address) => ({ addresses: [address], ...endpoints[address] })),
  };
}

/** Conditions of endpoints, as slices have them. */
export const conditions = {
  ready: { conditions: { ready: true, serving: true, terminating: false } },
  draining: { conditions: { ready: false, serving: true, terminating: true } },
  dying: { conditions: { ready: false, serving: false, terminating: true } },
  servingUnready: { conditions: { ready: false, serving: true, terminating: false } },
  unready: { conditions: { ready: false, serving: false, terminating: false } },
  unknown: {},
} as const;

/** A flow, each side as `address port`. */
export function flow(originalDestination: string, replySource: string): UdpFlow {
  return { originalDestination: endpointAddress(originalDestination), replySource: endpointAddress(replySource) };
}

function endpointAddress(text: string): { address: string; port: number } {
  const [address = '', port] = text.split(' ');
  return { address, port: Number(port) };
}
