import { describe, expect, test } from 'vitest';
import type { FrontendRow, FrontendType } from '../../../src/inspect/list/inventory.ts';
import { listFrontends } from '../../../src/inspect/list/list-frontends.ts';
import { listFixtures } from '../../support/fixture.ts';
import { takeFixture, usedBy } from './take-fixture.ts';

/** What rules tell: names as far as a comment of 128 bytes goes, and endpoints in use. */
function factsOf(row: FrontendRow): object {
  const { namespace, service, portName, protocol, family, frontend, refusal, affinitySeconds, sourceRanges } = row;
  return {
    name: `${namespace}/${service}:${portName}`.slice(0, 128),
    ...{ protocol, family, frontend, refusal, affinitySeconds, sourceRanges },
    everybody: usedBy(row, 'everybody'),
    outside: usedBy(row, 'outside'),
    insiders: usedBy(row, 'pods and node'),
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
  const ruled = items.filter(({ family, givenTo }) => family !== null && givenTo === null);
  const alone = listFrontends(rulesets).items;

  test('rules alone tell frontends, names and endpoints', () => {
    expect(sorted(alone)).toEqual(sorted(ruled));
  });

  test('rules alone tell types, policies and who is local, or nothing wrong', () => {
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
