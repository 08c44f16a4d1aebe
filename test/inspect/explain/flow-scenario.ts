import type { CompileOptions } from '../../../src/options.ts';

/** A file of flows: a node's configuration, the objects of a cluster, and the fate of first packets. */
export interface FlowScenario {
  readonly config: {
    readonly nodeName: string;
    readonly nodeIPs: readonly string[];
    /** Null is not given, which is `primary`. */
    readonly nodePortAddresses: readonly string[] | null;
    readonly detectLocal: {
      readonly mode: CompileOptions['detectLocalMode'] | 'None';
      readonly cidrs?: readonly string[];
      readonly bridgeInterface?: string;
      readonly interfaceNamePrefix?: string;
    };
    readonly masqueradeAll: boolean;
    readonly zone: string | null;
    readonly serviceCIDRs: readonly string[] | null;
  };
  readonly objects: readonly object[];
  readonly flows: readonly Flow[];
}

/** The first packet of a connection, and its expected fate. */
export interface Flow {
  readonly name: string;
  readonly src: string;
  readonly dst: string;
  readonly proto: 'tcp' | 'udp' | 'sctp';
  readonly dport: number;
  /** The interface on which it arrives, if that matters. */
  readonly iif?: string;
  readonly expect: {
    readonly verdict: 'dnat' | 'reject' | 'drop' | 'none';
    readonly endpoints: readonly string[];
    readonly masquerade: boolean;
    /** The source is rewritten only toward these endpoints. */
    readonly masqueradeEndpoints?: readonly string[];
  };
}

/** All objects of a scenario: those given, and the Node and ServiceCIDR that its configuration stands for. */
export function objectsOf({ config, objects }: FlowScenario): object[] {
  const { detectLocal, nodeName, nodeIPs, zone, serviceCIDRs } = config;
  const podCIDRs = detectLocal.mode === 'NodeCIDR' ? (detectLocal.cidrs ?? []) : [];
  const node = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: nodeName, labels: zone === null ? {} : { 'topology.kubernetes.io/zone': zone } },
    spec: { podCIDRs },
    status: { addresses: nodeIPs.map((address) => ({ type: 'InternalIP', address })) },
  };
  const cidrs = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'ServiceCIDR',
    metadata: { name: 'kubernetes' },
    spec: { cidrs: serviceCIDRs ?? [] },
  };
  return [node, ...(serviceCIDRs?.length ? [cidrs] : []), ...objects];
}

/** The options that a scenario's configuration stands for. */
export function optionsOf({ config }: FlowScenario): Partial<CompileOptions> {
  const { nodeName, nodeIPs, nodePortAddresses, detectLocal, masqueradeAll } = config;
  return {
    nodeName,
    nodeAddresses: nodeIPs,
    nodePortAddresses: nodePortAddresses ?? [],
    masqueradeAll,
    detectLocalMode: detectLocal.mode === 'None' ? 'ClusterCIDR' : detectLocal.mode,
    clusterCIDRs: detectLocal.mode === 'ClusterCIDR' ? (detectLocal.cidrs ?? []) : [],
    detectLocalInterface: detectLocal.bridgeInterface ?? detectLocal.interfaceNamePrefix ?? '',
  };
}
