import { describe, expect, test } from 'vitest';
import { type DnsRecord, listDnsRecords } from '../../src/dns/dns-records.ts';
import { recordData } from '../../src/dns/print-zones.ts';
import type { Mapping } from '../../src/lib/unknown-values.ts';

function service(name: string, spec: Mapping): Mapping {
  return { kind: 'Service', metadata: { namespace: 'shop', name }, spec };
}

function slice(name: string, endpoints: readonly unknown[], ports: readonly unknown[] = []): Mapping {
  const metadata = { namespace: 'shop', name: `${name}-1`, labels: { 'kubernetes.io/service-name': name } };
  return { kind: 'EndpointSlice', metadata, endpoints, ports };
}

function lines(services: readonly Mapping[], endpointSlices: readonly Mapping[] = []): string[] {
  const records = listDnsRecords({ services, endpointSlices }, 'cluster.local');
  return records.filter(({ type }) => type !== 'TXT').map(lineOf);
}

function lineOf(record: DnsRecord): string {
  return `${record.name} ${record.type} ${recordData(record)}`;
}

describe('a Service with cluster IPs', () => {
  test('has addresses of both families, its named ports, and the way back', () => {
    const ports = [
      { name: 'http', port: 80 },
      { name: 'dns', port: 53, protocol: 'UDP' },
      { port: 9, protocol: 'TCP' },
    ];
    expect(
      lines([service('web', { clusterIP: '10.96.0.1', clusterIPs: ['10.96.0.1', 'fd00:10:96::1'], ports })]),
    ).toEqual([
      'web.shop.svc.cluster.local. A 10.96.0.1',
      'web.shop.svc.cluster.local. AAAA fd00:10:96::1',
      '_http._tcp.web.shop.svc.cluster.local. SRV 0 100 80 web.shop.svc.cluster.local.',
      '_dns._udp.web.shop.svc.cluster.local. SRV 0 100 53 web.shop.svc.cluster.local.',
      '1.0.96.10.in-addr.arpa. PTR web.shop.svc.cluster.local.',
      '1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.9.0.0.0.1.0.0.0.0.d.f.ip6.arpa. PTR web.shop.svc.cluster.local.',
    ]);
  });

  test('has them without endpoints, and without clusterIPs, as old objects are', () => {
    expect(lines([service('web', { clusterIP: '10.96.0.1' })])[0]).toBe('web.shop.svc.cluster.local. A 10.96.0.1');
  });

  test('has none before it gets a cluster IP', () => {
    expect(lines([service('web', { ports: [{ name: 'http', port: 80 }] })])).toEqual([]);
  });
});

describe('a headless Service', () => {
  const db = service('db', { clusterIP: 'None', clusterIPs: ['None'] });

  test('has its ready endpoints, each with a name, its ports and the way back', () => {
    const endpoints = [
      { addresses: ['10.244.1.5'], hostname: 'db-0', conditions: { ready: true } },
      { addresses: ['10.244.1.6'] },
      { addresses: ['10.244.1.7'], conditions: { ready: false } },
    ];
    expect(lines([db], [slice('db', endpoints, [{ name: 'sql', port: 5432, protocol: 'TCP' }])])).toEqual([
      'db.shop.svc.cluster.local. A 10.244.1.5',
      'db.shop.svc.cluster.local. A 10.244.1.6',
      '10-244-1-6.db.shop.svc.cluster.local. A 10.244.1.6',
      '_sql._tcp.db.shop.svc.cluster.local. SRV 0 50 5432 10-244-1-6.db.shop.svc.cluster.local.',
      '_sql._tcp.db.shop.svc.cluster.local. SRV 0 50 5432 db-0.db.shop.svc.cluster.local.',
      'db-0.db.shop.svc.cluster.local. A 10.244.1.5',
      '5.1.244.10.in-addr.arpa. PTR db-0.db.shop.svc.cluster.local.',
      '6.1.244.10.in-addr.arpa. PTR 10-244-1-6.db.shop.svc.cluster.local.',
    ]);
  });

  test('has one SRV record for an endpoint with two addresses, under its hostname', () => {
    const endpoint = (address: string): Mapping => ({ addresses: [address], hostname: 'db-0' });
    const ports = [{ name: 'sql', port: 5432 }];
    const slices = [slice('db', [endpoint('10.244.1.5')], ports), slice('db', [endpoint('fd00::5')], ports)];
    expect(lines([db], slices).filter((line) => line.includes('SRV'))).toEqual([
      '_sql._tcp.db.shop.svc.cluster.local. SRV 0 100 5432 db-0.db.shop.svc.cluster.local.',
    ]);
  });

  test('has none without slices, or with those of others', () => {
    expect(lines([db], [slice('web', [{ addresses: ['10.244.1.5'] }])])).toEqual([]);
  });
});

describe('an ExternalName', () => {
  test.each([
    ['shop.example.com', 'shop.example.com.'],
    ['Shop.Example.com.', 'shop.example.com.'],
    ['_dmarc.example.com', '_dmarc.example.com.'],
  ])('%s is a CNAME', (externalName, target) => {
    expect(lines([service('ext', { type: 'ExternalName', externalName })])).toEqual([
      `ext.shop.svc.cluster.local. CNAME ${target}`,
    ]);
  });

  test.each(['', 'a b', 'x\n@ IN A 1.2.3.4', 'a..b', '"', `${'a'.repeat(64)}.com`, `${'a.'.repeat(130)}com`])(
    '%j is none',
    (externalName) => {
      expect(lines([service('ext', { type: 'ExternalName', externalName })])).toEqual([]);
    },
  );
});

test('what is malformed has no records, and keeps nothing else from them', () => {
  const web = service('web', {
    clusterIP: '10.96.0.1',
    ports: [
      { name: 'ht tp', port: 80 },
      { name: 'http', port: 'x' },
    ],
  });
  const odd = [
    {},
    { metadata: { name: 'a\nb' } },
    service('A.b', { clusterIP: '10.96.0.9' }),
    { spec: [], metadata: 3 },
  ];
  const hostile = slice('db', [
    { addresses: ['10.244.1.5\n'], hostname: 'x' },
    7,
    { addresses: ['10.244.1.5'], hostname: 'x y' },
  ]);
  expect(lines([...odd, web, service('db', { clusterIP: 'None' })], [hostile, {}, { metadata: [] }])).toEqual([
    'db.shop.svc.cluster.local. A 10.244.1.5',
    '10-244-1-5.db.shop.svc.cluster.local. A 10.244.1.5',
    'web.shop.svc.cluster.local. A 10.96.0.1',
    '5.1.244.10.in-addr.arpa. PTR 10-244-1-5.db.shop.svc.cluster.local.',
    '1.0.96.10.in-addr.arpa. PTR web.shop.svc.cluster.local.',
  ]);
});

test('the version of the specification is there', () => {
  expect(listDnsRecords({ services: [], endpointSlices: [] }, 'Example.org')).toEqual([
    { name: 'dns-version.example.org.', type: 'TXT', text: '1.1.0' },
  ]);
});
