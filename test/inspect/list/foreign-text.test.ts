import { expect, test } from 'vitest';
import { listFrontends } from '../../../src/inspect/list/list-frontends.ts';
import { renderFrontendTable } from '../../../src/inspect/list/render-frontend-table.ts';
import type { Element, Ruleset } from '../../../src/nft/ruleset.ts';
import { documentsOf } from '../../../src/phases/1-read/read-documents.ts';
import { firewallSets } from '../../../src/phases/5-plan/firewall.ts';
import { takeDocuments } from './take-fixture.ts';

const hostile = 'a\u001b[2J\u202eb\u0085';

/** Control characters, and characters that change how others are shown. */
const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

function metadata(name: string, labels: object = {}): object {
  return { namespace: 'shop', name, labels };
}

const service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: metadata('cart'),
  spec: { clusterIP: '10.96.0.10', ports: [{ port: 80 }] },
};

const slice = {
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: metadata('cart-1', { 'kubernetes.io/service-name': 'cart' }),
  addressType: 'IPv4',
  ports: [{ name: '', port: 8080 }],
  endpoints: [
    {
      addresses: ['10.244.1.11'],
      nodeName: hostile,
      zone: hostile,
      targetRef: { kind: 'Pod', name: hostile },
      hints: { forZones: [{ name: hostile }] },
    },
    { addresses: ['10.244.1.12'], hints: { forZones: [{ name: 'zone-b' }] } },
  ],
};

test('names of nodes and zones are any text, and none of it gets out', () => {
  const { items } = takeDocuments(documentsOf([service, slice]), { zone: hostile, families: ['ip'] });
  expect(items).toHaveLength(1);
  expect(items[0]?.endpoints[0]).toMatchObject({ node: 'a\\u001b[2J\\u202eb\\u0085', zone: '', pod: '' });
  expect(items[0]?.remarks).toEqual(['hints: a\\u001b[2J\\u202eb\\u0085 only']);
  expect(JSON.stringify(items)).not.toMatch(unsafe);
  expect(renderFrontendTable(items, { wide: true }).join('')).not.toMatch(unsafe);
});

/** The ruleset with other elements in one of its sets. */
function withElements({ sets, ...ruleset }: Ruleset, name: string, elements: readonly Element[]): Ruleset {
  return { ...ruleset, sets: sets.map((set) => (set.name === name ? { ...set, elements } : set)) };
}

test('elements of others in a kernel', () => {
  const { rulesets } = takeDocuments(documentsOf([service, slice]), { families: ['ip'] });
  const [ruleset] = rulesets;
  expect(ruleset).toBeDefined();
  const foreign: Element[] = [
    { key: hostile, comment: hostile },
    { key: `10.0.0.1 . ${hostile} . 80`, comment: 'shop/cart' },
    { key: `${hostile} . 80`, comment: hostile },
  ];
  const { items } = listFrontends(ruleset ? [withElements(ruleset, 'service-ips', foreign)] : []);
  expect(items).toHaveLength(3);
  expect(items.map(({ namespace, service: name }) => `${namespace}/${name}`)).toEqual([
    '/(unknown)',
    '/(unknown)',
    'shop/cart',
  ]);
  expect(items.map(({ remarks }) => remarks)).toEqual([
    ['rules not understood'],
    ['rules not understood'],
    ['rules not understood'],
  ]);
  expect(JSON.stringify(items)).not.toMatch(unsafe);
  expect(renderFrontendTable(items, { wide: false }).join('')).not.toMatch(unsafe);
});

test('everything else that others may write into a table', () => {
  const { rulesets } = takeDocuments(documentsOf([service, slice]), { families: ['ip'] });
  const compiled = rulesets[0] as Ruleset;
  const guarded = { ...compiled, sets: [...compiled.sets, ...firewallSets.map((set) => ({ ...set, elements: [] }))] };
  const written = guarded.sets.reduce<Ruleset>((ruleset, { name, key, value }) => {
    const text = key.map(() => hostile).join(' . ');
    const foreign: Element = {
      key:
        name === 'firewall-ips' || name === 'firewall-sources'
          ? `10.96.0.10 . tcp . 80${name === 'firewall-ips' ? '' : ` . ${hostile}`}`
          : text,
      comment: hostile,
      ...(value === 'endpoint' && { value: { address: hostile, port: 1 } }),
    };
    const known = compiled.sets.find((set) => set.name === name)?.elements ?? [];
    return withElements(ruleset, name, [...known, foreign]);
  }, guarded);
  const inventory = listFrontends([written]);
  expect(inventory.tables[0]?.nodePortAddresses).toBeDefined();
  expect(JSON.stringify(inventory)).not.toMatch(unsafe);
  expect(inventory.items.flatMap(({ sourceRanges }) => sourceRanges ?? [])).toEqual(['a\\u001b[2J\\u202eb\\u0085']);
  expect(renderFrontendTable(inventory.items, { wide: true }).join('')).not.toMatch(unsafe);
});

test('a row for each Service without rules, with the reason', () => {
  const other = (name: string, spec: object, labels: object = {}): object => ({
    ...service,
    metadata: metadata(name, labels),
    spec: { ports: [{ port: 80 }], ...spec },
  });
  const documents = documentsOf([
    other('alias', { type: 'ExternalName', externalName: 'example.com' }),
    other('fresh', {}),
    other('headless', { clusterIP: 'None' }),
    other('mesh', { clusterIP: '10.96.0.11' }, { 'service.kubernetes.io/service-proxy-name': 'mesh' }),
    other('other-family', { clusterIP: 'fd00::11' }),
    other('portless', { clusterIP: '10.96.0.13', ports: [] }),
    other('twice', { clusterIP: 'None' }),
    other('twice', { clusterIP: 'None' }),
    other('wrong', { clusterIP: 'nowhere' }),
    other(hostile, { clusterIP: 'None' }),
  ]);
  const { items } = takeDocuments(documents, { families: ['ip'], keepGoing: true });
  expect(items.map(({ service: name, remarks }) => `${name}: ${remarks.join()}`)).toEqual([
    // The name that it was refused for is shown without harm.
    'a\\u001b[2J\\u202eb\\u0085: left out: has errors',
    'alias: ExternalName: no rules',
    'fresh: no cluster IP: no rules',
    'headless: headless: no rules',
    'mesh: other proxy: no rules',
    'other-family: no cluster IP for IPv4: no rules',
    'portless: no ports: no rules',
    'twice: headless: no rules',
    'wrong: left out: has errors',
  ]);
});
