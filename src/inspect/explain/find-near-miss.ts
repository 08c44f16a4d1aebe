import { verdictKeyOf } from '../../frontends/frontend-address.ts';
import { readIptablesEntries } from '../../frontends/read-iptables-entries.ts';
import { selectedPods } from '../../kubernetes/endpoint-sources.ts';
import { declares, listPodPorts } from '../../kubernetes/pods.ts';
import { type ServiceNote, unservedText } from '../../kubernetes/service-notes.ts';
import { listWords } from '../../lib/text.ts';
import { addressNumber, cidrContains, isHostAddress, isLoopback, rangeOf } from '../../net/address.ts';
import { endpointText, nameOfFamily } from '../../net/network.ts';
import type { NodeView, ServicePort } from '../../phases/3-model/model.ts';
import { displayName, setNames } from '../../phases/5-plan/names.ts';
import type { Evidence, Knowledge } from './evidence.ts';
import { podAt } from './explain-endpoints.ts';
import { nodePortAddressesText } from './explain-frontend.ts';
import type { Reason } from './explanation.ts';
import { findFrontends, kindOfAddress } from './gather-evidence.ts';

/** Why no rule translates the packet: the frontend that it nearly reached, or what else is at its destination. */
export function findNearMiss(evidence: Evidence): Reason {
  const { knowledge, packet } = evidence;
  const missing = findBrokenTable(evidence) ?? findMissingEntry(evidence);
  if (missing || !knowledge) {
    return missing ?? { code: 'no-service', text: 'no rule of this table matches it' };
  }
  return (
    findMissingRule(evidence) ??
    findUnserved(evidence) ??
    findClosedNodePort(evidence, knowledge) ??
    findPort(evidence) ??
    findEndpoint(evidence, knowledge) ??
    findNodePort(evidence, knowledge) ?? {
      code: 'no-service',
      text: `${packet.destination} belongs to no Service${findNearestService(evidence)}`,
    }
  );
}

/** Part of the table is gone, so that a frontend of it leads nowhere. */
export function findBrokenTable({ damage, ruleset, packet, knowledge, localAddresses }: Evidence): Reason | undefined {
  if (!damage?.breaksFrontends) {
    return undefined;
  }
  const { destination, protocol, port } = packet;
  const isLocal = localAddresses.includes(destination);
  const keys = [{ address: destination }, ...(isLocal ? [{ address: undefined }] : [])].map(({ address }) =>
    verdictKeyOf({ address, protocol, port }),
  );
  const isInRules = ruleset.sets.some(
    ({ name, value, elements }) =>
      (value === 'verdict' && elements.some(({ key }) => keys.includes(key))) ||
      (name === setNames.clusterIps && elements.some(({ key }) => key === destination)),
  );
  const isClaimed = knowledge && findFrontends(knowledge.view, packet, { owner: undefined, localAddresses }).length > 0;
  return isInRules || isClaimed ? { code: 'damaged-table', text: damage.text } : undefined;
}

/** The rules have the frontend, but the chain that it leads to finds no endpoint for it. */
export function findMissingEntry({ paths: [path] }: Evidence): Reason | undefined {
  const value = path.frontend?.element?.value;
  if (!value || !('kind' in value) || value.kind !== 'goto' || path.picked || path.refusal) {
    return undefined;
  }
  const text = `these rules have the frontend, but chain ${value.chain} finds no endpoint for it: an element or a rule is missing`;
  return { code: 'missing-entry', text };
}

