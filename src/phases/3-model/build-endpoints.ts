import { getNamespaced, type Namespaced, setNamespaced } from '../../kubernetes/namespaced-map.ts';
import type { EndpointSlice, SliceEndpoint, SlicePort, Sourced } from '../../kubernetes/objects.ts';
import { namespaceOf, ownerLabel } from '../../kubernetes/services.ts';
import { compareText } from '../../lib/text.ts';
import { canonicalAddress, isHostAddress } from '../../net/address.ts';
import {
  type EndpointAddress,
  endpointText,
  type Family,
  isPortNumber,
  nameOfFamily,
  type Protocol,
} from '../../net/network.ts';
import type { Endpoint } from './model.ts';

/** The EndpointSlices of a snapshot by the namespace and name of their Service, in the order of their own names. */
export type SliceIndex = Namespaced<EndpointSlice[]>;

/** Selects the slice ports of a service port: by name and protocol, not by number (EndpointPort.name). */
export interface EndpointQuery {
  readonly slices: readonly EndpointSlice[];
  readonly family: Family;
  readonly portName: string;
  readonly protocol: Protocol;
  readonly nodeName: string;
}

/** Slices by the Service that owns them: the label kubernetes.io/service-name, in the slice's own namespace. */
export function indexSlices(slices: readonly Sourced<EndpointSlice>[]): SliceIndex {
  const index: SliceIndex = new Map();
  for (const { object } of slices) {
    const service = serviceOfSlice(object);
    if (!service) {
      continue;
    }
    const namespace = namespaceOf(object.metadata);
    const owned = getNamespaced(index, namespace, service);
    if (owned) {
      owned.push(object);
    } else {
      setNamespaced(index, namespace, service, [object]);
    }
  }
  for (const owned of [...index.values()].flatMap((services) => [...services.values()])) {
    sortSlices(owned);
  }
  return index;
}

/** The name of the Service that a slice belongs to, from its label; undefined without one. */
export function serviceOfSlice({ metadata }: EndpointSlice): string | undefined {
  return metadata.labels?.[ownerLabel] || undefined;
}

/** Sorts slices of one namespace by name, in place. */
export function sortSlices(slices: EndpointSlice[]): EndpointSlice[] {
  return slices.sort((a, b) => compareText(a.metadata.name, b.metadata.name));
}

/**
 * The endpoints of one service port, merged over its slices and sorted bytewise by `address:port`. Of two entries with the
 * same address and port a running one replaces a terminating one, because a new Pod may have the address of an old one.
 */
export function buildEndpoints(query: EndpointQuery): Endpoint[] {
  const entries: Endpoint[] = [];
  const addressType = nameOfFamily(query.family);
  for (const slice of query.slices) {
    if (slice.addressType !== addressType) {
      continue;
    }
    for (const port of slice.ports ?? []) {
      if (isPortOf(port, query) && isPortNumber(port.port)) {
        addEndpoints(entries, slice.endpoints ?? [], port.port, query);
      }
    }
  }
  return mergeSorted(entries.sort(compareEndpoints));
}

/** By the bytes of `address:port`; the text is built only if one address is a prefix of the other. */
function compareEndpoints({ endpointAddress: a }: Endpoint, { endpointAddress: b }: Endpoint): number {
  const isBeginning =
    a.address.length < b.address.length ? b.address.startsWith(a.address) : a.address.startsWith(b.address);
  return isBeginning ? compareText(endpointText(a), endpointText(b)) : compareText(a.address, b.address);
}

function mergeSorted(entries: Endpoint[]): Endpoint[] {
  if (!entries.some((entry, index) => isSameEndpointAddress(entry, entries[index + 1]))) {
    return entries;
  }
  const merged: Endpoint[] = [];
  for (const entry of entries) {
    const last = merged.at(-1);
    if (!isSameEndpointAddress(entry, last)) {
      merged.push(entry);
    } else if (!entry.terminating) {
      merged[merged.length - 1] = entry;
    }
  }
  return merged;
}

function isSameEndpointAddress({ endpointAddress }: Endpoint, other: Endpoint | undefined): boolean {
  return (
    endpointAddress.address === other?.endpointAddress.address && endpointAddress.port === other.endpointAddress.port
  );
}

/** A slice port without a name matches no port; one with an empty name matches a Service's only, unnamed port. */
function isPortOf(port: SlicePort, query: EndpointQuery): boolean {
  return port.name === query.portName && (port.protocol || 'TCP').toLowerCase() === query.protocol;
}

function addEndpoints(
  entries: Endpoint[],
  sliceEndpoints: readonly SliceEndpoint[],
  port: number,
  query: EndpointQuery,
): void {
  for (const entry of sliceEndpoints) {
    const address = canonicalAddress(entry.addresses?.[0] ?? '');
    if (address !== undefined && isHostAddress(address)) {
      entries.push(buildEndpoint(entry, { address, port }, query.nodeName));
    }
  }
}

const nothing: readonly string[] = [];

function buildEndpoint(entry: SliceEndpoint, endpointAddress: EndpointAddress, thisNode: string): Endpoint {
  const { conditions, hints } = entry;
  const nodeName = entry.nodeName ?? '';
  return {
    endpointAddress,
    ready: conditions?.ready ?? true,
    serving: conditions?.serving ?? true,
    terminating: conditions?.terminating ?? false,
    nodeName,
    local: nodeName !== '' && nodeName === thisNode,
    zoneHints: hints?.forZones?.map((zone) => zone.name) ?? nothing,
    nodeHints: hints?.forNodes?.map((node) => node.name) ?? nothing,
  };
}
