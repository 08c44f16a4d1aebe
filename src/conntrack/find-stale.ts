import type { Socket } from '../network.ts';
import { socketText } from '../socket-text.ts';
import type { AnsweringSockets, UdpExpectations } from './expectations.ts';
import type { UdpFlow } from './flow.ts';

/**
 * Finds the flows that go to a frontend of ours and are answered by somebody who may not: an endpoint that has gone, or
 * the frontend itself, because the flow began while no rule translated it. The kernel keeps sending their packets there
 * for as long as they come, since NAT rules see only the first packet of a flow.
 *
 * Unlike kube-proxy's, a node port counts only at addresses of the node that accept node ports, so that a flow through
 * the node to a stranger who uses the same port number stays.
 *
 * @returns the stale ones, in the order given.
 */
export function findStaleFlows(flows: readonly UdpFlow[], expectations: UdpExpectations): UdpFlow[] {
  return flows.filter(({ originalDestination, replySource }) => {
    const answering = findAnswering(originalDestination, expectations);
    return answering !== undefined && !answering.has(socketText(replySource));
  });
}

/**
 * Who may answer there; undefined when the place is none of ours. As in the ruleset, an address and port that serve
 * nobody leave the packet to the node port of the same number.
 */
function findAnswering(place: Socket, expectations: UdpExpectations): AnsweringSockets | undefined {
  const atAddress = expectations.sockets.get(socketText(place));
  if (atAddress && atAddress.size > 0) {
    return atAddress;
  }
  const acceptsNodePorts = expectations.nodePortAddresses.has(place.address);
  return (acceptsNodePorts ? expectations.nodePorts.get(place.port) : undefined) ?? atAddress;
}
