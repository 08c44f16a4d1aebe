import { describe, expect, test } from 'vitest';
import type { FrontendRow, FrontendType } from '../../../src/inspect/list/inventory.ts';
import { listFrontends } from '../../../src/inspect/list/list-frontends.ts';
import { listFixtures } from '../../support/fixture.ts';
import { takeFixture, usedBy } from './take-fixture.ts';

/** What the rules show: names cut to a comment of 128 bytes, and endpoints in use. */
function factsOf(row: FrontendRow): object {
  const { namespace, service, portName, protocol, family, frontend, refusal, affinitySeconds, sourceRanges } = row;
  return {
    name: `${namespace}/${service}:${portName}`.slice(0, 128),
    ...{ protocol, family, frontend, refusal, affinitySeconds, sourceRanges },
    all: usedBy(row, 'all'),
    external: usedBy(row, 'external'),
    internal: usedBy(row, 'internal'),
  };
}

function sorted(rows: readonly FrontendRow[]): string[] {
  return rows.map((row) => JSON.stringify(factsOf(row))).sort();
}

/** What the type of a frontend is from the rules alone. */
function typeInRules({ type, sourceRanges }: FrontendRow): FrontendType | null {
  const isGuarded = sourceRanges !== null && (type === 'LoadBalancer' || type === 'ExternalIP');
  if (isGuarded) {
    return 'LoadBalancer';
  }
  return type === 'LoadBalancer' || type === 'ExternalIP' ? 'External' : type;
}

describe.each(listFixtures())('%s', (name) => {
  const { items, rulesets } = takeFixture(name);
  const ruled = items.filter(({ family, heldBy }) => family !== null && heldBy === null);
  const alone = listFrontends(rulesets).items;

  test('rules alone show frontends, names and endpoints', () => {
    expect(sorted(alone)).toEqual(sorted(ruled));
  });

  test('rules alone show types, policies and local endpoints, or nothing', () => {
    const known = new Map(ruled.map((row) => [`${row.family} ${row.frontend}`, row]));
    for (const row of alone) {
      const twin = known.get(`${row.family} ${row.frontend}`);
      expect(row.type).toBe(twin && typeInRules(twin));
      expect([twin?.policy, null]).toContain(row.policy);
      const near = twin?.endpoints.filter(
        ({ usedBy: users, local, node }) => users !== 'none' && (local || node === ''),
      );
      expect(row.endpointsLocal).toBe(near?.length);
      expect(row.policy === null).toBe(row.refusal === 'rejected');
    }
  });
});
