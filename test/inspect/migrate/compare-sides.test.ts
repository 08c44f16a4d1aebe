import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareSides } from '../../../src/inspect/migrate/compare-sides.ts';
import { makeSide } from '../../../src/inspect/migrate/make-side.ts';
import { arbitraryCluster } from '../../support/arbitrary-cluster.ts';
import { compileTable, readTables, rulesOf } from '../../support/kube-proxy-table.ts';
import { changesBetween, sidesOf } from './compare.ts';

const options = { clusterCIDRs: ['10.244.0.0/16', 'fd00:10:244::/48'] };

describe('a migration', () => {
  test.each(['svc2nft', 'kube-proxy-nftables'] as const)('from %s to itself is not noticed', (proxy) => {
    let compared = 0;
    fc.assert(
      fc.property(arbitraryCluster, (objects) => {
        const sides = sidesOf({ objects, options }, proxy);
        const { connections, changes } = changesBetween(sides, sides);
        expect(changes).toEqual([]);
        compared += connections;
      }),
      { numRuns: 30 },
    );
    expect(compared).toBeGreaterThan(1_000);
  });

  test('from kube-proxy to svc2nft has no unknown cause', () => {
    fc.assert(
      fc.property(arbitraryCluster, (objects) => {
        const cluster = { objects, options };
        const { changes } = changesBetween(sidesOf(cluster, 'kube-proxy-nftables'), sidesOf(cluster, 'svc2nft'));
        expect(changes.filter(({ cause }) => cause === 'other' || cause === 'rules-differ')).toEqual([]);
      }),
      { numRuns: 30 },
    );
  });
});

describe('a prediction', () => {
  test.each(['every-kind-of-frontend', 'node-ports-everywhere', 'localhost-node-ports'])(
    'is what the rules of kube-proxy do: %s',
    (name) => {
      const { snapshot, views, options: settings } = compileTable(name);
      if (!snapshot) {
        throw new Error('the cluster does not compile');
      }
      const tables = readTables(rulesOf(name));
      const pairs = views.flatMap((node) => {
        const ruleset = tables.find((table) => table.ruleset.family === node.family)?.ruleset;
        const { masqueradeAll, masqueradeBit } = settings;
        const side = (rules: typeof ruleset) =>
          makeSide(
            snapshot,
            { proxy: 'kube-proxy-nftables', ruleset: rules, isFound: rules !== undefined },
            { node, masqueradeAll, masqueradeBit },
          );
        return ruleset ? [{ from: side(ruleset), to: side(undefined), healthChecks: [] }] : [];
      });
      expect(pairs.length).toBeGreaterThan(0);
      const { changes, connections } = compareSides(pairs);
      expect(changes).toEqual([]);
      expect(connections).toBeGreaterThan(30);
    },
  );
});
