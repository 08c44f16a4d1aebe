import { cidrContains, isLoopback, rangeOf } from '../address.ts';
import { nameOfFamily } from '../family-names.ts';
import { displayName } from '../phases/5-plan/names.ts';
import type { ServiceNote } from '../places/read-service-notes.ts';
import { unservedText } from '../places/unserved-text.ts';
import { socketText } from '../socket-text.ts';
import type { Findings, Knowledge } from './explain-context.ts';
import { acceptsNodePorts } from './explain-policy.ts';
import type { Explanation } from './explanation.ts';
import { findFrontends } from './find-frontends.ts';
import { findNodePort } from './find-node-port.ts';
import { findWrongPort } from './find-wrong-port.ts';
import { nearestAddress } from './nearest-address.ts';

type Reason = Explanation['reason'];

/** Why no rule takes a packet: the thing that it nearly was. */
export function findNearMiss(findings: Findings): Reason {
  const { knowledge, packet } = findings;
  const missing = findMissingEntry(findings);
  if (missing || !knowledge) {
    return missing ?? { code: 'no-service', text: 'no rule of this table is about it' };
  }
  return (
    findMissingRule(findings) ??
    findUnserved(findings) ??
    findClosedNodePort(findings, knowledge) ??
    findPort(findings) ??
    findEndpoint(findings, knowledge) ??
    findNodePort(findings, knowledge) ?? {
      code: 'no-service',
      text: `${packet.destination} belongs to no Service${findNearestService(findings)}`,
    }
  );
}

/** The rules know the frontend, and the chain that it leads to finds no endpoint for it. */
export function findMissingEntry({ ways: [way] }: Findings): Reason | undefined {
  const value = way.frontend?.element?.value;
  if (!value || !('kind' in value) || value.kind !== 'goto' || way.picked || way.refusal) {
    return undefined;
  }
  const text = `these rules know the frontend, but chain ${value.chain} finds no endpoint for it: an element or a rule is missing`;
  return { code: 'missing-entry', text };
}

/** A Service of the snapshot has this very destination, and the rules, which are others than the snapshot's, do not. */
export function findMissingRule(findings: Findings): Reason | undefined {
  const { knowledge, packet, localAddresses } = findings;
  const [frontend] = knowledge ? findFrontends(knowledge.view, packet, { owner: undefined, localAddresses }) : [];
  if (!frontend || (frontend.kind === 'node port' && !acceptsNodePorts(findings))) {
    return undefined;
  }
  const text = `${displayName(frontend.servicePort)} has it in the snapshot, and these rules do not: they are older or newer`;
  return { code: 'not-in-rules', text };
}

/** The destination is one that a Service names, and that nodes leave alone, in this family or altogether. */
export function findUnserved({ packet, localAddresses, knowledge }: Findings): Reason | undefined {
  const { destination, port, protocol } = packet;
  const { view, notes } = knowledge ?? { view: undefined, notes: [] };
  const proxied = notes.find(({ proxyAddresses }) => proxyAddresses.includes(destination));
  if (proxied) {
    const why = 'with ipMode Proxy: nodes leave it to the load balancer';
    return { code: 'not-served', text: `${destination} is a load balancer IP of ${nameOf(proxied)} ${why}` };
  }
  const isHere = localAddresses.includes(destination);
  const unserved = notes.find(
    (note) =>
      (note.addresses.includes(destination) || (isHere && note.nodePorts.includes(`${port}/${protocol}`))) &&
      !view?.servicePorts.some(({ namespace, name }) => namespace === note.namespace && name === note.name),
  );
  if (!unserved || !view) {
    return undefined;
  }
  const what = unserved.addresses.includes(destination) ? `${destination} is an address` : `${port} is a node port`;
  const lacks = `it has no ${nameOfFamily(view.family)} clusterIP, so none of this family is served`;
  const why = unserved.unserved ? unservedText(unserved.unserved) : lacks;
  return { code: 'not-served', text: `${what} of ${nameOf(unserved)}, which no rule serves: ${why}` };
}

function nameOf({ namespace, name }: ServiceNote): string {
  return `${namespace}/${name}`;
}

function findClosedNodePort(findings: Findings, knowledge: Knowledge): Reason | undefined {
  const { packet, localAddresses } = findings;
  const isHere = localAddresses.includes(packet.destination) || isLoopback(packet.destination);
  const reason = isHere ? findNodePort(findings, knowledge) : undefined;
  // A port that nobody has may still be that of an external IP, or of an endpoint in the host network.
  return reason?.code === 'no-such-node-port' ? undefined : reason;
}

/** The destination is an address of a Service, and the port is not. */
function findPort(findings: Findings): Reason | undefined {
  const text = findWrongPort(findings);
  return text === undefined ? undefined : { code: 'wrong-port', text };
}

/** The destination is a pod, or an endpoint of a Service. */
function findEndpoint({ packet }: Findings, { view, places }: Knowledge): Reason | undefined {
  const { destination, port, protocol } = packet;
  const owner = view.servicePorts.find(
    (one) =>
      one.protocol === protocol &&
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

/** `; default/api has clusterIP 10.96.0.10`, the nearest; empty where none is near. */
export function findNearestService({ packet, knowledge }: Findings): string {
  const { destination } = packet;
  const ports = knowledge?.view.servicePorts ?? [];
  const near = nearestAddress(
    destination,
    ports.map(({ clusterIP }) => clusterIP),
  );
  const owner = ports.find(({ clusterIP }) => clusterIP === near);
  const isNear = owner && knowledge && (isInServices(destination, knowledge) || isTypo(destination, owner.clusterIP));
  return isNear ? `; ${owner.namespace}/${owner.name} has clusterIP ${owner.clusterIP}` : '';
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
