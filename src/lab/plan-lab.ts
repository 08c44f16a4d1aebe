/**
 * What a lab consists of, as it follows from the objects of a cluster. Nothing is validated: malformed values count as absent, and
 * names that no object of an API server can have are left out.
 */

import { isLabel } from '../dns/dns-names.ts';
import { containerPorts, podAddresses, validName } from '../kubernetes/pods.ts';
import { namespaceOf, ownerLabel, zoneLabel } from '../kubernetes/services.ts';
import { pushTo } from '../lib/lists.ts';
import { isMapping, listIn, type Mapping, mappingIn, textIn } from '../lib/unknown-values.ts';
import { canonicalAddress, isHostAddress } from '../net/address.ts';
import { isPortNumber } from '../net/network.ts';
import type { AnsweredPort, Identity } from './answer-ports.ts';

/** What a lab has to have now. */
export interface LabPlan {
  readonly nodes: readonly LabNode[];
  readonly hosts: readonly LabHost[];
  /** Remarks about what the lab cannot do as the objects say, in words. */
  readonly notes: readonly string[];
}

/** A node: a network namespace with a ruleset. */
export interface LabNode {
  readonly name: string;
  readonly zone: string;
  /** Canonical; at least one. */
  readonly addresses: readonly string[];
  readonly isReady: boolean;
  /** Of Pods with the network of the host, and of endpoints at addresses of the node. */
  readonly ports: readonly AnsweredPort[];
}

/** A network namespace with addresses that answer: a Pod, or an address with endpoints that is not a Pod's. */
export interface LabHost {
  /** `shop/cart-0`, or the address. */
  readonly name: string;
  readonly kind: 'pod' | 'address';
  /** Of a Pod. */
  readonly namespace: string;
  /** Empty for an address outside of the cluster. */
  readonly node: string;
  /** Canonical; at least one. */
  readonly addresses: readonly string[];
  /** A name that a machine may have. */
  readonly hostname: string;
  readonly ports: readonly AnsweredPort[];
  /** Ports at which it serves the DNS of the cluster. */
  readonly dnsPorts: readonly number[];
}

/** The domain of all labs. */
export const clusterDomain = 'cluster.local';

/** The Service of the cluster's DNS. */
export const dnsService = { namespace: 'kube-system', name: 'kube-dns' } as const;

/** A port at an address, as EndpointSlices have it. */
interface EndpointPort {
  readonly protocol: 'tcp' | 'udp';
  readonly port: number;
  readonly isDns: boolean;
}

/** The plan of a cluster, in the order of its objects. */
export function planLab(objects: readonly Mapping[]): LabPlan {
  const ofKind = (kind: string): Mapping[] => objects.filter((object) => object['kind'] === kind);
  const notes: string[] = [];
  const taken = new Set<string>();
  /** Whether nobody has its addresses yet; then it gets them. */
  const takes = ({ name, addresses }: Pick<LabHost, 'name' | 'addresses'>): boolean => {
    const isFree = !addresses.some((address) => taken.has(address));
    if (!isFree) {
      notes.push(`${name} has an address that others have, too; it is left out`);
    }
    for (const address of isFree ? addresses : []) {
      taken.add(address);
    }
    return isFree;
  };
  const nodes = ofKind('Node')
    .flatMap((node) => readNode(node) ?? [])
    .filter(takes);
  const zones = new Map(nodes.map(({ name, zone }) => [name, zone]));
  const endpoints = readEndpoints(ofKind('EndpointSlice'));
  const pods = ofKind('Pod').flatMap((pod) => readPod(pod, { zones, endpoints }) ?? []);
  const hosts = pods
    .filter(({ isHostNetwork }) => !isHostNetwork)
    .map(({ host }) => host)
    .filter(takes);
  const others = [...endpoints].filter(([address]) => !taken.has(address));
  return {
    nodes: nodes.map((node) => ({ ...node, ports: portsOfNode(node, pods, endpoints) })),
    hosts: [
      ...hosts,
      ...others.map(([address, { ports, node }]) => addressHost(address, ports, zones.has(node) ? node : '')),
    ],
    notes: [...notes, ...notesOnProtocols(ofKind('Service'))],
  };
}

function readNode(node: Mapping): Omit<LabNode, 'ports'> | undefined {
  const metadata = mappingIn(node, 'metadata');
  const [name, status] = [validName(metadata['name']), mappingIn(node, 'status')];
  const addresses = listIn(status, 'addresses')
    .filter(isMapping)
    .filter((one) => one['type'] === 'InternalIP')
    .flatMap((one) => hostAddress(one['address']));
  const isReady = !listIn(status, 'conditions').some(
    (one) => isMapping(one) && one['type'] === 'Ready' && one['status'] !== 'True',
  );
  const zone = validName(mappingIn(metadata, 'labels')[zoneLabel]);
  return name === '' || addresses.length === 0 ? undefined : { name, zone, addresses, isReady };
}

function hostAddress(text: unknown): string[] {
  const address = typeof text === 'string' ? canonicalAddress(text) : undefined;
  return address !== undefined && isHostAddress(address) ? [address] : [];
}

/** What slices say about an address. */
interface AddressEndpoints {
  readonly ports: EndpointPort[];
  /** The first that a slice names; empty if none does. */
  readonly node: string;
}

