import { describe, expect, test } from 'vitest';
import { walkPacket } from '../../src/walk/walk-packet.ts';
import { compileFixture } from '../support/compile-fixture.ts';

const fixture = 'client-affinity-of-a-node-port-leaves-other-services-of-its-number-alone';

/** A needless pin would drop a connection once its endpoint leaves the Service that has affinity. */
describe('pins are written only for the frontend with affinity', () => {
  const { rulesets, nodeAddresses } = compileFixture(fixture);
  test.each([
    ['10.244.1.50', '10.96.0.2', []],
    ['203.0.113.9', '198.19.0.2', []],
    ['203.0.113.9', '192.0.2.11', ['tcp-pins', 'tcp-pinned']],
    ['10.244.1.50', '192.0.2.11', ['tcp-pins', 'tcp-pinned']],
  ])('%s to %s', (source, destination, expected) => {
    const ruleset = rulesets.find(({ family }) => family === 'ip');
    const packet = { source, destination, protocol: 'tcp', port: 30001 } as const;
    const outcomes = ruleset ? walkPacket(ruleset, packet, { localAddresses: nodeAddresses }).outcomes : [];
    expect(outcomes).toHaveLength(2);
    for (const { memory } of outcomes) {
      expect([...memory.keys()]).toEqual(expected);
    }
  });
});
