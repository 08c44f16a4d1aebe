import type { Packet } from '../packets.ts';
import type { Observation } from './observe-attempts.ts';

/** Compares what was seen with what the packet file expects: undefined if it is the same, else one sentence. */
export function judge(packet: Packet, seen: Observation): string | undefined {
  const expectedFate = fateOf(packet);
  if (seen.fates.length !== 1 || seen.fates[0] !== expectedFate) {
    return `${expectation(packet)}, but ${describe(seen)}`;
  }
  if (typeof packet.expect === 'string') {
    return undefined;
  }
  return judgeEndpoints(packet, packet.expect, seen) ?? judgeMasquerading(packet, seen);
}

function fateOf({ expect, to }: Packet): Observation['fates'][number] {
  if (typeof expect !== 'string') {
    return 'endpoint';
  }
  if (expect === 'rejected') {
    return to.protocol === 'tcp' ? 'reset' : 'unreachable';
  }
  return expect;
}

function judgeEndpoints(packet: Packet, expected: readonly string[], seen: Observation): string | undefined {
  const missing = expected.filter((endpoint) => !seen.endpoints.includes(endpoint));
  const surplus = seen.endpoints.filter((endpoint) => !expected.includes(endpoint));
  const allowedMissing = packet.sticky ? expected.length - 1 : 0;
  if (surplus.length === 0 && missing.length === allowedMissing) {
    return undefined;
  }
  return `${expectation(packet)}, but ${describe(seen)}`;
}

function judgeMasquerading(packet: Packet, seen: Observation): string | undefined {
  if (packet.masqueraded === undefined) {
    return undefined;
  }
  for (const endpoint of seen.endpoints) {
    const expected =
      typeof packet.masqueraded === 'boolean' ? packet.masqueraded : packet.masqueraded.includes(endpoint);
    if ((expected ? seen.preserved : seen.masqueraded).includes(endpoint)) {
      const source = expected
        ? "another source than the client's, but saw the client's own"
        : "the client's own source, but saw another";
      return `${subject(packet)}: ${endpoint} should see ${source}`;
    }
  }
  return undefined;
}

function expectation(packet: Packet): string {
  if (typeof packet.expect === 'string') {
    const how = { reset: ' with a TCP reset', unreachable: ' with an ICMP error' }[String(fateOf(packet))] ?? '';
    return `${subject(packet)} should be ${packet.expect}${how}`;
  }
  const which = packet.sticky && packet.expect.length > 1 ? 'always the same one of ' : '';
  return `${subject(packet)} should reach ${which}${packet.expect.join(', ')}`;
}

function subject({ name, from, to, via }: Packet): string {
  const address = to.address.includes(':') ? `[${to.address}]` : to.address;
  return `"${name}": ${from}${via ? ` (at ${via})` : ''} to ${address}:${to.port}/${to.protocol}`;
}

function describe(seen: Observation): string {
  const parts = seen.fates.map((fate) => {
    switch (fate) {
      case 'endpoint':
        return `reached ${seen.endpoints.join(', ')}`;
      case 'reset':
        return 'was rejected with a TCP reset';
      case 'unreachable':
        return 'was rejected with an ICMP error';
      case 'failed':
        return seen.failures.join(', ');
      default:
        return `was ${fate}`;
    }
  });
  return parts.length > 0 ? parts.join(' and ') : 'nothing was seen';
}
