import { expect, test } from 'vitest';
import { walkPacket } from '../../src/walk/walk-packet.ts';
import { rulesetOf, service, slice } from '../support/small-cluster.ts';

const ruleset = rulesetOf([service('web', { clusterIP: '10.96.0.10' }), slice('web', ['10.244.1.10'])]);
const toService = { destination: '10.96.0.10', protocol: 'tcp', port: 80 } as const;
const node = { localAddresses: ['192.0.2.11'] };

test.each([
  ['an external client is masqueraded, and the bit for it is cleared', '203.0.113.9', 0x8000_0001, true, 0x8000_0001],
  ['a pod keeps its source', '10.244.1.50', 0x8000_0001, false, 0x8000_0001],
  ['a pod whose packet has the bit already is masqueraded', '10.244.1.50', 0x4001, true, 0x1],
])('marks of other programs stay: %s', (_what, source, mark, masqueraded, left) => {
  const { outcomes } = walkPacket(ruleset, { ...toService, source, mark }, node);
  expect(outcomes).toMatchObject([{ endpoint: '10.244.1.10:8080', masqueraded, mark: left }]);
});

test('a packet without a mark has 0', () => {
  const { outcomes } = walkPacket(ruleset, { ...toService, source: '203.0.113.9' }, node);
  expect(outcomes).toMatchObject([{ masqueraded: true, mark: 0 }]);
});
