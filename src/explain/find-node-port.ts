import { isLoopback } from '../address.ts';
import type { ServicePort } from '../phases/3-model/model.ts';
import { displayName } from '../phases/5-plan/names.ts';
import type { Findings, Knowledge } from './explain-context.ts';
import type { Explanation } from './explanation.ts';
import { nodePortAddressesText } from './node-port-addresses-text.ts';

type Reason = Explanation['reason'];

/** Why a packet to an address of this node, or of another one, meets no node port; undefined for other addresses. */
export function findNodePort(findings: Findings, knowledge: Knowledge): Reason | undefined {
  const { packet, localAddresses } = findings;
  const { destination, protocol, port } = packet;
  const { view, places } = knowledge;
  const owner = view.servicePorts.find((one) => one.nodePort === port && one.protocol === protocol);
  if (!localAddresses.includes(destination) && !isLoopback(destination)) {
    return otherNode(destination, owner, places.nodes.get(destination)) ?? unknownNode(findings, owner);
  }
  const check = healthCheck(packet, knowledge);
  if (check) {
    return check;
  }
  if (!owner) {
    const text = `no Service has node port ${port}/${protocol}${similarPort(packet, view.servicePorts)}`;
    return { code: 'no-such-node-port', text };
  }
  const why = isLoopback(destination)
    ? 'node ports do not answer at loopback addresses'
    : nodePortAddressesText(findings);
  return {
    code: 'node-port-closed',
    text: `node port ${port} of ${displayName(owner)} is not open on ${destination}: ${why}`,
  };
}

function otherNode(address: string, owner: ServicePort | undefined, node: string | undefined): Reason | undefined {
  if (node === undefined) {
    return undefined;
  }
  const what = owner
    ? `node port ${owner.nodePort} (${displayName(owner)}) is for the rules of ${node}`
    : 'its own rules decide';
  return { code: 'other-node', text: `${address} is node ${node}: ${what}` };
}

/** Without an address of the node nobody can tell whether this is one. */
function unknownNode({ packet, localAddresses }: Findings, owner: ServicePort | undefined): Reason | undefined {
  if (!owner || localAddresses.length > 0) {
    return undefined;
  }
  const { port, destination } = packet;
  const text = `${port} is node port of ${displayName(owner)}; whether ${destination} is an address of the node is not known: give --node or --node-ip`;
  return { code: 'node-unknown', text };
}

function healthCheck({ port, protocol }: Findings['packet'], { notes }: Knowledge): Reason | undefined {
  const note = notes.find(({ healthCheckNodePort }) => healthCheckNodePort === port && protocol === 'tcp');
  const text = `${port} is the healthCheckNodePort of ${note?.namespace}/${note?.name}: a process listens there, no rule`;
  return note && { code: 'health-check-port', text };
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
