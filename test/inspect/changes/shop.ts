import { compile } from '../../../src/compile.ts';
import type { FamilyChanges } from '../../../src/inspect/changes/changes.ts';
import { describeChanges } from '../../../src/inspect/changes/describe-changes.ts';
import { renderChanges } from '../../../src/inspect/changes/render-changes.ts';
import type { Family } from '../../../src/net/network.ts';
import type { Ruleset } from '../../../src/nft/ruleset.ts';
import type { CompileOptions } from '../../../src/options.ts';
import { documentsOf } from '../../../src/phases/1-read/read-documents.ts';

type Fields = Readonly<Record<string, unknown>>;

/** One side of a comparison: Services with their endpoints, and settings of the node. */
export interface Side {
  readonly services: readonly (readonly Fields[])[];
  readonly options?: Partial<CompileOptions>;
}

/** What a Service has besides its name and endpoints. */
export interface ServiceFields {
  readonly port?: object;
  readonly spec?: object;
  /** Addresses of status.loadBalancer. */
  readonly ingress?: readonly string[];
  readonly targetPort?: number;
}

/** `shop/NAME` with one port, by default `http`, 80/tcp, at 10.96.0.10; its endpoints are host parts, `1.10` for 10.244.1.10. */
export function service(
  name: string,
  endpoints: readonly string[],
  { port = {}, spec = {}, ingress = [], targetPort = 8080 }: ServiceFields = {},
): Fields[] {
  const { name: portName = 'http', protocol = 'TCP' } = port as Fields;
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { namespace: 'shop', name },
      spec: { clusterIP: '10.96.0.10', ports: [{ name: portName, port: 80, ...port }], ...spec },
      status: { loadBalancer: { ingress: ingress.map((ip) => ({ ip })) } },
    },
    slice(name, { addressType: 'IPv4', ports: [{ name: portName, port: targetPort, protocol }], endpoints }),
  ];
}

/** The same for IPv6: host parts become fd00:10:244:1::10. */
export function service6(name: string, endpoints: readonly string[], spec: object = {}): Fields[] {
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { namespace: 'shop', name },
      spec: { clusterIP: 'fd00:10:96::10', ipFamilies: ['IPv6'], ports: [{ name: 'http', port: 80 }], ...spec },
    },
    slice(name, { addressType: 'IPv6', ports: [{ name: 'http', port: 8080 }], endpoints }),
  ];
}

function slice(
  name: string,
  { addressType, ports, endpoints }: { addressType: string; ports: readonly Fields[]; endpoints: readonly string[] },
): Fields {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { namespace: 'shop', name: `${name}-x`, labels: { 'kubernetes.io/service-name': name } },
    addressType,
    ports,
    endpoints: endpoints.map((host) => ({
      addresses: [addressType === 'IPv4' ? `10.244.${host}` : `fd00:10:244:${host.replace('.', '::')}`],
      nodeName: `worker-${host.split('.')[0]}`,
    })),
  };
}

/** The ruleset of one family on worker-1, whose pods are 10.244.1.x. */
export function rulesetOf({ services, options = {} }: Side, family: Family = 'ip'): Ruleset {
  const node = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'worker-1' },
    status: { addresses: ['192.0.2.11', '2001:db8:a::11'].map((address) => ({ type: 'InternalIP', address })) },
  };
  const { rulesets, diagnostics } = compile(documentsOf([node, ...services.flat()]), {
    nodeName: 'worker-1',
    clusterCIDRs: ['10.244.0.0/16', 'fd00:10:244::/48'],
    ...options,
  });
  const ruleset = rulesets?.find((one) => one.family === family);
  if (!ruleset) {
    throw new Error(JSON.stringify(diagnostics.map(({ message }) => message)));
  }
  return ruleset;
}

/** The changes from one side to the other; undefined stands for no table. */
export function changesBetween(
  before: Side | undefined,
  after: Side | undefined,
  family: Family = 'ip',
): FamilyChanges {
  return describeChanges(before && rulesetOf(before, family), after && rulesetOf(after, family));
}

/** The same as lines without color. */
export function linesBetween(before: Side | undefined, after: Side | undefined, family: Family = 'ip'): string[] {
  return renderChanges(changesBetween(before, after, family), { color: false });
}
