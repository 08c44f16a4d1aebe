import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { documentsOf, readDocuments } from '../../src/phases/1-read/read-documents.ts';
import { arbitraryCluster } from '../support/arbitrary-cluster.ts';
import { arbitraryWalk } from '../support/arbitrary-walk.ts';
import { findClusters, snapshotOf } from '../support/keep-clusters.ts';

const folder = fileURLToPath(new URL('../', import.meta.url));

test('what is drawn outside fc.assert, which prints its seed, has a seed', () => {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.test.ts') && file !== 'behavior/random-tests.test.ts',
  );
  for (const file of files) {
    const code = readFileSync(folder + file, 'utf8');
    const samples = code.split(/\bfc\.sample\(/).length - 1;
    expect(code.match(/\bfc\.sample\([^;]*?\bseed\b/g) ?? [], file).toHaveLength(samples);
  }
});

test('the cluster of a failed run is found and written as a snapshot', () => {
  fc.assert(
    fc.property(arbitraryCluster, (cluster) => {
      expect(findClusters([[cluster, []], { nodeName: 'a' }])).toEqual([cluster]);
      const { documents, diagnostics } = readDocuments([
        { file: 'snapshot.yaml', content: Buffer.from(snapshotOf(cluster)) },
      ]);
      expect(diagnostics).toEqual([]);
      const fields = (objects: readonly unknown[]) => JSON.parse(JSON.stringify(objects)) as unknown;
      expect(fields(documents.map(({ value }) => value))).toEqual(
        fields(documentsOf(cluster).map(({ value }) => value)),
      );
    }),
    { numRuns: 20 },
  );
});

test('a transition has all of its clusters', () => {
  fc.assert(
    fc.property(arbitraryWalk({ min: 2, max: 3 }), (walk) => {
      expect(findClusters([walk])).toEqual(walk.map(({ objects }) => objects));
    }),
    { numRuns: 20 },
  );
});
