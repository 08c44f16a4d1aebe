import { canonicalAddress } from '../address.ts';
import type { Socket } from '../network.ts';
import type { UdpFlow } from './flow.ts';

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
  const originalDestination = readSocket(destination, port, readAddress);
  const replySource = readSocket(source, sourcePort, readAddress);
  return originalDestination && replySource && { originalDestination, replySource };
}

function readSocket(addressText = '', portText = '', readAddress: AddressReader): Socket | undefined {
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
