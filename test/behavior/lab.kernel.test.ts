import { beforeAll, describe, expect, it } from 'vitest';
import { kernelTestsRun } from '../support/kernel-tests.ts';
import { judge } from '../support/lab/judge.ts';
import type { Observation } from '../support/lab/observe-attempts.ts';
import { runPackets } from '../support/lab/run-packets.ts';
import { buildSample } from '../support/lab/sample.ts';
import { type Packet, parsePackets } from '../support/packets.ts';

describe.skipIf(!kernelTestsRun)('every fate is distinguished in the kernel', () => {
  const sample = buildSample();
  let observations: Observation[] = [];
  beforeAll(async () => {
    observations = await runPackets(sample);
  });

  it.each(sample.packets.map((packet, index) => ({ packet, index })))('$packet.name', ({ packet, index }) => {
    expect(judge(packet, observation(index))).toBeUndefined();
  });

  it.each(sample.packets.map((packet, index) => ({ packet, index })))('not otherwise: $packet.name', (entry) => {
    for (const wrong of otherExpectations(entry.packet)) {
      expect(judge(wrong, observation(entry.index)), JSON.stringify(wrong)).toContain(entry.packet.name);
    }
  });

  function observation(index: number): Observation {
    const found = observations[index];
    expect(found).toBeDefined();
    return found as Observation;
  }
});

describe.skipIf(!kernelTestsRun)('wrong expectations, from sending to judging', () => {
  const { ruleset, nodeAddresses } = buildSample();

  it('are each described in a sentence', async () => {
    const packets = parsePackets(`
- { name: a, from: 10.244.1.50, to: "10.96.0.10:80/tcp", expect: dropped }
- { name: b, from: 10.244.1.50, to: "10.96.0.40:80/udp", expect: ["10.244.1.10:8080"], masqueraded: false }
- { name: c, from: 203.0.113.9, to: "10.96.0.30:80/udp", expect: untouched }
- { name: d, from: 10.244.1.50, to: "10.96.0.70:80/tcp", expect: rejected, via: out0 }
- { name: e, from: 10.244.1.50, to: "10.96.0.10:80/sctp", expect: ["10.244.1.10:8080"], masqueraded: false }
- { name: f, from: 10.244.1.50, to: "10.96.0.10:80/tcp", expect: ["10.244.1.10:8080", "10.244.2.20:8081"], masqueraded: false, sticky: true }
- { name: g, from: 203.0.113.9, to: "10.96.0.10:80/tcp", expect: ["10.244.1.10:8080", "10.244.2.20:8081"], masqueraded: ["10.244.1.10:8080"] }
- { name: h, from: 10.244.1.50, to: "10.96.0.61:80/tcp", expect: ["10.244.1.10:8080"], masqueraded: false }
- { name: i, from: 127.0.0.1, to: "10.96.0.10:80/udp", expect: ["10.244.1.10:8080"], masqueraded: false }
`);
    const seen = await runPackets({ ruleset, nodeAddresses, packets });
    const patterns = [
      /^"a": 10.244.1.50 to 10.96.0.10:80\/tcp should be dropped, but reached 10.244./,
      /^"b": .* should reach 10.244.1.10:8080, but was dropped$/,
      /^"c": .* should be untouched, but was rejected with an ICMP error$/,
      /^"d": 10.244.1.50 \(at out0\) to .* should be rejected with a TCP reset, but was untouched$/,
      /^"e": .* should reach 10.244.1.10:8080, but reached 10.244.1.10:8080, 10.244.2.20:8081$/,
      /^"f": .* should reach always the same one of 10.244.1.10:8080, 10.244.2.20:8081, but reached 10.244.1.10:8080, /,
      /^"g": .* 10.244.2.20:8081 should see the client's own source, but saw another$/,
      /^"h": .* but was translated to an address of the node's that no packet expects$/,
      /^"i": .* but could not be sent: .*Invalid argument$/,
    ];
    expect(seen).toHaveLength(patterns.length);
    for (const [index, observation] of seen.entries()) {
      expect(judge(packets[index] as Packet, observation)).toMatch(patterns[index] as RegExp);
    }
  });

  it('a TCP reset and an ICMP error are not the same', async () => {
    const packets = parsePackets(`
- { name: a, from: 10.244.1.50, to: "10.96.0.30:80/tcp", expect: rejected }
- { name: b, from: 203.0.113.9, to: "10.96.0.30:80/tcp", expect: rejected }
- { name: c, from: 10.244.1.50, to: "10.96.0.30:80/udp", expect: rejected }
`);
    const onlyIcmp = ruleset.replaceAll('meta l4proto tcp reject with tcp reset', '');
    const seen = await runPackets({ ruleset: onlyIcmp, nodeAddresses, packets });
    const judgments = seen.map((observation, index) => judge(packets[index] as Packet, observation));
    const wrong = /should be rejected with a TCP reset, but was rejected with an ICMP error$/;
    expect(judgments).toEqual([expect.stringMatching(wrong), expect.stringMatching(wrong), undefined]);
  });

  it('an nft error is passed on', async () => {
    await expect(runPackets({ ruleset: 'table ip x { nonsense }', nodeAddresses, packets: [] })).rejects.toThrow(
      'syntax error',
    );
  });
});

/** The packet with each expectation that differs from its own in one point. */
function otherExpectations(packet: Packet): Packet[] {
  const { expect: expected, masqueraded } = packet;
  const words = (['rejected', 'dropped', 'untouched'] as const).filter((word) => word !== expected);
  const others: Packet[] = words.map((word) => ({ ...packet, expect: word }));
  if (typeof expected === 'string') {
    return [...others, { ...packet, expect: ['192.0.2.1:1'] }];
  }
  others.push({ ...packet, expect: ['192.0.2.1:1'] });
  if (!packet.sticky) {
    others.push({ ...packet, expect: [...expected, '192.0.2.1:1'] });
    others.push(...expected.slice(1).map((endpoint) => ({ ...packet, expect: [endpoint] })));
  }
  if (masqueraded !== undefined) {
    others.push({ ...packet, masqueraded: masqueraded !== true });
  }
  return others;
}
