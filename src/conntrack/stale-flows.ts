/** Entries of the kernel's connection table, as far as it takes to tell the stale ones. Types only. */

import { canonicalAddress } from '../net/address.ts';
import { type EndpointAddress, endpointText } from '../net/network.ts';
import type { AnsweringAddresses, UdpExpectations } from './expect-udp.ts';

/** One tracked UDP flow, without its client: nothing depends on who that is. Addresses are canonical, of one family. */
export interface UdpFlow {
  /** Where the client sent its first packet to, before any translation. */
  readonly originalDestination: EndpointAddress;
  /** Where answers come from: the endpoint, or the original destination itself when nothing was translated. */
  readonly replySource: EndpointAddress;
}

/**
 * Reads what `conntrack -L -p udp` prints, plain or extended, counters, marks, zones and flags included:
 *
 *     udp      17 29 src=10.1.1.5 dst=10.96.0.10 sport=4000 dport=53 src=10.1.2.7 dst=10.1.1.5 sport=5353 dport=4000 mark=0 use=1
 *
 * The first group is the original direction, the second one the reply. Lines that are no UDP flow are left out.
 *
 * @returns the flows in the order of the lines.
 */
export function parseFlows(text: string): UdpFlow[] {
  const readAddress = createAddressReader();
  const flows: UdpFlow[] = [];
  for (const line of text.split('\n')) {
    const flow = parseFlow(line, readAddress);
    if (flow) {
      flows.push(flow);
    }
  }
  return flows;
}

const original = String.raw`\ssrc=\S+\s+dst=(\S+)\s+sport=\d+\s+dport=(\d+)(?!\S)`;
const reply = String.raw`\ssrc=(\S+)\s+dst=\S+\s+sport=(\d+)\s+dport=\d+(?!\S)`;
// Flows of a flowtable ([OFFLOAD]) have no timeout behind the 17.
const udpFlow = new RegExp(String.raw`^(?:ipv[46]\s+\d+\s+)?udp\s+17(?=\s).*?${original}.*?${reply}`);

type AddressReader = (text: string) => string | undefined;

function parseFlow(line: string, readAddress: AddressReader): UdpFlow | undefined {
  const [, destination, port, source, sourcePort] = udpFlow.exec(line) ?? [];
  const originalDestination = readEndpointAddress(destination, port, readAddress);
  const replySource = readEndpointAddress(source, sourcePort, readAddress);
  return originalDestination && replySource && { originalDestination, replySource };
}

function readEndpointAddress(addressText = '', portText = '', readAddress: AddressReader): EndpointAddress | undefined {
  const address = readAddress(addressText);
  const port = Number(portText);
  return address !== undefined && port <= 0xffff ? { address, port } : undefined;
}

/** The same few addresses stand in most lines, and IPv6 ones take long to read. */
function createAddressReader(): AddressReader {
  const known = new Map<string, string | undefined>();
  return (text) => {
    if (!known.has(text)) {
      known.set(text, readAddressOfOneFamily(text));
    }
    return known.get(text);
  };
}

/** An IPv4 address mapped into IPv6 is canonically IPv4, but on the wire it is no address of a Service. */
function readAddressOfOneFamily(text: string): string | undefined {
  const address = canonicalAddress(text);
  return address?.includes(':') === text.includes(':') ? address : undefined;
}

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
    return answering !== undefined && !answering.has(endpointText(replySource));
  });
}

/**
 * Who may answer there; undefined when the place is none of ours. As in the ruleset, an address and port that serve
 * nobody leave the packet to the node port of the same number.
 */
function findAnswering(place: EndpointAddress, expectations: UdpExpectations): AnsweringAddresses | undefined {
  const atAddress = expectations.endpointAddresses.get(endpointText(place));
  if (atAddress && atAddress.size > 0) {
    return atAddress;
  }
  const acceptsNodePorts = expectations.nodePortAddresses.has(place.address);
  return (acceptsNodePorts ? expectations.nodePorts.get(place.port) : undefined) ?? atAddress;
}
