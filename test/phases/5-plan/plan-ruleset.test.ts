import { describe, expect, test } from 'vitest';
import type { Chain } from '../../../src/nft/ruleset.ts';
import type { PlanContext } from '../../../src/phases/5-plan/fragment.ts';
import {
  type ChainSetting,
  fixedChains,
  planFixedChains,
  planVaryingChains,
} from '../../../src/phases/5-plan/plan-ruleset.ts';

const context: PlanContext = {
  family: 'ip',
  mark: 0x4000,
  masqueradeAll: false,
  detector: { kind: 'source', cidr: '10.244.0.0/16' },
  nodePortAddresses: { kind: 'all' },
  localhostNodePorts: 'untouched',
  primaryAddress: '192.0.2.1',
  podCIDR: '10.244.1.0/24',
  isStray: () => false,
  sharedAffinity: true,
  counters: false,
};

const others: Readonly<Record<ChainSetting, Partial<PlanContext>>> = {
  mark: { mark: 0x8000 },
  masqueradeAll: { masqueradeAll: true },
  detector: { detector: undefined },
  nodePortAddresses: { nodePortAddresses: { kind: 'listed', addresses: ['192.0.2.1'] } },
  localhostNodePorts: { localhostNodePorts: 'refused' },
};

function planAll(settings: PlanContext): Chain[] {
  const varying = planVaryingChains(settings, { refusesEndpoints: false, hasStrays: false });
  return [...planFixedChains(settings), ...varying];
}

describe('fixedChains', () => {
  test('has every fixed chain', () => {
    expect([...fixedChains.keys()].sort()).toEqual(
      planAll(context)
        .map(({ name }) => name)
        .sort(),
    );
  });

  test.each(Object.keys(others) as ChainSetting[])('has the chains that depend on %s', (setting) => {
    const before = planAll(context);
    const after = planAll({ ...context, ...others[setting] });
    const changed = before.filter((chain, index) => JSON.stringify(chain) !== JSON.stringify(after[index]));
    const expected = [...fixedChains].filter(([, settings]) => settings.includes(setting)).map(([name]) => name);
    expect(changed.map(({ name }) => name).sort()).toEqual(expected.sort());
  });
});
