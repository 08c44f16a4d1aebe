import type { EndpointSlice, Node, SliceEndpoint, Sourced } from '../phases/2-validate/kubernetes.ts';
import { ownerLabel, zoneLabel } from '../service-rules.ts';

/** A slice without what nobody reads, to be kept for as long as the cluster has it: a third of its size. */
export function slimSlice({ kind, metadata, addressType, ports, endpoints }: EndpointSlice): EndpointSlice {
  const { name, namespace = null, labels } = metadata;
  return {
    kind,
    metadata: { name, namespace, labels: { [ownerLabel]: labels?.[ownerLabel] ?? null } },
    addressType,
    ports: (ports ?? []).map(({ name: portName = null, protocol = null, port = null }) => ({
      name: portName,
      protocol,
      port,
    })),
    endpoints: (endpoints ?? []).map(slimEndpoint),
  };
}

/** A Node without what nobody reads: nodes report much about themselves, and often. */
export function slimNode({ object, document }: Sourced<Node>): Sourced<Node> {
  const { kind, metadata, spec, status } = object;
  const zone = metadata.labels?.[zoneLabel];
  const node: Node = {
    kind,
    metadata: { name: metadata.name, labels: zone === undefined ? {} : { [zoneLabel]: zone } },
    spec: { podCIDR: spec?.podCIDR ?? null, podCIDRs: spec?.podCIDRs ?? null },
    status: { addresses: (status?.addresses ?? []).map(({ type, address }) => ({ type, address })) },
  };
  return { object: node, document: { ...document, value: node } };
}

/** Only the first address counts. */
function slimEndpoint({ addresses, nodeName = null, conditions, hints }: SliceEndpoint): SliceEndpoint {
  return {
    addresses: (addresses ?? []).slice(0, 1),
    nodeName,
    ...(conditions && { conditions }),
    ...(hints && { hints }),
  };
}