function readEndpoints(slices: readonly Mapping[]): Map<string, AddressEndpoints> {
  const found = new Map<string, AddressEndpoints>();
  for (const slice of slices) {
    const metadata = mappingIn(slice, 'metadata');
    const isDns =
      namespaceOf(metadata) === dnsService.namespace && mappingIn(metadata, 'labels')[ownerLabel] === dnsService.name;
    const ports = listIn(slice, 'ports')
      .filter(isMapping)
      .flatMap((port) => endpointPort(port, isDns));
    for (const endpoint of listIn(slice, 'endpoints').filter(isMapping)) {
      // Others are never used.
      const [address] = hostAddress(listIn(endpoint, 'addresses')[0]);
      if (address !== undefined) {
        const known = found.get(address) ?? { ports: [], node: validName(endpoint['nodeName']) };
        found.set(address, known);
        known.ports.push(...ports);
      }
    }
  }
  return found;
}

function endpointPort(port: Mapping, isDns: boolean): EndpointPort[] {
  const number = port['port'];
  const protocol = (textIn(port, 'protocol') || 'TCP').toLowerCase();
  return typeof number === 'number' && isPortNumber(number) && (protocol === 'tcp' || protocol === 'udp')
    ? [{ protocol, port: number, isDns: isDns && textIn(port, 'name') !== 'metrics' }]
    : [];
}

interface PodSources {
  readonly zones: ReadonlyMap<string, string>;
  readonly endpoints: ReadonlyMap<string, AddressEndpoints>;
}

/** Undefined for a Pod that does not run on a node. */
function readPod(
  pod: Mapping,
  { zones, endpoints }: PodSources,
): { readonly host: LabHost; readonly isHostNetwork: boolean } | undefined {
  const [metadata, spec, status] = [mappingIn(pod, 'metadata'), mappingIn(pod, 'spec'), mappingIn(pod, 'status')];
  const [namespace, name, node] = [namespaceOf(metadata), validName(metadata['name']), textIn(spec, 'nodeName')];
  const zone = zones.get(node);
  const addresses = podAddresses(status).filter(isHostAddress);
  const isOver = ['Succeeded', 'Failed', 'Pending'].includes(textIn(status, 'phase'));
  if (!isLabel(namespace) || name === '' || zone === undefined || addresses.length === 0 || isOver) {
    return undefined;
  }
  const fullName = `${namespace}/${name}`;
  const declared = containerPorts(spec).flatMap((one) =>
    endpointPort({ ...one, name: '', port: one['containerPort'] }, false),
  );
  const isHostNetwork = spec['hostNetwork'] === true;
  const served = isHostNetwork ? [] : addresses.flatMap((address) => endpoints.get(address)?.ports ?? []);
  const hostname = [textIn(spec, 'hostname'), name.toLowerCase()].find(isLabel) ?? 'pod';
  return {
    isHostNetwork,
    host: {
      ...{ name: fullName, kind: 'pod', namespace, node, addresses, hostname },
      ...splitPorts([...served, ...declared], { name: fullName, node, zone }),
    },
  };
}

/** DNS is served in place of an answer. */
function splitPorts(ports: readonly EndpointPort[], identity: Identity): Pick<LabHost, 'ports' | 'dnsPorts'> {
  const dns = ports.filter(({ isDns }) => isDns).map(({ port }) => port);
  const others = ports.filter(({ port }) => !dns.includes(port));
  const byKey = new Map(others.map(({ protocol, port }) => [`${protocol} ${port}`, { protocol, port, identity }]));
  return { ports: [...byKey.values()], dnsPorts: [...new Set(dns)] };
}

/** All ports at which a host answers, those of DNS over both protocols. */
export function portsOfHost({ ports, dnsPorts }: LabHost): Pick<AnsweredPort, 'protocol' | 'port'>[] {
  const dns = dnsPorts.flatMap((port) => [{ protocol: 'udp', port } as const, { protocol: 'tcp', port } as const]);
  return [...ports.map(({ protocol, port }) => ({ protocol, port })), ...dns];
}

function addressHost(address: string, ports: readonly EndpointPort[], node: string): LabHost {
  return {
    ...{ name: address, kind: 'address', namespace: '', node, addresses: [address], hostname: 'endpoint' },
    ...splitPorts(ports, { name: address, node, zone: '' }),
  };
}

/** Those of Pods with the network of the host, then those of endpoints at its addresses; each port once. */
function portsOfNode(
  { name, zone, addresses }: Omit<LabNode, 'ports'>,
  pods: readonly { readonly host: LabHost; readonly isHostNetwork: boolean }[],
  endpoints: ReadonlyMap<string, AddressEndpoints>,
): AnsweredPort[] {
  const ports = new Map<string, AnsweredPort>();
  const add = (port: AnsweredPort): void => {
    const key = `${port.protocol} ${port.port}`;
    ports.set(key, ports.get(key) ?? port);
  };
  for (const { host, isHostNetwork } of pods) {
    if (isHostNetwork && host.node === name) {
      host.ports.forEach(add);
    }
  }
  for (const { protocol, port } of addresses.flatMap((address) => endpoints.get(address)?.ports ?? [])) {
    add({ protocol, port, identity: { name, node: name, zone } });
  }
  return [...ports.values()];
}

function notesOnProtocols(services: readonly Mapping[]): string[] {
  const names = new Map<string, string[]>();
  for (const service of services) {
    const metadata = mappingIn(service, 'metadata');
    const ports = listIn(mappingIn(service, 'spec'), 'ports').filter(isMapping);
    if (ports.some(({ protocol }) => protocol === 'SCTP')) {
      pushTo(names, 'SCTP', `${namespaceOf(metadata)}/${validName(metadata['name'])}`);
    }
  }
  const sctp = names.get('SCTP') ?? [];
  return sctp.length > 0 ? [`nothing answers SCTP in a lab: ${sctp.join(', ')}`] : [];
}
