import { describe, expect, test } from 'vitest';
import { compileFixture } from '../support/compile-fixture.ts';
import { listFixtures } from '../support/fixture.ts';
import type { Packet } from '../support/packets.ts';
import { type WalkedPacket, walkerFor } from '../support/walk-fixture.ts';

/** Every packet of every fixture, by the walker over the ruleset's data; packets.kernel.test.ts has the kernel do it. */
describe.each(listFixtures())('%s', (name) => {
  const { rulesets, packets, nodeAddresses } = compileFixture(name);
  const walk = walkerFor(rulesets, nodeAddresses);

  test.each(packets)('walker: $name', (packet) => {
    expectFate(packet, walk(packet));
  });
});

const verdicts = { rejected: 'rejected', dropped: 'dropped', untouched: 'untouched' } as const;

function expectFate(packet: Packet, { first, next }: WalkedPacket): void {
  const { to, expect: expected, masqueraded, sticky } = packet;
  if (typeof expected === 'string') {
    expect(first.verdict).toBe(verdicts[expected]);
    const answer = to.protocol === 'tcp' ? 'tcp-reset' : 'port-unreachable';
    expect(first.rejectedWith).toBe(expected === 'rejected' ? answer : undefined);
    return;
  }
  expect(first.verdict).toBe('translated');
  expect(first.endpoints.map(({ endpoint }) => endpoint)).toEqual(expected);
  // Every endpoint has the same share of new clients.
  expect(first.endpoints.map(({ share }) => share)).toEqual(
    expected.map(() => ({ numerator: 1, denominator: expected.length })),
  );
  for (const { endpoint, masqueraded: walked } of first.endpoints) {
    const wanted = typeof masqueraded === 'boolean' ? masqueraded : masqueraded?.includes(endpoint);
    expect(walked, `source at ${endpoint}`).toBe(wanted);
  }
  // The next connection of a client with affinity has no choice left; any other has the same as before.
  for (const summary of next) {
    expect(summary.endpoints).toHaveLength(sticky ? 1 : expected.length);
  }
}
