import type { Locations } from '../../kubernetes/locations.ts';
import { cidrContains, familyOfAddress, isLoopback, rangeOf } from '../../net/address.ts';
import { type Family, nameOfFamily } from '../../net/network.ts';
import type { NodeView } from '../../phases/3-model/model.ts';
import type { Packet } from '../../walk/fate.ts';
import { type KnownClient, nodeOfClient, podOfClient } from './resolve-names.ts';

/** Where a client is looked up. */
interface Surroundings {
  readonly destination: string;
  readonly localAddresses: readonly string[];
  /** Whether the destination is a cluster IP, by rules or snapshot. */
  readonly isClusterIP: boolean;
  /** Undefined without a snapshot. */
  readonly known: { readonly view: NodeView; readonly locations: Locations } | undefined;
}

/** The source of a packet, and a remark about it. */
interface ResolvedClient extends Pick<Packet, 'source' | 'inputInterface'> {
  readonly remark?: string;
}

/** The source address that a client uses for a destination; a text that says why there is none. */
export function resolveClient(client: KnownClient, surroundings: Surroundings): ResolvedClient | string {
  const resolved = findSource(client, surroundings);
  if (typeof resolved === 'string') {
    return resolved;
  }
  const { source } = resolved;
  const remark = elsewhere(client, source, surroundings);
  return remark === undefined ? resolved : { source, remark };
}

/** A remark for a client on another node than that of the rules, or which is one; undefined for others. */
function elsewhere(client: KnownClient, source: string, { known, localAddresses }: Surroundings): string | undefined {
  const isLocal = client.kind === 'address' && localAddresses.includes(source);
  const node = known && !isLocal && nodeOfClient(client, known.locations);
  const own = known?.view.nodeName;
  return !node || !own || node === own
    ? undefined
    : `${packetsOf(client, source, { node, locations: known.locations })} pass the rules of ${node} first; these are the rules of ${own}`;
}

function packetsOf(
  client: KnownClient,
  source: string,
  { node, locations }: { readonly node: string; readonly locations: Locations },
): string {
  const pod = podOfClient(client, locations);
  if (pod) {
    return `Pod ${pod} runs on ${node}, so its packets`;
  }
  return locations.nodes.has(source) ? `the packets of ${node}` : `${source} is on ${node}, so its packets`;
}

function findSource(client: KnownClient, surroundings: Surroundings): ResolvedClient | string {
  switch (client.kind) {
    case 'address':
      return resolveAddress(client.address, surroundings);
    case 'node':
      return resolveOwnNode(surroundings);
    case 'outside':
      return { source: outsideAddress(surroundings), ...(surroundings.isClusterIP && { remark: notRouted }) };
    case 'pod':
      return resolvePod(client, surroundings);
    case 'other-node':
      return resolveOtherNode(client, surroundings);
  }
}

const notRouted =
  'cluster IPs are usually not routed outside the cluster: their verdict assumes that the packet reaches the node';

function resolveAddress(source: string, surroundings: Surroundings): ResolvedClient | string {
  const { destination, known } = surroundings;
  const [from, to] = [familyOfAddress(source), familyOfAddress(destination)];
  if (from !== to) {
    return `source ${source} is ${nameOfFamily(from)}, but destination ${destination} is ${nameOfFamily(to)}`;
  }
  const location = known?.locations.byAddress.get(source);
  const isPodHere = location?.nodeName && location.nodeName === known?.view.nodeName;
  return {
    source,
    ...(isPodHere ? interfaceOf(source, surroundings) : {}),
    ...(surroundings.isClusterIP && isKnownOutside(source, surroundings) && { remark: notRouted }),
  };
}

/** The kernel uses a local destination as source, and otherwise the address of the outgoing interface. */
function resolveOwnNode({ destination, localAddresses }: Surroundings): ResolvedClient | string {
  const family = familyOfAddress(destination);
  const source =
    localAddresses.includes(destination) || isLoopback(destination)
      ? destination
      : localAddresses.find((address) => familyOfAddress(address) === family);
  return source === undefined ? `no ${nameOfFamily(family)} address of the node is known; use --node-ip` : { source };
}

