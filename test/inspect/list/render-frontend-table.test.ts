import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { onlyNamespace, renderFrontendTable } from '../../../src/inspect/list/render-frontend-table.ts';
import { documentsOf, readDocuments } from '../../../src/phases/1-read/read-documents.ts';
import { listFixtures } from '../../support/fixture.ts';
import { service, slice } from '../../support/small-cluster.ts';
import { takeDocuments, takeFixture } from './take-fixture.ts';

test('wide tables say which endpoints not all clients use', () => {
  const { items } = takeFixture('external-policy-local-falls-back-to-local-terminating-endpoints');
  const lines = renderFrontendTable(items, { wide: true }).map((line) => line.split(/ {2,}/).slice(3));
  expect(lines).toEqual([
    ['FRONTEND', 'POLICY', 'ENDPOINT', 'NODE', 'LOCAL', 'STATE', 'USED-BY', 'REMARK'],
    [
      '10.96.0.10:80/tcp',
      'Cluster',
      '10.244.1.10:8080',
      'worker-1',
      'yes',
      'terminating',
      'none',
      '1 not serving; 1 terminating',
    ],
    ['10.96.0.10:80/tcp', 'Cluster', '10.244.1.11:8080', 'worker-1', 'yes', 'not-serving', 'none'],
    ['10.96.0.10:80/tcp', 'Cluster', '10.244.2.20:8080', 'worker-2', 'no', 'ready', 'all'],
    ...['198.18.0.10:80/tcp', '*:30080/tcp'].flatMap((frontend) => [
      [
        frontend,
        'Local',
        '10.244.1.10:8080',
        'worker-1',
        'yes',
        'terminating',
        'external',
        'all terminating for external clients; 1 not serving',
      ],
      [frontend, 'Local', '10.244.1.11:8080', 'worker-1', 'yes', 'not-serving', 'none'],
      [frontend, 'Local', '10.244.2.20:8080', 'worker-2', 'no', 'ready', 'internal'],
    ]),
  ]);
});

test('wide tables say why an endpoint that is ready gets nothing', () => {
  const { items } = takeFixture('node-hints-keep-traffic-on-the-node');
  const remarks = renderFrontendTable(items.slice(0, 1), { wide: true }).map((line) => line.split(/ {2,}/).slice(9));
  expect(remarks).toContainEqual(['none', 'hinted for other nodes']);
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
      const rows = items.reduce((sum, { endpoints }) => sum + (wide ? Math.max(1, endpoints.length) : 1), 0);
      expect(lines).toHaveLength(items.length === 0 ? 0 : rows + 1);
      const columns = (wide ? 10 : 7) + (onlyNamespace(items) === undefined ? 1 : 0);
      const starts = lines.map((line) => [...line.matchAll(/\S+(?= |$)/g)].slice(0, columns).map(({ index }) => index));
      expect(new Set(starts.map(String)).size).toBe(items.length === 0 ? 0 : 1);
    }
  });
});

test.each([undefined, 60, 80, 200])('without headings, %j columns: everything else is the same', (width) => {
  const { items } = takeFixture('external-policy-local-falls-back-to-local-terminating-endpoints');
  for (const wide of [false, true]) {
    const all = renderFrontendTable(items, { wide, width });
    const rows = renderFrontendTable(items, { wide, width, headings: false });
    expect(all.slice(-rows.length)).toEqual(rows);
    expect(all.slice(0, -rows.length).join(' ')).toMatch(/^NAME {2,3}PORT/);
    expect(rows[0]).toMatch(/^web/);
  }
});

test('the namespace of each row on request', () => {
  const { items } = takeFixture('node-hints-keep-traffic-on-the-node');
  const [heading, first] = renderFrontendTable(items, { wide: false, withNamespace: true });
  expect([heading, first].map((line) => line?.split(/ +/).slice(0, 2))).toEqual([
    ['NAMESPACE', 'NAME'],
    [items[0]?.namespace, 'web'],
  ]);
});

test.each([
  [1, '198.51.100.1'],
  [3, '198.51.100.1, 198.51.100.2, 198.51.100.3'],
  [4, '198.51.100.1, 198.51.100.2, 198.51.100.3, 1 more'],
])('of %i external IPs that are not served, three are shown: "%s"', (count, shown) => {
  const externalIPs = Array.from({ length: count }, (_, index) => `198.51.100.${index + 1}`);
  const objects = [service('web', { clusterIP: '10.96.0.10', externalIPs }), slice('web', ['10.244.1.10'])];
  const { items } = takeDocuments(documentsOf(objects), { nodeName: 'worker-1', allowServiceExternalIPs: false });
  const rows = renderFrontendTable(items, { wide: false });
  expect(rows.map((row) => /not served: external IP (.*) \(/.exec(row)?.[1])).toContain(shown);
});

test.each([
  [1, ''],
  [9, ''],
  [10, ''],
  [11, ' +1'],
  [12, ' +2'],
  [1_010, ' +1,000'],
])('of %i source ranges, ten are shown, and how many more there are: "%s"', (count, more) => {
  const ranges = Array.from({ length: count }, (_, index) => `203.${Math.floor(index / 256)}.${index % 256}.0/24`);
  const objects = [
    service(
      'web',
      { type: 'LoadBalancer', clusterIP: '10.96.0.10', loadBalancerSourceRanges: ranges },
      { loadBalancer: { ingress: [{ ip: '198.51.100.9' }] } },
    ),
    slice('web', ['10.244.1.10']),
  ];
  const options = { nodeName: 'worker-1', nodeAddresses: ['192.0.2.11'], clusterCIDRs: ['10.244.0.0/16'] };
  const { items } = takeDocuments(documentsOf(objects), { ...options, families: ['ip'] });
  const [line = ''] = renderFrontendTable(items, { wide: false }).filter((row) => row.includes('198.51.100.9'));
  const remark = line.slice(line.indexOf('source ranges: ') + 15);
  expect(remark.split(' ').slice(0, 10)).toEqual(ranges.slice(0, 10));
  expect(remark).toBe(`${ranges.slice(0, 10).join(' ')}${more}`);
});