/** A Service in the snapshot has this destination, but the rules, which are older or newer, do not. */
export function findMissingRule(evidence: Evidence): Reason | undefined {
  const { knowledge, packet, localAddresses } = evidence;
  const [frontend] = knowledge ? findFrontends(knowledge.view, packet, { owner: undefined, localAddresses }) : [];
  if (!frontend || (frontend.kind === 'NodePort' && !evidence.acceptsNodePorts)) {
    return undefined;
  }
  if (isRefusedForOthers(evidence)) {
    const text = `${displayName(frontend.servicePort)} has no endpoint that can receive it, but these rules refuse only what passes the node, not what it sends itself`;
    return { code: 'no-endpoints', text };
  }
  const text = `${displayName(frontend.servicePort)} has it in the snapshot, but not in these rules: they are older or newer`;
  return { code: 'not-in-rules', text };
}

/** kube-proxy's rules of iptables do not refuse connections of the node itself to external addresses. */
function isRefusedForOthers({ ruleset, packet, isFromNode }: Evidence): boolean {
  const { destination: address, protocol, port } = packet;
  const entry =
    ruleset.language === 'iptables' && isFromNode
      ? readIptablesEntries(ruleset).get(verdictKeyOf({ address, protocol, port }))
      : undefined;
  return entry?.refusal !== undefined;
}

/** The destination belongs to a Service that nodes do not serve, in this family or at all. */
export function findUnserved({ packet, localAddresses, knowledge }: Evidence): Reason | undefined {
  const { destination, port, protocol } = packet;
  const { view, notes } = knowledge ?? { view: undefined, notes: [] };
  const proxied = notes.find(({ proxyAddresses }) => proxyAddresses.includes(destination));
  if (proxied) {
    const why = 'with ipMode Proxy: nodes leave it to the load balancer';
    return { code: 'not-served', text: `${destination} is a load balancer IP of ${nameOf(proxied)} ${why}` };
  }
  const special = isHostAddress(destination) ? undefined : notes.find((note) => note.addresses.includes(destination));
  if (special) {
    const why = 'which no rule serves: it is not the address of a host';
    return { code: 'not-served', text: `${destination} is an address of ${nameOf(special)}, ${why}` };
  }
  const isHere = localAddresses.includes(destination);
  const external = view && !view.servesExternalIPs ? findExternalIP(view, notes, { packet, isHere }) : undefined;
  if (external) {
    const why = 'which no rule serves: the feature gate AllowServiceExternalIPs is off';
    return { code: 'not-served', text: `${destination} is an external IP of ${nameOf(external)}, ${why}` };
  }
  const unserved = notes.find(
    (note) =>
      (note.addresses.includes(destination) || (isHere && note.nodePorts.includes(`${port}/${protocol}`))) &&
      !view?.servicePorts.some(({ namespace, name }) => namespace === note.namespace && name === note.name),
  );
  if (!unserved || !view) {
    return undefined;
  }
  const what = unserved.addresses.includes(destination) ? `${destination} is an address` : `${port} is a node port`;
  const family = nameOfFamily(view.family);
  const lacks =
    isHere && destination === unserved.addresses[0]
      ? `its cluster IP is an address of the node, which keeps it`
      : `it has no ${family} cluster IP, so it is not served in this family`;
  const why = unserved.unserved ? unservedText(unserved.unserved) : lacks;
  return { code: 'not-served', text: `${what} of ${nameOf(unserved)}, which no rule serves: ${why}` };
}

/**
 * The Service of which the destination is an external IP, where none is served: the Service has the address, but no
 * frontend. An address of the node may be meant for something else, unless the port fits.
 */
function findExternalIP(
  { servicePorts }: NodeView,
  notes: readonly ServiceNote[],
  { packet, isHere }: { readonly packet: Evidence['packet']; readonly isHere: boolean },
): ServiceNote | undefined {
  const { destination, port, protocol } = packet;
  const isServed = servicePorts.some(
    ({ clusterIP, loadBalancerIPs }) => clusterIP === destination || loadBalancerIPs.includes(destination),
  );
  const fits = (note: ServiceNote): boolean =>
    note.ports.some((one) => one.port === port && one.protocol === protocol) &&
    servicePorts.some(({ namespace, name }) => namespace === note.namespace && name === note.name);
  const owners = isServed ? [] : notes.filter(({ addresses }) => addresses.includes(destination));
  return owners.find(fits) ?? (isHere ? undefined : owners.find(({ unserved }) => unserved === undefined));
}

