import type { Document } from '../diagnostics/document.ts';
import { isMapping, listIn, type Mapping, mappingIn } from '../lib/unknown-values.ts';
import { canonicalAddress } from '../net/address.ts';
import { readPodFacts, validName } from './pods.ts';
import { zoneLabel } from './services.ts';

/** What is at an address, for output only: no rule depends on it. Texts are empty if unknown. */
interface Location {
  /** `namespace/name` of the Pod. */
  readonly pod: string;
  readonly nodeName: string;
  readonly zone: string;
}

/** A Pod that some object mentions. */
interface PodLocation {
  /** Canonical, of any family. */
  readonly addresses: readonly string[];
  readonly nodeName: string;
  /** status.phase Succeeded or Failed: its addresses, which another Pod may have by now, are left out. */
  readonly isFinished?: true;
  /** spec.hostNetwork: its addresses are those of its node. */
  readonly isHostNetwork?: true;
}

/** Everything a snapshot says about locations. */
export interface Locations {
  /** By canonical address, except those of nodes; so a Pod in the host network has no entry of its own. */
  readonly byAddress: ReadonlyMap<string, Location>;
  /** By `namespace/name`. */
  readonly pods: ReadonlyMap<string, PodLocation>;
  /** Zone of each node that has one, by the node's name. */
  readonly zones: ReadonlyMap<string, string>;
  /** The name of each node by its canonical addresses. */
  readonly nodes: ReadonlyMap<string, string>;
}

/**
 * The locations in Nodes (addresses, label topology.kubernetes.io/zone), EndpointSlices (endpoints[].targetRef, nodeName,
 * zone) and Pods (status.podIPs, spec.nodeName). Nothing is validated: malformed values count as absent, because no packet
 * depends on them.
 */
export function readLocations(documents: readonly Document[]): Locations {
  const draft: Draft = { byAddress: new Map(), pods: new Map(), zones: new Map(), nodes: new Map() };
  for (const kind of ['Node', 'EndpointSlice', 'Pod'] as const) {
    for (const { value } of documents) {
      if (isMapping(value) && value['kind'] === kind) {
        readers[kind](value, draft);
      }
    }
  }
  return draft;
}

interface Draft {
  readonly byAddress: Map<string, Location>;
  readonly pods: Map<string, PodLocation>;
  readonly zones: Map<string, string>;
  readonly nodes: Map<string, string>;
}

const readers = { Node: readNode, EndpointSlice: readSlice, Pod: readPod } as const;

function readNode(node: Mapping, { zones, nodes }: Draft): void {
  const metadata = mappingIn(node, 'metadata');
  const name = validName(metadata['name']);
  const zone = validName(mappingIn(metadata, 'labels')[zoneLabel]);
  if (zone !== '') {
    zones.set(name, zone);
  }
  for (const entry of listIn(mappingIn(node, 'status'), 'addresses')) {
    const address = isMapping(entry) ? addressOf(entry['address']) : undefined;
    if (address !== undefined && !nodes.has(address)) {
      nodes.set(address, name);
    }
  }
}

function readSlice(slice: Mapping, draft: Draft): void {
  const namespace = validName(mappingIn(slice, 'metadata')['namespace']) || 'default';
  for (const endpoint of listIn(slice, 'endpoints')) {
    if (isMapping(endpoint)) {
      readEndpoint(endpoint, namespace, draft);
    }
  }
}

/** A large cluster has a hundred thousand of them. */
function readEndpoint(endpoint: Mapping, namespace: string, draft: Draft): void {
  const target = mappingIn(endpoint, 'targetRef');
  const podName = target['kind'] === 'Pod' ? validName(target['name']) : '';
  const pod = podName && `${validName(target['namespace']) || namespace}/${podName}`;
  const nodeName = validName(endpoint['nodeName']);
  const zone = validName(endpoint['zone']) || (draft.zones.get(nodeName) ?? '');
  for (const text of listIn(endpoint, 'addresses')) {
    addSighting(draft, addressOf(text), { pod, nodeName, zone });
  }
}

function readPod(object: Mapping, draft: Draft): void {
  const facts = readPodFacts(object);
  if (!facts) {
    return;
  }
  const { nodeName, addresses, isHostNetwork, state } = facts;
  const pod = `${facts.namespace}/${facts.name}`;
  // A finished Pod keeps its address in the API, but another Pod may have it by now.
  const isFinished = state.word === 'finished';
  addPod(draft, pod, { nodeName, ...(isFinished && { isFinished }), ...(isHostNetwork && { isHostNetwork }) });
  const zone = draft.zones.get(nodeName) ?? '';
  for (const address of isFinished ? [] : addresses) {
    addSighting(draft, address, { pod, nodeName, zone });
  }
}

/** What the Pod object says adds to what EndpointSlices said. */
function addPod({ pods }: Draft, name: string, facts: Omit<PodLocation, 'addresses'>): void {
  const known = pods.get(name);
  const addresses = facts.isFinished ? [] : (known?.addresses ?? []);
  pods.set(name, { ...facts, addresses, nodeName: facts.nodeName || (known?.nodeName ?? '') });
}

/** Merges what an object says with what earlier ones said. */
function addSighting({ byAddress, pods, nodes }: Draft, address: string | undefined, location: Location): void {
  if (address === undefined) {
    return;
  }
  const { pod, nodeName, zone } = location;
  if (pod !== '') {
    const known = pods.get(pod);
    if (!known) {
      pods.set(pod, { addresses: [address], nodeName });
    } else if (!known.addresses.includes(address) || known.nodeName === '') {
      const addresses = [...new Set([...known.addresses, address])];
      pods.set(pod, { ...known, addresses, nodeName: known.nodeName || nodeName });
    }
  }
  if (!nodes.has(address)) {
    const before = byAddress.get(address);
    byAddress.set(
      address,
      before ? { pod: pod || before.pod, nodeName: nodeName || before.nodeName, zone: zone || before.zone } : location,
    );
  }
}

function addressOf(value: unknown): string | undefined {
  return typeof value === 'string' ? canonicalAddress(value) : undefined;
}
