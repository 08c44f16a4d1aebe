/**
 * The fields of Kubernetes objects that affect packets, as the API documents them. Types only. Optional means that the
 * API omits the field or writes null; phase 3 applies the defaults.
 */

import type { Document } from '../diagnostics/document.ts';

/** metadata of any object; `creationTimestamp` is RFC 3339 text. */
export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string | null;
  readonly labels?: Readonly<Record<string, string | null>> | null;
  readonly creationTimestamp?: string | null;
  /** Texts by their names, which nothing checks. */
  readonly annotations?: unknown;
}

/** v1 ServicePort. The name is absent or empty in a Service with one port. */
export interface ServicePortSpec {
  readonly name?: string | null;
  readonly protocol?: 'TCP' | 'UDP' | 'SCTP' | '' | null;
  readonly port: number;
  readonly nodePort?: number | null;
}

/** v1 Service. */
export interface Service {
  readonly kind: 'Service';
  readonly metadata: ObjectMeta;
  readonly spec: {
    readonly type?: 'ClusterIP' | 'NodePort' | 'LoadBalancer' | 'ExternalName' | '' | null;
    readonly clusterIP?: string | null;
    readonly clusterIPs?: readonly string[] | null;
    readonly ipFamilies?: readonly ('IPv4' | 'IPv6')[] | null;
    readonly ports?: readonly ServicePortSpec[] | null;
    readonly externalIPs?: readonly string[] | null;
    readonly loadBalancerSourceRanges?: readonly string[] | null;
    readonly internalTrafficPolicy?: 'Cluster' | 'Local' | '' | null;
    readonly externalTrafficPolicy?: 'Cluster' | 'Local' | '' | null;
    readonly healthCheckNodePort?: number | null;
    readonly sessionAffinity?: 'None' | 'ClientIP' | '' | null;
    readonly sessionAffinityConfig?: { readonly clientIP?: { readonly timeoutSeconds?: number | null } | null } | null;
  };
  readonly status?: {
    readonly loadBalancer?: {
      readonly ingress?:
        | readonly { readonly ip?: string | null; readonly ipMode?: 'VIP' | 'Proxy' | '' | null }[]
        | null;
    } | null;
  } | null;
}

/** discovery.k8s.io/v1 Endpoint. Only the first address is used, as in kube-proxy and documented by the API. */
export interface SliceEndpoint {
  readonly addresses?: readonly string[] | null;
  readonly nodeName?: string | null;
  readonly conditions?: {
    readonly ready?: boolean | null;
    readonly serving?: boolean | null;
    readonly terminating?: boolean | null;
  } | null;
  readonly hints?: {
    readonly forZones?: readonly { readonly name: string }[] | null;
    readonly forNodes?: readonly { readonly name: string }[] | null;
  } | null;
}

/** discovery.k8s.io/v1 EndpointPort. */
export interface SlicePort {
  readonly name?: string | null;
  readonly protocol?: 'TCP' | 'UDP' | 'SCTP' | '' | null;
  /** Any number, which the API server does not check. */
  readonly port?: number | null;
}

/** discovery.k8s.io/v1 EndpointSlice. */
export interface EndpointSlice {
  readonly kind: 'EndpointSlice';
  readonly metadata: ObjectMeta;
  readonly addressType: 'IPv4' | 'IPv6';
  readonly ports?: readonly SlicePort[] | null;
  readonly endpoints?: readonly SliceEndpoint[] | null;
}

/** v1 Node. */
export interface Node {
  readonly kind: 'Node';
  readonly metadata: ObjectMeta;
  readonly spec?: { readonly podCIDR?: string | null; readonly podCIDRs?: readonly string[] | null } | null;
  readonly status?: {
    readonly addresses?: readonly { readonly type?: string | null; readonly address?: string | null }[] | null;
  } | null;
}

/** networking.k8s.io/v1 ServiceCIDR. */
export interface ServiceCIDR {
  readonly kind: 'ServiceCIDR';
  readonly metadata: ObjectMeta;
  readonly spec?: { readonly cidrs?: readonly string[] | null } | null;
}

/** A validated object with the document it came from, so that later phases can point at it. */
export interface Sourced<T> {
  readonly object: T;
  readonly document: Document;
}

/** The input of phase 3: valid objects, at most one for each kind, namespace and name, in any order. */
export interface Snapshot {
  readonly services: readonly Sourced<Service>[];
  readonly endpointSlices: readonly Sourced<EndpointSlice>[];
  readonly nodes: readonly Sourced<Node>[];
  readonly serviceCIDRs: readonly Sourced<ServiceCIDR>[];
  /** How many objects of each kind were ignored because nothing depends on them, `Pod` -> 12. */
  readonly unusedKinds: ReadonlyMap<string, number>;
}