function nameOf({ namespace, name }: ServiceNote): string {
  return `${namespace}/${name}`;
}

function findClosedNodePort(evidence: Evidence, knowledge: Knowledge): Reason | undefined {
  const { packet, localAddresses } = evidence;
  const isHere = localAddresses.includes(packet.destination) || isLoopback(packet.destination);
  const reason = isHere ? findNodePort(evidence, knowledge) : undefined;
  // If no Service has this node port, it may still be that of an external IP, or of an endpoint in the host network.
  return reason?.code === 'no-such-node-port' ? undefined : reason;
}

/** The destination is an address of a Service, and the port is not. */
function findPort(evidence: Evidence): Reason | undefined {
  const text = findWrongPort(evidence);
  return text === undefined ? undefined : { code: 'wrong-port', text };
}

/** The destination is a pod, or an endpoint of a Service. */
function findEndpoint({ packet }: Evidence, knowledge: Knowledge): Reason | undefined {
  const { view, locations } = knowledge;
  const { destination, port, protocol } = packet;
  const owner = view.servicePorts.find(
    (one) =>
      one.protocol === protocol &&
      one.endpoints.some(
        ({ endpointAddress }) => endpointAddress.address === destination && endpointAddress.port === port,
      ),
  );
  const pod = locations.byAddress.get(destination)?.pod;
  if (!owner && !pod) {
    return undefined;
  }
  const who = pod ? `pod ${pod}` : '';
  const what = owner ? `an endpoint of ${displayName(owner)}${who && ` (${who})`}` : who;
  const text = `${endpointText({ address: destination, port })} is ${what} itself: no rule applies to packets sent to it directly${undeclared(packet, knowledge)}`;
  return { code: 'endpoint-itself', text };
}

/** `; the pod declares 9200, not 80`: it may listen there all the same; empty if it declares no ports, or this one. */
function undeclared({ destination, port, protocol }: Evidence['packet'], knowledge: Knowledge): string {
  const pod = podAt(destination, knowledge);
  if (!pod || pod.ports.length === 0 || declares(pod, port, protocol)) {
    return '';
  }
  const isOtherProtocol = pod.ports.some((one) => one.port === port);
  return `; the pod declares ${listPodPorts([pod])}, not ${isOtherProtocol ? `${port}/${protocol}` : port}`;
}

/** The nearest cluster IP of a Service, `; did you mean 10.96.0.10 (shop/web)?`; empty if none is near. */
export function findNearestService({ packet, knowledge }: Evidence): string {
  const { destination } = packet;
  const ports = knowledge?.view.servicePorts ?? [];
  const near = nearestAddress(
    destination,
    ports.map(({ clusterIP }) => clusterIP),
  );
  const owner = ports.find(({ clusterIP }) => clusterIP === near);
  const isNear = owner && knowledge && (isInServices(destination, knowledge) || isTypo(destination, owner.clusterIP));
  return isNear ? `; did you mean ${owner.clusterIP} (${owner.namespace}/${owner.name})?` : '';
}

function isInServices(address: string, { view }: Knowledge): boolean {
  return view.serviceCIDRs.some((text) => {
    const range = rangeOf(text);
    return range !== undefined && cidrContains(range, address);
  });
}

/** Whether all but the last part of two addresses are equal. */
function isTypo(a: string, b: string): boolean {
  const head = (address: string): string => address.replace(/[.:][^.:]*$/, '');
  return head(a) === head(b);
}

