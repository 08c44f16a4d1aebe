import { describe, expect, test } from 'vitest';
import { compileFixture } from '../support/compile-fixture.ts';
import { listFixtures } from '../support/fixture.ts';
import { kernelTestsRun } from '../support/kernel-tests.ts';
import { judge } from '../support/lab/judge.ts';
import { runPackets } from '../support/lab/run-packets.ts';
import type { Packet } from '../support/packets.ts';
import { type WalkedPacket, walkerFor } from '../support/walk-fixture.ts';

/** Every packet of every fixture twice: by the walker over the ruleset's data, and by the kernel. */
describe.each(listFixtures())('%s', (name) => {
  const { rulesets, text, packets, nodeAddresses } = compileFixture(name);
  const walk = walkerFor(rulesets, nodeAddresses);

  test.each(packets)('walker: $name', (packet) => {
    expectFate(packet, walk(packet));
  });

  test.skipIf(!kernelTestsRun)('kernel: all packets, and it agrees with the walker', async () => {
    const observations = await runPackets({ ruleset: text, nodeAddresses, packets });
    const judgements = packets.flatMap((packet, index) => {
      const seen = observations[index];
      return (seen ? judge(packet, seen) : `${packet.name}: nothing was seen`) ?? [];
    });
    expect(judgements).toEqual([]);
    for (const [index, packet] of packets.entries()) {
      const seen = observations[index];
      const { first } = walk(packet);
      const mayReach = first.endpoints.map(({ endpoint }) => endpoint);
      expect(packet.sticky ? mayReach : seen?.endpoints, packet.name).toEqual(
        packet.sticky ? expect.arrayContaining([...(seen?.endpoints ?? [])]) : mayReach,
      );
      for (const endpoint of seen?.endpoints ?? []) {
        const walked = first.endpoints.find((one) => one.endpoint === endpoint);
        expect(seen?.masqueraded.includes(endpoint), `${packet.name}: source at ${endpoint}`).toBe(walked?.masqueraded);
      }
    }
  });
});

const verdicts = { rejected: 'rejected', dropped: 'dropped', untouched: 'untouched' } as const;

function expectFate(packet: Packet, { first, next }: WalkedPacket): void {
  const { expect: expected, masqueraded, sticky } = packet;
  if (typeof expected === 'string') {
    expect(first.verdict).toBe(verdicts[expected]);
    return;
  }
  expect(first.verdict).toBe('translated');
  expect(first.endpoints.map(({ endpoint }) => endpoint)).toEqual(expected);
  // Every endpoint has the same share of new clients.
  expect(first.endpoints.map(({ share }) => share)).toEqual(
    expected.map(() => ({ numerator: 1, denominator: expected.length })),
  );
  for (const { endpoint, masqueraded: walked } of masqueraded === undefined ? [] : first.endpoints) {
    const wanted = typeof masqueraded === 'boolean' ? masqueraded : masqueraded?.includes(endpoint);
    expect(walked, `source at ${endpoint}`).toBe(wanted);
  }
  // The next connection of a client with affinity has no choice left; any other has the same as before.
  for (const summary of next) {
    expect(summary.endpoints).toHaveLength(sticky ? 1 : expected.length);
  }
}
