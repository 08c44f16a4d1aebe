import { expect, test } from 'vitest';
import type { EndpointsChange, FamilyChanges } from '../../../src/inspect/changes/changes.ts';
import { renderChanges } from '../../../src/inspect/changes/render-changes.ts';
import { changesBetween, type Side, service } from './shop.ts';

/** Services shop/s0, shop/s1, ... at 10.96.1.0, 10.96.1.1, ... */
function many(count: number, endpoints: readonly string[], port: object = {}): Side {
  const services = Array.from({ length: count }, (_, index) =>
    service(`s${index}`, endpoints, {
      port: { ...port },
      spec: { clusterIP: `10.96.${1 + Math.floor(index / 250)}.${index % 250}` },
    }),
  );
  return { services };
}

test('a thousand Services have a hundred lines and their number', () => {
  const lines = renderChanges(changesBetween(many(1000, ['1.10']), many(1000, ['2.20'])), { color: false });
  expect(lines).toHaveLength(101);
  expect(lines[0]).toBe('shop/s0:http  1 endpoint (+10.244.2.20:8080, -10.244.1.10:8080)');
  expect(lines[100]).toBe('... and 900 more service ports: 900 changed');
});

test('the limit is that of the caller', () => {
  const before = many(4, ['1.10']);
  const after: Side = {
    services: [
      ...many(3, ['2.20']).services,
      service('zoo', ['1.10']),
      service('zoom', [], { spec: { clusterIP: '10.96.9.9' } }),
    ],
  };
  const changes = changesBetween(before, after);
  expect(renderChanges(changes, { color: false, limit: 2 })).toEqual([
    'shop/s0:http  1 endpoint (+10.244.2.20:8080, -10.244.1.10:8080)',
    'shop/s1:http  1 endpoint (+10.244.2.20:8080, -10.244.1.10:8080)',
    '... and 4 more service ports: 1 changed, 2 new, 1 gone',
  ]);
  expect(renderChanges(changes, { color: false, limit: 5 }).at(-1)).toBe('... and 1 more service port: 1 new');
  expect(renderChanges(changes, { color: false, limit: Number.POSITIVE_INFINITY })).toHaveLength(6);
});

test('so it is for stale flows', () => {
  const port = { protocol: 'UDP', port: 53 };
  const changes = changesBetween(many(4, ['1.10', '2.20'], port), many(4, ['1.10'], port));
  expect(renderChanges(changes, { color: false, limit: 3 }).slice(-2)).toEqual([
    'stale UDP flows to 10.96.1.2:53/udp at 10.244.2.20:8080: may continue until idle',
    '... and stale UDP flows to 1 more frontend: may continue until idle',
  ]);
});

test('colors for what comes and goes', () => {
  const green = (text: string) => `\u001b[32m${text}\u001b[0m`;
  const red = (text: string) => `\u001b[31m${text}\u001b[0m`;
  const before: Side = {
    services: [
      service('cart', ['1.10', '2.20'], { spec: { externalIPs: ['198.19.0.5'] } }),
      service('old', [], { spec: { clusterIP: '10.96.0.11' } }),
    ],
  };
  const after: Side = {
    services: [
      service('cart', ['1.10', '3.30'], { port: { nodePort: 30080 } }),
      service('young', ['1.10'], { spec: { clusterIP: '10.96.0.12' } }),
    ],
  };
  expect(renderChanges(changesBetween(before, after), { color: true })).toEqual([
    `shop/cart:http  ${green('+*:30080/tcp')}, ${red('-198.19.0.5:80/tcp')}; ` +
      `2 endpoints (${green('+10.244.3.30:8080')}, ${red('-10.244.2.20:8080')})`,
    `shop/old:http  ${red('gone:')} 10.96.0.11:80/tcp`,
    `shop/young:http  ${green('new:')} 10.96.0.12:80/tcp, 1 endpoint`,
  ]);
  expect(renderChanges(changesBetween(undefined, before), { color: true })[0]).toBe(
    `table ip svc2nft  ${green('new')}`,
  );
  expect(renderChanges(changesBetween(before, undefined), { color: true })[0]).toBe(`table ip svc2nft  ${red('gone')}`);
});

const empty: FamilyChanges = {
  family: 'ip',
  table: 'svc2nft',
  tableChange: 'kept',
  gained: [],
  lost: [],
  changed: [],
  settings: [],
  chains: [],
  staleUdpFlows: [],
};

test.each([
  { before: 1, after: 200, line: 'share 100% -> 0.5%' },
  { before: 100, after: 101, line: undefined },
  { before: 2000, after: 3000, line: 'share 0.1% -> under 0.1%' },
  { before: 3000, after: 7, line: 'share under 0.1% -> 14%' },
])('shares: from $before to $after', ({ before, after, line }) => {
  const hosts = (count: number) => Array.from({ length: count }, (_, index) => `${index >> 8}.${index & 255}`);
  const [text] = renderChanges(
    changesBetween({ services: [service('cart', hosts(before))] }, { services: [service('cart', hosts(after))] }),
    { color: false },
  );
  expect(text?.split('), ')[1]).toBe(line);
});

test('names of other tables and chains, and addresses, are shown with their control characters escaped', () => {
  const endpoints: EndpointsChange = {
    endpoints: 'all',
    before: 1,
    after: 2,
    added: ['\u001b[31m'],
    removed: ['\r'],
    shareBefore: 100,
    shareAfter: 50,
    frontends: ['\u0007'],
  };
  const change = {
    name: 'a\nb',
    protocol: 'tcp',
    frontendsGained: [],
    frontendsLost: [],
    endpoints: [endpoints],
    policies: [],
    refusals: [],
    affinitySeconds: [],
    sourceRanges: [{ before: ['\u202e'], after: ['\u2028'] }],
  };
  const changes: FamilyChanges = {
    ...empty,
    table: '\u001b]0;x',
    tableChange: 'new',
    changed: [change],
    settings: [{ setting: 'pods', before: [], after: ['\u009b'] }],
    chains: ['\u001b'],
    staleUdpFlows: [{ frontend: '\t', endpoints: ['\b'] }],
  };
  expect(renderChanges(changes, { color: false })).toEqual([
    'table ip \\u001b]0;x  new',
    'settings  pods: none -> \\u009b',
    'settings  chain \\u001b has different rules',
    'a\\nb  1 -> 2 endpoints at \\u0007 (+\\u001b[31m, -\\r), share 100% -> 50%; source ranges +\\u2028, -\\u202e',
    'stale UDP flows to \\t at \\u0008: may continue until idle',
  ]);
});
