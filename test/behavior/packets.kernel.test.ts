import { describe, expect, test } from 'vitest';
import { compileFixture } from '../support/compile-fixture.ts';
import { listFixtures } from '../support/fixture.ts';
import { kernelTestsRun } from '../support/kernel-tests.ts';
import { judge } from '../support/lab/judge.ts';
import { runPackets } from '../support/lab/run-packets.ts';
import { walkerFor } from '../support/walk-fixture.ts';

/** Every packet of every fixture through the kernel, which must agree with the packet file and with the walker. */
describe.skipIf(!kernelTestsRun).each(listFixtures())('%s', { concurrent: true }, (name) => {
  const { rulesets, text, packets, nodeAddresses } = compileFixture(name);
  const walk = walkerFor(rulesets, nodeAddresses);

  test('kernel: all packets, and it agrees with the walker', async () => {
    const observations = await runPackets({ ruleset: text, nodeAddresses, packets });
    const judgments = packets.flatMap((packet, index) => {
      const seen = observations[index];
      return (seen ? judge(packet, seen) : `${packet.name}: nothing was seen`) ?? [];
    });
    expect(judgments).toEqual([]);
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
