import { cidrContains, isLoopback, parseCidr } from '../address.ts';
import { nameOfFamily } from '../family-names.ts';
import type { ServicePort } from '../phases/3-model/model.ts';
import { displayName } from '../phases/5-plan/names.ts';
import type { ServiceNote } from '../places/read-service-notes.ts';
import { socketText } from '../socket-text.ts';
import type { Findings, Knowledge } from './explain-context.ts';
import type { Explanation } from './explanation.ts';
import { kindsOf } from './find-frontends.ts';
import { nearestAddress } from './nearest-address.ts';
import { nodePortAddressesText } from './node-port-addresses-text.ts';

type Reason = Explanation['reason'];

/** Why no rule takes a packet: the thing that it nearly was. */
export function findNearMiss(findings: Findings): Reason {
  const { knowledge } = findings;
  if (!knowledge) {
    return { code: 'no-service', text: 'no rule of this table is about it' };
  }
  return (
    missedService(findings, knowledge) ??
    missedNodePort(findings, knowledge) ??
    missedPort(findings) ??
    missedEndpoint(findings, knowledge) ?? {
      code: 'no-service',
      text: `${findings.packet.destination} belongs to no Service${findNearestService(findings)}`,
    }
  );
}

/** The destination is the node's own address, or another node's. */
function missedNodePort({ packet, localAddresses }: Findings, knowledge: Knowledge): Reason | undefined {
  const { destination, protocol, port } = packet;
  const { view, places, notes } = knowledge;
  const node = places.nodes.get(destination);
  const isHere = localAddresses.includes(destination) || isLoopback(destination);
  if (!isHere && node === undefined) {
    return undefined;
  }
  const owner = view.servicePorts.find((one) => one.nodePort === port && one.protocol === protocol);
  if (!isHere) {
    const what = owner
      ? `node port ${port} (${displayName(owner)}) is for the rules of ${node}`
      : 'its own rules decide';
    return { code: 'other-node', text: `${destination} is node ${node}: ${what}` };
  }
  const check = notes.find(({ healthCheckNodePort }) => healthCheckNodePort === port && protocol === 'tcp');
  if (check) {
    const text = `${port} is the healthCheckNodePort of ${check.namespace}/${check.name}: a process listens there, no rule`;
    return { code: 'health-check-port', text };
  }
  if (!owner) {
    return {
      code: 'no-such-node-port',
      text: `no Service has node port ${port}/${protocol}${similarPort(packet, view.servicePorts)}`,
    };
  }
  const why = isLoopback(destination)
    ? 'node ports do not answer at loopback addresses'
    : nodePortAddressesText(knowledge);
  return {
    code: 'node-port-closed',
    text: `node port ${port} of ${displayName(owner)} is not open on ${destination}: ${why}`,
  };
}

function similarPort({ port, protocol }: Findings['packet'], servicePorts: readonly ServicePort[]): string {
  const overOther = servicePorts.find((one) => one.nodePort === port);
  if (overOther) {
    return `; ${displayName(overOther)} has it over ${overOther.protocol}`;
  }
  const byPort = servicePorts.find((one) => one.port === port && one.protocol === protocol && one.nodePort > 0);
  return byPort
    ? `; ${port} is the Service's port of ${displayName(byPort)}, whose node port is ${byPort.nodePort}`
    : '';
}

/** The destination is an address of a Service, and the port is not. */
function missedPort(findings: Findings): Reason | undefined {
  const text = findWrongPort(findings);
  return text === undefined ? undefined : { code: 'wrong-port', text };
}

/** What a Service serves at the packet's destination, in place of the port asked for; undefined for no such Service. */
export function findWrongPort({ packet, knowledge }: Findings): string | undefined {
  const { destination, port, protocol } = packet;
  const ports = knowledge?.view.servicePorts.filter((one) => kindsOf(one, destination).length > 0) ?? [];
  const [first] = ports;
  if (!first) {
    return undefined;
  }
  const kind = kindsOf(first, destination)[0] ?? 'address';
  const served = ports.map((one) => `${one.port}/${one.protocol}${one.portName === '' ? '' : ` (${one.portName})`}`);
  const text = `${destination} is ${kind === 'clusterIP' ? 'the' : 'a'} ${kind} of ${first.namespace}/${first.name}, which serves ${served.join(', ')} there`;
  return `${text}${whichPort({ port, protocol }, ports)}`;
}

