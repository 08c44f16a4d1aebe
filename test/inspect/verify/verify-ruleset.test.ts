import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CompileOptions } from '../../../src/options.ts';
import { documentsOf, readDocuments } from '../../../src/phases/1-read/read-documents.ts';
import { arbitraryCluster, nodeName } from '../../support/arbitrary-cluster.ts';
import { arbitraryWalk } from '../../support/arbitrary-walk.ts';
import { listFixtures, loadFixture } from '../../support/fixture.ts';
import { linesOf, sidesOf } from './verify-objects.ts';

/** More for a long look: RUNS=1000 npx vitest run test/inspect/verify/verify-ruleset.test.ts */
const numRuns = Number(process.env['RUNS'] ?? 40);

describe('compiled rulesets are correct', () => {
  test.each(listFixtures())('%s', (name) => {
    const { snapshotFile, options } = loadFixture(name);
    const { documents } = readDocuments([{ file: snapshotFile, content: readFileSync(snapshotFile) }]);
    for (const targetNft of ['1.0.6', '1.1.3'] as const) {
      expect(sidesOf(documents, { ...options, targetNft }).flatMap((side) => linesOf(side))).toEqual([]);
    }
  });

  const arbitraryOptions: fc.Arbitrary<Partial<CompileOptions>> = fc.oneof(
    fc.record({
      targetNft: fc.constantFrom('1.0.6', '1.1.3'),
      masqueradeAll: fc.boolean(),
      nodePortAddresses: fc.constantFrom([], ['all'], ['192.0.2.0/24'], ['198.51.100.0/24', 'localhost']),
      localhostNodePorts: fc.boolean(),
      clusterCIDRs: fc.constantFrom([], ['10.244.0.0/16', 'fd00:10:244::/48'], ['10.244.1.0/24']),
    }),
    fc.record({
      detectLocalMode: fc.constantFrom('InterfaceNamePrefix', 'BridgeInterface'),
      detectLocalInterface: fc.constant('pod'),
    }),
  );

  test('random clusters', () => {
    fc.assert(
      fc.property(arbitraryCluster, arbitraryOptions, (objects, options) => {
        const sides = sidesOf(documentsOf(objects), { nodeName, ...options });
        expect(sides.flatMap((side) => linesOf(side))).toEqual([]);
      }),
      { numRuns },
    );
  });

  test('random clusters of every size', () => {
    fc.assert(
      fc.property(arbitraryWalk({ min: 1, max: 3 }), (snapshots) => {
        for (const { objects, options } of snapshots) {
          const sides = sidesOf(documentsOf(objects), options);
          expect(sides.flatMap((side) => linesOf(side))).toEqual([]);
        }
      }),
      { numRuns: Math.ceil(numRuns / 5) },
    );
  });
});

describe('node ports that loopback addresses refuse', () => {
  const service = (name: string, last: number) => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'shop', name },
    spec: {
      type: 'NodePort',
      clusterIP: `10.96.0.${last}`,
      ports: [{ name: 'dns', port: 53, protocol: 'UDP', nodePort: 30_000 + last }],
    },
  });
  const node = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: nodeName },
    status: { addresses: [{ type: 'InternalIP', address: '192.0.2.11' }] },
  };
  const objects = [node, service('one', 1), service('two', 2)];
  const [side] = sidesOf(documentsOf(objects), { nodeName, localhostNodePorts: true, families: ['ip'] });

  test('are right where several are alike', () => {
    expect(side && linesOf(side)).toEqual([]);
  });

  test.each([30_001, 30_002])('are missed one by one: %i', (port) => {
    const { ruleset, expectations } = side ?? expect.fail('no table');
    const sets = ruleset.sets.map((set) =>
      set.name === 'localhost-nodeports'
        ? { ...set, elements: set.elements.filter(({ key }) => !key.endsWith(` ${port}`)) }
        : set,
    );
    const lines = linesOf({ ruleset: { ...ruleset, sets }, expectations });
    expect(lines.filter((line) => line.includes(`:${port}/udp`))).not.toEqual([]);
  });
});

describe('a flushed part is named before its symptoms', () => {
  const file = 'docs/shop.yaml';
  const { documents } = readDocuments([{ file, content: readFileSync(file) }]);
  const [side] = sidesOf(documents, { nodeName: 'worker-1', clusterCIDRs: ['10.244.0.0/16'] });

  test.each([
    ['services', 'chain services is empty (somebody changed it): 10 frontends broken; svc2nft apply repairs it'],
    ['tcp-endpoints', 'map tcp-endpoints is empty (somebody changed it): 7 frontends broken; svc2nft apply repairs it'],
    [
      'nat-postrouting',
      'chain nat-postrouting is empty (somebody changed it): nothing is masqueraded; svc2nft apply repairs it',
    ],
  ])('%s', (name, message) => {
    const { ruleset, expectations } = side ?? expect.fail('no table');
    const chains = ruleset.chains.map((chain) => (chain.name === name ? { ...chain, rules: [] } : chain));
    const sets = ruleset.sets.map((set) => (set.name === name ? { ...set, elements: [], lists: [] } : set));
    const [first, ...symptoms] = linesOf({ ruleset: { ...ruleset, chains, sets }, expectations }, { isActual: true });
    expect(first).toBe(`damaged-table : ${message}`);
    expect(symptoms.length).toBeGreaterThan(0);
  });
});