function resolveOtherNode(
  { name, addresses }: Extract<KnownClient, { kind: 'other-node' }>,
  { destination }: Surroundings,
): ResolvedClient | string {
  const family = familyOfAddress(destination);
  const source = addresses.find((address) => familyOfAddress(address) === family);
  return source === undefined ? `Node ${name} has no ${nameOfFamily(family)} address` : { source };
}

/** Documentation addresses (RFC 5737, RFC 3849), and others in case the cluster uses them. */
const externalAddresses: Readonly<Record<Family, readonly string[]>> = {
  ip: ['203.0.113.1', '198.51.100.1', '192.0.2.1', '100.127.255.1'],
  ip6: ['2001:db8:ffff::1', '2001:db8::1', '3fff:ffff::1', '2600::1'],
};

/** An address that the cluster does not use. */
function outsideAddress(surroundings: Surroundings): string {
  const { destination } = surroundings;
  const candidates = externalAddresses[familyOfAddress(destination)];
  return candidates.find((address) => isUnused(address, surroundings)) ?? candidates[0] ?? destination;
}

/** Whether neither Nodes nor pods have an address, by a snapshot that has Nodes and the range of the pods. */
function isKnownOutside(address: string, surroundings: Surroundings): boolean {
  const { known } = surroundings;
  const isComplete = known?.view.detector?.kind === 'source' && known.locations.nodes.size > 0;
  return isComplete && !isLoopback(address) && isUnused(address, surroundings);
}

function isUnused(address: string, { localAddresses, known }: Surroundings): boolean {
  const ranges = known
    ? [...known.view.serviceCIDRs, ...(known.view.detector?.kind === 'source' ? [known.view.detector.cidr] : [])]
    : [];
  return (
    !localAddresses.includes(address) &&
    !known?.locations.byAddress.has(address) &&
    !known?.locations.nodes.has(address) &&
    !ranges.some((range) => isIn(range, address))
  );
}

function isIn(text: string, address: string): boolean {
  const range = rangeOf(text);
  return range !== undefined && cidrContains(range, address);
}

function resolvePod(
  { namespace, name }: Extract<KnownClient, { kind: 'pod' }>,
  surroundings: Surroundings,
): ResolvedClient | string {
  const { destination, known, localAddresses } = surroundings;
  if (!known) {
    return 'the name of a Pod needs a snapshot: give PATH, or use the address of the Pod';
  }
  const { locations } = known;
  const full = `${namespace}/${name}`;
  const pod = locations.pods.get(full);
  if (!pod) {
    return `no Pod or EndpointSlice in the input names Pod ${full}`;
  }
  const source = pod.addresses.find((address) => familyOfAddress(address) === familyOfAddress(destination));
  if (source === undefined && pod.addresses.length === 0) {
    return pod.isFinished
      ? `Pod ${full} has finished: it sends no packets`
      : `Pod ${full} has no address yet: it has not started`;
  }
  if (source === undefined) {
    return `Pod ${full} has no ${nameOfFamily(familyOfAddress(destination))} address`;
  }
  const isOwnNode = localAddresses.includes(source);
  const remark = `Pod ${full} uses the host network: its packets are those of ${isOwnNode ? 'the node' : `node ${pod.nodeName}`}`;
  return { source, ...interfaceOf(source, surroundings), ...((pod.isHostNetwork || isOwnNode) && { remark }) };
}

/** With a detector by interface, the interface of a pod on this node; none for a pod in the host network. */
function interfaceOf(source: string, { known, localAddresses }: Surroundings): Pick<Packet, 'inputInterface'> {
  const detector = known?.view.detector;
  if (detector?.kind !== 'interface' || localAddresses.includes(source)) {
    return {};
  }
  return { inputInterface: detector.prefix ? `${detector.name}0`.slice(0, 15) : detector.name };
}