/** Why a packet to an address of this node, or of another one, reaches no node port; undefined for other addresses. */
function findNodePort(evidence: Evidence, knowledge: Knowledge): Reason | undefined {
  const { packet, localAddresses } = evidence;
  const { destination, protocol, port } = packet;
  const { view, locations } = knowledge;
  const owner = view.servicePorts.find((one) => one.nodePort === port && one.protocol === protocol);
  if (!localAddresses.includes(destination) && !isLoopback(destination)) {
    return otherNode(destination, owner, locations.nodes.get(destination)) ?? unknownNode(evidence, owner);
  }
  const check = healthCheck(packet, knowledge);
  if (check) {
    return check;
  }
  if (!owner) {
    const text = `no Service has node port ${port}/${protocol}${similarPort(packet, view.servicePorts)}`;
    return { code: 'no-such-node-port', text };
  }
  const what = `node port ${port} of ${displayName(owner)}`;
  const listener = view.localhostNodePorts === 'served' && protocol === 'tcp' ? listenerOf(view) : undefined;
  if (destination === listener) {
    const text = `${what} is served on ${destination} by svc2nft agent while it runs, not by a rule`;
    return { code: 'localhost-node-port', text };
  }
  const why = isLoopback(destination) ? closedAtLoopback(listener, evidence) : nodePortAddressesText(evidence);
  return { code: 'node-port-closed', text: `${what} is not open on ${destination}: ${why}` };
}

/** Where the agent listens for node ports of TCP. */
function listenerOf({ family }: Knowledge['view']): string {
  return family === 'ip' ? '127.0.0.1' : '::1';
}

function closedAtLoopback(listener: string | undefined, { ruleset }: Evidence): string {
  if (ruleset.language === 'iptables') {
    return 'these rules do not open node ports on loopback addresses';
  }
  return listener === undefined
    ? 'node ports are never open on loopback addresses'
    : `of the loopback addresses, svc2nft agent serves ${listener} only`;
}

function otherNode(address: string, owner: ServicePort | undefined, node: string | undefined): Reason | undefined {
  if (node === undefined) {
    return undefined;
  }
  const what = owner ? `handle node port ${owner.nodePort} (${displayName(owner)})` : 'apply there';
  return { code: 'other-node', text: `${address} is node ${node}, whose own rules ${what}: use --node ${node}` };
}

/** Without any address of the node, it is unknown whether the destination is one. */
function unknownNode({ packet, localAddresses }: Evidence, owner: ServicePort | undefined): Reason | undefined {
  if (!owner || localAddresses.length > 0) {
    return undefined;
  }
  const { port, destination } = packet;
  const text = `${port} is a node port of ${displayName(owner)}, but it is not known whether ${destination} is an address of the node: use --node or --node-ip`;
  return { code: 'node-unknown', text };
}

function healthCheck({ port, protocol }: Evidence['packet'], { notes }: Knowledge): Reason | undefined {
  const note = notes.find(({ healthCheckNodePort }) => healthCheckNodePort === port && protocol === 'tcp');
  const text = `${port} is the healthCheckNodePort of ${note?.namespace}/${note?.name}: a process answers there, not a rule`;
  return note && { code: 'health-check-port', text };
}

function similarPort({ port, protocol }: Evidence['packet'], servicePorts: readonly ServicePort[]): string {
  const overOther = servicePorts.find((one) => one.nodePort === port);
  if (overOther) {
    return `; ${displayName(overOther)} has it over ${overOther.protocol}`;
  }
  const byPort = servicePorts.find((one) => one.port === port && one.protocol === protocol && one.nodePort > 0);
  return byPort ? `; ${port} is the Service port of ${displayName(byPort)}, whose node port is ${byPort.nodePort}` : '';
}

/**
 * The address that is numerically nearest to `target`; all are canonical and of one family. Undefined if there are
 * none.
 */
function nearestAddress(target: string, addresses: readonly string[]): string | undefined {
  const number = addressNumber(target);
  let nearest: string | undefined;
  let least: bigint | undefined;
  for (const address of addresses) {
    const difference = addressNumber(address) - number;
    const distance = difference < 0n ? -difference : difference;
    if (least === undefined || distance < least) {
      nearest = address;
      least = distance;
    }
  }
  return nearest;
}

