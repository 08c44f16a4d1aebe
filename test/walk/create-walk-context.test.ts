import { expect, test } from 'vitest';
import { indexRuleset } from '../../src/walk/index-ruleset.ts';
import { createWalkContext, walkInContext, walkPacket } from '../../src/walk/walk-packet.ts';
import { rulesetOf, service, slice } from '../support/small-cluster.ts';

const ruleset = indexRuleset(
  rulesetOf([service('web', { clusterIP: '10.96.0.10' }), slice('web', ['10.244.1.10', '10.244.2.20'])]),
);
const node = { localAddresses: ['192.0.2.11'] };
const packet = { source: '10.244.1.50', destination: '10.96.0.10', protocol: 'tcp', port: 80 } as const;

test('without steps the outcomes are the same', () => {
  const { outcomes } = walkPacket(ruleset, packet, node);
  expect(outcomes.every(({ steps }) => steps.length > 10)).toBe(true);
  const quick = walkInContext(packet, createWalkContext(ruleset, node, { keepsSteps: false }));
  expect(quick.outcomes).toEqual(outcomes.map((outcome) => ({ ...outcome, steps: [] })));
});

test('every element that any branch finds is passed on', () => {
  const keys = new Set<string>();
  const context = createWalkContext(ruleset, node, { keepsSteps: false, onElement: ({ key }) => keys.add(key) });
  walkInContext(packet, context);
  expect([...keys].sort()).toEqual([
    '10.96.0.10',
    '10.96.0.10 . 80 . 0',
    '10.96.0.10 . 80 . 1',
    '10.96.0.10 . tcp . 80',
  ]);
});
