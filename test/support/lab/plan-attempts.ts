import { type Cidr, cidrContains, isLoopback, parseCidr } from '../../../src/net/address.ts';
import type { Packet, Via } from '../packets.ts';
import type { AttemptSpec } from './start-agent.ts';
import { podNetworks, viaMarks } from './topology.ts';

/** The connections that one packet of a packet file takes. */
export interface PlannedPacket {
  /** Which namespace opens them. */
  readonly where: 'node' | 'world';
  /** One after the other, so that the first one can pin the client; else all at once. */
  readonly inTurn: boolean;
  readonly attempts: readonly AttemptSpec[];
}

/** Plans the connections of a packet. Throws an Error for a packet of the node's own that names an interface. */
export function planAttempts(packet: Packet, nodeAddresses: readonly string[]): PlannedPacket {
  const isNode = isLoopback(packet.from) || nodeAddresses.includes(packet.from);
  if (isNode && packet.via) {
    throw new Error(`packet "${packet.name}": the node's own packets arrive at no interface`);
  }
  const attempt: AttemptSpec = {
    ...packet.to,
    source: packet.from,
    mark: isNode ? 0 : viaMarks[packet.via ?? defaultVia(packet.from)],
    patience: packet.expect === 'dropped' ? expectedSilence : unexpectedSilence,
  };
  const attempts = Array.from({ length: countAttempts(packet) }, () => attempt);
  return { where: isNode ? 'node' : 'world', inTurn: packet.sticky, attempts };
}

/** Seconds without any answer after which a connection that should be dropped is taken for dropped. */
const expectedSilence = 0.4;
/**
 * The same for other connections: long enough for the kernel to send a SYN a second time, and for a machine so busy that
 * whoever answers waits for a CPU. Only failures take so long.
 */
const unexpectedSilence = 8;
/** So many that of two equally likely endpoints both are seen, but for one time in a million. */
const fewestAttempts = 21;

/**
 * With 14 connections per endpoint a given endpoint stays unseen with a chance below e^-14, one in a million. A single
 * one is tried as often as two, so that a second one would show. Refusals do not depend on chance.
 */
function countAttempts({ expect, sticky }: Packet): number {
  if (typeof expect === 'string') {
    return 2;
  }
  return sticky ? fewestAttempts : Math.max(fewestAttempts, 14 * expect.length);
}

function defaultVia(source: string): Via {
  const networks = podNetworks.map((text) => parseCidr(text)).filter((cidr): cidr is Cidr => cidr !== undefined);
  return networks.some((network) => cidrContains(network, source)) ? 'pod0' : 'out0';
}
