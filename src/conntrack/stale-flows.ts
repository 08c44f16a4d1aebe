import { canonicalAddress } from '../net/address.ts';
import { type EndpointAddress, endpointText } from '../net/network.ts';
import type { AnsweringAddresses, UdpExpectations, UdpFrontend } from './expect-udp.ts';

/** One tracked UDP flow, without its client, which does not matter. Addresses are canonical, of one family. */
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
 * The first group is the original direction, the second one the reply. Lines that are not UDP flows are skipped.
 *
 * @returns the flows in the order of the lines.
 */
export function parseFlows(text: string): UdpFlow[] {
  const flows: UdpFlow[] = [];
  const reader = createFlowReader((flow) => flows.push(flow));
  reader.push(new TextEncoder().encode(text));
  reader.end();
  return flows;
}

/** The longest line that may be one of conntrack, in characters. */
const longestLine = 4_096;

/** Reads the same as it comes, in pieces of any size, and hands each flow over. */
export function createFlowReader(onFlow: (flow: UdpFlow) => void): {
  readonly push: (bytes: Uint8Array) => void;
  /** Reads a last line that nothing has ended. */
  readonly end: () => void;
} {
  const readAddress = createAddressReader();
  const decoder = new TextDecoder('latin1');
  /** What came of a line that has not ended; undefined for one that is too long for a flow. */
  let begun: string | undefined = '';
  const read = (line: string): void => {
    const flow = parseFlow(line, readAddress);
    if (flow) {
      onFlow(flow);
    }
  };
  return {
    push: (bytes) => {
      for (const [index, part] of decoder.decode(bytes).split('\n').entries()) {
        if (index > 0) {
          read(begun ?? '');
          begun = '';
        }
        begun = begun === undefined || begun.length + part.length > longestLine ? undefined : begun + part;
      }
    },
    end: () => {
      read(begun ?? '');
      begun = '';
    },
  };
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

/** Most lines have the same few addresses, and IPv6 addresses are slow to parse. */
function createAddressReader(): AddressReader {
  const known = new Map<string, string | undefined>();
  return (text) => {
    if (!known.has(text)) {
      known.set(text, readAddressOfOneFamily(text));
    }
    return known.get(text);
  };
}

/** The canonical form of an IPv4-mapped IPv6 address is IPv4, but on the wire it is not the address of a Service. */
function readAddressOfOneFamily(text: string): string | undefined {
  const address = canonicalAddress(text);
  return address?.includes(':') === text.includes(':') ? address : undefined;
}

/**
 * The flows to a frontend that are answered by an endpoint that may not, in the order given: by a removed endpoint, or by
 * the frontend itself, because no rule translated the flow when it began. NAT rules see only the first packet of a flow,
 * so the kernel keeps sending its packets there until it is idle.
 *
 * Unlike in kube-proxy, a node port counts only at addresses that accept node ports, so that a flow which passes through
 * the node to the same port number elsewhere stays.
 */
export function findStaleFlows(flows: readonly UdpFlow[], expectations: UdpExpectations): UdpFlow[] {
  return flows.filter((flow) => isStale(flow, expectations));
}

/** Whether {@link findStaleFlows} finds a flow. */
export function isStale({ originalDestination, replySource }: UdpFlow, expectations: UdpExpectations): boolean {
  const answering = findAnswering(originalDestination, expectations);
  return answering !== undefined && !answering.has(endpointText(replySource));
}

/**
 * Those of the endpoints from which {@link findStaleFlows} would find a flow to the frontend stale: at a node port, a flow
 * to any address that accepts node ports. None at a node port where no such address is known.
 */
export function findStaleEndpoints(
  frontend: UdpFrontend,
  endpoints: readonly EndpointAddress[],
  expectations: UdpExpectations,
): EndpointAddress[] {
  const destinations =
    'nodePort' in frontend
      ? [...expectations.nodePortAddresses].map((address) => ({ address, port: frontend.nodePort }))
      : [frontend];
  return endpoints.filter((replySource) => {
    const flows = destinations.map((originalDestination) => ({ originalDestination, replySource }));
    return findStaleFlows(flows, expectations).length > 0;
  });
}

/**
 * The endpoints that may answer at a destination; undefined when it is not a frontend. As in the ruleset, an address and
 * port without endpoints leave the packet to the node port of the same number.
 */
function findAnswering(destination: EndpointAddress, expectations: UdpExpectations): AnsweringAddresses | undefined {
  const atAddress = expectations.endpointAddresses.get(endpointText(destination));
  if (atAddress && atAddress.size > 0) {
    return atAddress;
  }
  const acceptsNodePorts = expectations.nodePortAddresses.has(destination.address);
  return (acceptsNodePorts ? expectations.nodePorts.get(destination.port) : undefined) ?? atAddress;
}
