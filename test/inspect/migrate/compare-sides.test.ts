import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareSides } from '../../../src/inspect/migrate/compare-sides.ts';
import { makeSide } from '../../../src/inspect/migrate/make-side.ts';
import { proxyKinds } from '../../../src/inspect/verify/proxy-model.ts';
import { arbitraryCluster, arbitraryOddestCluster } from '../../support/arbitrary-cluster.ts';
import { compileTable, readTables, rulesOf } from '../../support/kube-proxy-table.ts';
import { changesBetween, sidesOf } from './compare.ts';

const options = { clusterCIDRs: ['10.244.0.0/16', 'fd00:10:244::/48'] };

const pairs = proxyKinds.flatMap((from) => proxyKinds.map((to) => ({ from, to })));

describe('a migration', () => {
  test.each(proxyKinds)('from %s to itself is not noticed', (proxy) => {
    let compared = 0;
    fc.assert(
      fc.property(arbitraryOddestCluster, (objects) => {
        const sides = sidesOf({ objects, options }, proxy);
        const { connections, changes } = changesBetween(sides, sides);
        expect(changes).toEqual([]);
        compared += connections;
      }),
      { numRuns: 30 },
    );
    expect(compared).toBeGreaterThan(1_000);
  });

  test.each(pairs.filter(({ from, to }) => from !== to))('from $from to $to has no unknown cause', ({ from, to }) => {
    fc.assert(
      fc.property(arbitraryCluster, (objects) => {
        const { changes } = changesBetween(sidesOf({ objects, options }, from), sidesOf({ objects, options }, to));
        const unknown = changes.filter(({ cause }) => cause === 'other' || cause === 'rules-differ');
        expect(unknown.map(({ message, cases }) => ({ message, case: cases[0] }))).toEqual([]);
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
      const { masqueradeAll, masqueradeBit } = settings;
      const proxy = 'kube-proxy-nftables';
      const compared = views.flatMap((node) => {
        const ruleset = tables.find((table) => table.ruleset.family === node.family)?.ruleset;
        const own = { node, masqueradeAll, masqueradeBit, loopbackNodePorts: undefined };
        const predicted = makeSide(snapshot, { proxy, ruleset: undefined, isFound: false }, own);
        const found = ruleset && makeSide(snapshot, { proxy, ruleset, isFound: true }, own);
        return found ? [{ from: found, to: predicted, healthChecks: [] }] : [];
      });
      expect(compared.length).toBeGreaterThan(0);
      const { changes, connections } = compareSides(compared);
      expect(changes).toEqual([]);
      expect(connections).toBeGreaterThan(30);
    },
  );
});
