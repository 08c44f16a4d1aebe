import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { predictSides } from '../../../src/cli/input/load-sides.ts';
import type { MigrationSide } from '../../../src/inspect/migrate/causes.ts';
import { proxyKinds } from '../../../src/inspect/verify/proxy-model.ts';
import { arbitraryCluster, arbitraryOddestCluster } from '../../support/arbitrary-cluster.ts';
import { recordedTables } from '../../support/kube-proxy-table.ts';
import { changesBetween, clusterOf, recordedSides } from './compare.ts';

const options = { clusterCIDRs: ['10.244.0.0/16', 'fd00:10:244::/48'] };
const pairs = proxyKinds.flatMap((from) => proxyKinds.map((to) => ({ from, to })));

describe('a migration', () => {
  test.each(proxyKinds)('from %s to itself is not noticed', (proxy) => {
    let compared = 0;
    fc.assert(
      fc.property(arbitraryOddestCluster, (objects) => {
        const sides = predictSides(proxy, clusterOf(objects, options));
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
        const cluster = clusterOf(objects, options);
        const { changes } = changesBetween(predictSides(from, cluster), predictSides(to, cluster));
        const unknown = changes.filter(({ cause }) => cause === 'other' || cause === 'rules-differ');
        expect(unknown.map(({ message, cases }) => ({ message, case: cases[0] }))).toEqual([]);
      }),
      { numRuns: 20 },
    );
  });
});

/** Everything but which frontends and fates it was. */
function reportOf(from: readonly MigrationSide[], to: readonly MigrationSide[]): object[] {
  return changesBetween(from, to).changes.map(({ cases, ...change }) => ({ ...change, frontends: cases.length }));
}

describe('rules of kube-proxy', () => {
  test.each(recordedTables)('do what is predicted, in both modes: %s', (name) => {
    for (const { found, predicted } of Object.values(recordedSides(name))) {
      const { changes, connections } = changesBetween(found, predicted);
      // Which of several Services got a frontend, nobody can predict.
      expect(changes.filter(({ cause }) => cause !== 'contested-frontend')).toEqual([]);
      expect(connections).toBeGreaterThan(20);
    }
  });

  test.each(recordedTables)('give the same report as predictions: %s', (name) => {
    const { iptables, nftables } = recordedSides(name);
    const report = reportOf(iptables.found, nftables.found);
    expect(report.length).toBeGreaterThan(0);
    expect(reportOf(iptables.predicted, nftables.predicted)).toEqual(report);
    expect(reportOf(nftables.found, iptables.found).length).toBeGreaterThan(0);
  });
});
