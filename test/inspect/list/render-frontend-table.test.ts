import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { renderFrontendTable } from '../../../src/inspect/list/render-frontend-table.ts';
import { readDocuments } from '../../../src/phases/1-read/read-documents.ts';
import { listFixtures } from '../../support/fixture.ts';
import { takeDocuments, takeFixture } from './take-fixture.ts';

test('wide tables say which endpoints not all clients use', () => {
  const { items } = takeFixture('external-policy-local-falls-back-to-local-terminating-endpoints');
  const lines = renderFrontendTable(items, { wide: true }).map((line) => line.split(/ {2,}/).slice(4, 10));
  expect(lines).toEqual([
    ['FRONTEND', 'POLICY', 'ENDPOINTS', 'LOCAL', 'USED', 'LEFT-OUT'],
    [
      ...['10.96.0.10:80/tcp', 'Cluster', '1', '0', '10.244.2.20:8080'],
      '10.244.1.10:8080(terminating),10.244.1.11:8080(not-serving)',
    ],
    ...['198.18.0.10:80/tcp', '*:30080/tcp'].map((frontend) => [
      ...[frontend, 'Local', '2', '1'],
      '10.244.1.10:8080(external;terminating),10.244.2.20:8080(internal)',
      '10.244.1.11:8080(not-serving)',
    ]),
  ]);
});

describe.each(listFixtures())('%s', (name) => {
  test('the order of the input does not matter', () => {
    const { snapshotFile, options, ...taken } = takeFixture(name);
    const { documents } = readDocuments([{ file: name, content: readFileSync(snapshotFile) }]);
    const { tables, items } = takeDocuments(documents.toReversed(), options);
    expect({ tables, items }).toEqual({ tables: taken.tables, items: taken.items });
  });

  test('cells of tables have no blanks, but for the last', () => {
    const { items } = takeFixture(name);
    for (const wide of [false, true]) {
      const lines = renderFrontendTable(items, { wide });
      expect(lines).toHaveLength(items.length === 0 ? 0 : items.length + 1);
      const columns = wide ? 10 : 8;
      const starts = lines.map((line) => [...line.matchAll(/\S+(?= |$)/g)].slice(0, columns).map(({ index }) => index));
      expect(new Set(starts.map(String)).size).toBe(items.length === 0 ? 0 : 1);
    }
  });
});