/** How many items of a list are written. */
const shown = 8;

/**
 * The ports that Services serve at the packet's address, and what the packet's port is instead; undefined if no Service
 * has the address.
 */
export function findWrongPort({ packet, knowledge }: Evidence): string | undefined {
  const { destination } = packet;
  const ports = knowledge?.view.servicePorts.filter((one) => kindOfAddress(one, destination) !== undefined) ?? [];
  const services = [...new Set(ports.map(serviceName))];
  if (services.length === 0) {
    return undefined;
  }
  const [only] = services;
  if (only !== undefined && services.length === 1) {
    const text = findOtherProtocol(packet, ports, knowledge);
    if (text !== undefined) {
      return `${only} ${text}`;
    }
    return `${only} listens on ${listPorts(ports)}${whichPort(packet, ports)}`;
  }
  const texts = services.slice(0, shown).map((service) => {
    const own = ports.filter((one) => serviceName(one) === service);
    return `${service}, which listens on ${listPorts(own)}`;
  });
  const more = services.length > shown ? `, and of ${services.length - shown} more Services` : '';
  return `${destination} is an address of ${texts.join(', and of ')}${more}${whichPort(packet, ports)}`;
}

/**
 * The Service has the number over another protocol: `has port 8125 over tcp only (ingest), not udp`, and whether its pods
 * declare it over that of the packet, so that the Service is wrong.
 */
function findOtherProtocol(
  { port, protocol }: Evidence['packet'],
  ports: readonly ServicePort[],
  knowledge: Knowledge | undefined,
): string | undefined {
  const others = ports.filter((one) => one.port === port && one.protocol !== protocol);
  const [first] = others;
  if (!first) {
    return undefined;
  }
  const protocols = listWords([...new Set(others.map((one) => one.protocol))]);
  const names = [...new Set(others.map(({ portName }) => portName))].filter(Boolean);
  const label = names.length > 0 ? ` (${names.join(', ')})` : '';
  const numbers = new Set([port, ...others.flatMap((one) => one.endpoints.map((to) => to.endpointAddress.port))]);
  const pods = knowledge ? selectedPods(first.namespace, first.name, knowledge.sources) : [];
  const declared = [...numbers].filter((number) => pods.some((pod) => declares(pod, number, protocol)));
  const hint =
    declared.length > 0 ? `; its pods declare ${declared.map((number) => `${number}/${protocol}`).join(', ')}` : '';
  return `has port ${port} over ${protocols} only${label}, not ${protocol}${hint}`;
}

function serviceName({ namespace, name }: ServicePort): string {
  return `${namespace}/${name}`;
}

function listPorts(ports: readonly ServicePort[]): string {
  const texts = ports.map((one) => `${one.port}/${one.protocol}${one.portName === '' ? '' : ` (${one.portName})`}`);
  return texts.length > shown
    ? `${texts.slice(0, shown).join(', ')} and ${texts.length - shown} more ports`
    : texts.join(', ');
}

/** What else the packet's port is to one of the Services. */
function whichPort(
  { port, protocol }: Pick<Evidence['packet'], 'port' | 'protocol'>,
  ports: readonly ServicePort[],
): string {
  if (ports.some((one) => one.port === port && one.protocol !== protocol)) {
    return `, not over ${protocol}`;
  }
  const ofProtocol = ports.filter((one) => one.protocol === protocol);
  if (ofProtocol.some((one) => one.endpoints.some(({ endpointAddress }) => endpointAddress.port === port))) {
    return `; ${port} is its target port`;
  }
  return ofProtocol.some((one) => one.nodePort === port)
    ? `; ${port} is its node port, which is open on node addresses`
    : `, not on ${port}`;
}
