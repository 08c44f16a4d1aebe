import { describe, expect, test } from 'vitest';
import type { PlanContext } from '../../../src/phases/5-plan/fragment.ts';
import { type ChainSetting, fixedChains, planFixedChains } from '../../../src/phases/5-plan/plan-ruleset.ts';

const context: PlanContext = {
  family: 'ip',
  mark: 0x4000,
  masqueradeAll: false,
  detector: { kind: 'source', cidr: '10.244.0.0/16' },
  nodePortAddresses: { kind: 'all' },
  primaryAddress: '192.0.2.1',
  sharedAffinity: true,
};

const others: Readonly<Record<ChainSetting, Partial<PlanContext>>> = {
  mark: { mark: 0x8000 },
  masqueradeAll: { masqueradeAll: true },
  detector: { detector: undefined },
  nodePortAddresses: { nodePortAddresses: { kind: 'listed', addresses: ['192.0.2.1'] } },
};

describe('fixedChains', () => {
  test('has every fixed chain', () => {
    expect([...fixedChains.keys()]).toEqual(planFixedChains(context).map(({ name }) => name));
  });

  test.each(Object.keys(others) as ChainSetting[])('has the chains that depend on %s', (setting) => {
    const before = planFixedChains(context);
    const after = planFixedChains({ ...context, ...others[setting] });
    const changed = before.filter((chain, index) => JSON.stringify(chain) !== JSON.stringify(after[index]));
    const expected = [...fixedChains].filter(([, settings]) => settings.includes(setting)).map(([name]) => name);
    expect(changed.map(({ name }) => name)).toEqual(expected);
  });
});