function whichPort(
  { port, protocol }: Pick<Findings['packet'], 'port' | 'protocol'>,
  ports: readonly ServicePort[],
): string {
  const overOther = ports.find((one) => one.port === port);
  if (overOther) {
    return `; port ${port} is served over ${overOther.protocol}, not ${protocol}`;
  }
  const target = ports.find((one) => one.endpoints.some(({ socket }) => socket.port === port));
  if (target) {
    return `; ${port} is the targetPort, at which its endpoints listen; the Service's port is ${target.port}`;
  }
  const nodePort = ports.find((one) => one.nodePort === port);
  return nodePort
    ? `; ${port} is its node port, open at addresses of nodes; the Service's port is ${nodePort.port}`
    : '';
}

/** The destination is a pod, or an endpoint of a Service. */
function missedEndpoint({ packet }: Findings, { view, places }: Knowledge): Reason | undefined {
  const { destination, port } = packet;
  const owner = view.servicePorts.find((one) =>
    one.endpoints.some(({ socket }) => socket.address === destination && socket.port === port),
  );
  const pod = places.byAddress.get(destination)?.pod;
  if (!owner && !pod) {
    return undefined;
  }
  const who = pod ? `pod ${pod}` : '';
  const what = owner ? `an endpoint of ${displayName(owner)}${who && ` (${who})`}` : who;
  const text = `${socketText({ address: destination, port })} is ${what} itself: no rule is for what is sent to it directly`;
  return { code: 'endpoint-itself', text };
}

/** The destination is one that a Service names, and that nodes leave alone, in this family or altogether. */
function missedService({ packet, localAddresses }: Findings, { view, notes }: Knowledge): Reason | undefined {
  const { destination, port, protocol } = packet;
  const proxied = notes.find(({ proxyAddresses }) => proxyAddresses.includes(destination));
  if (proxied) {
    const why = 'with ipMode Proxy: nodes leave it to the load balancer';
    return { code: 'not-served', text: `${destination} is a load balancer IP of ${nameOf(proxied)} ${why}` };
  }
  const isHere = localAddresses.includes(destination);
  const unserved = notes.find(
    (note) =>
      (note.addresses.includes(destination) || (isHere && note.nodePorts.includes(`${port}/${protocol}`))) &&
      !view.servicePorts.some(({ namespace, name }) => namespace === note.namespace && name === note.name),
  );
  if (!unserved) {
    return undefined;
  }
  const what = unserved.addresses.includes(destination) ? `${destination} is an address` : `${port} is a node port`;
  const why = unserved.unserved ?? `it has no ${nameOfFamily(view.family)} clusterIP, so none of this family is served`;
  return { code: 'not-served', text: `${what} of ${nameOf(unserved)}, which no rule serves: ${why}` };
}

function nameOf({ namespace, name }: ServiceNote): string {
  return `${namespace}/${name}`;
}

/** `; the nearest is default/api with clusterIP 10.96.0.10`; empty where none is near. */
export function findNearestService({ packet, knowledge }: Findings): string {
  const ports = knowledge?.view.servicePorts ?? [];
  const near = nearestAddress(
    packet.destination,
    ports.map(({ clusterIP }) => clusterIP),
  );
  const owner = ports.find(({ clusterIP }) => clusterIP === near);
  const isNear =
    owner && knowledge && (isInServices(packet.destination, knowledge) || isTypo(packet.destination, owner.clusterIP));
  return isNear ? `; ${owner.namespace}/${owner.name} has clusterIP ${owner.clusterIP}` : '';
}

function isInServices(address: string, { view }: Knowledge): boolean {
  return view.serviceCIDRs.some((text) => {
    const cidr = parseCidr(text);
    return cidr !== undefined && cidrContains(cidr, address);
  });
}

/** Whether all but the last part of two addresses are equal. */
function isTypo(a: string, b: string): boolean {
  const head = (address: string): string => address.replace(/[.:][^.:]*$/, '');
  return head(a) === head(b);
}
