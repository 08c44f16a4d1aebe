import { describe, expect, test } from 'vitest';
import { type CountedReading, createConnectionMeter, endpointMapsOf } from '../../src/frontends/count-connections.ts';
import type { CountedElement } from '../../src/nft/listed-table.ts';

function reading(at: number, name: string, elements: readonly CountedElement[]): CountedReading {
  return { family: 'ip', at, map: { name, hasCounters: true, elements } };
}

function frontend(key: string, comment: string, chain: string, packets: number): CountedElement {
  return { key, comment, value: { kind: 'goto', chain }, packets };
}

function endpoint(key: string, address: string, packets: number): CountedElement {
  return { key, value: { address, port: 8080 }, packets };
}

const webAt = (packets: number, chain = 'tcp-cluster-2'): CountedElement =>
  frontend('10.96.0.10 . tcp . 80', 'shop/web:http', chain, packets);
const webNodePort = (packets: number): CountedElement =>
  frontend('tcp . 30080', 'shop/web:http', 'tcp-nodeport-external-local-2-1', packets);
const all = { namespace: 'shop', service: 'web', portName: 'http', protocol: 'tcp', endpoint: null };

describe('connections', () => {
  test('are summed over the frontends of a service port, with their rate from the second reading on', () => {
    const { measure } = createConnectionMeter();
    const maps = (at: number, ips: number, ports: number) => [
      reading(at, 'service-ips', [webAt(ips)]),
      reading(at + 500, 'service-nodeports', [webNodePort(ports)]),
    ];
    expect(measure(maps(1_000, 5, 2))).toEqual([{ ...all, connections: 7, added: 7, perSecond: null }]);
    expect(measure(maps(3_000, 9, 3))).toEqual([{ ...all, connections: 12, added: 5, perSecond: 2.5 }]);
    expect(measure(maps(4_000, 9, 3))).toEqual([{ ...all, connections: 12, added: 0, perSecond: 0 }]);
  });

  test('count from 0 where an element is another one, even if it counts more', () => {
    const { measure } = createConnectionMeter();
    measure([reading(0, 'service-ips', [webAt(5)])]);
    expect(measure([reading(1_000, 'service-ips', [webAt(6, 'tcp-cluster-3')])])).toMatchObject([{ added: 6 }]);
    expect(measure([reading(2_000, 'service-ips', [webAt(2, 'tcp-cluster-3')])])).toMatchObject([{ added: 2 }]);
  });

  test('to endpoints belong to the service port of their frontend', () => {
    const { measure } = createConnectionMeter();
    const rows = measure([
      reading(0, 'service-ips', [
        webAt(3),
        frontend('10.96.0.10 . udp . 80', 'shop/dns', 'udp-cluster-1', 9),
        frontend('10.96.0.11 . tcp . 80', 'not a name', 'tcp-cluster-1', 9),
      ]),
      reading(0, 'service-nodeports', [webNodePort(4)]),
      reading(0, 'tcp-endpoints', [
        endpoint('10.96.0.10 . 80 . 0', '10.244.1.1', 2),
        endpoint('10.96.0.10 . 80 . 1', '10.244.1.2', 1),
        endpoint('10.96.0.99 . 80 . 0', '10.244.1.9', 9),
      ]),
      reading(0, 'tcp-nodeport-local-endpoints', [endpoint('30080 . 0', '10.244.1.1', 4)]),
    ]);
    expect(rows.map(({ service, endpoint: to, connections }) => [service, to, connections])).toEqual([
      ['dns', null, 9],
      ['web', null, 7],
      ['web', '10.244.1.1:8080', 6],
      ['web', '10.244.1.2:8080', 1],
    ]);
  });
});

test('only the maps with endpoints of the selected Services are needed', () => {
  const maps = [
    reading(0, 'service-ips', [
      webAt(0),
      frontend('10.96.0.10 . udp . 53', 'shop/dns', 'udp-sticky-local-1', 0),
      frontend('fd00::1 . tcp . 80', 'shop/pinned', 'sticky-cluster/shop/pinned/tcp/', 0),
    ]).map,
    reading(0, 'service-nodeports', [webNodePort(0)]).map,
  ];
  expect(endpointMapsOf(maps, ({ service }) => service === 'web')).toEqual([
    'tcp-endpoints',
    'tcp-nodeport-endpoints',
    'tcp-nodeport-local-endpoints',
  ]);
  expect(endpointMapsOf(maps, ({ service }) => service === 'dns')).toEqual(['udp-local-endpoints']);
  expect(endpointMapsOf(maps, ({ service }) => service === 'pinned')).toEqual([]);
});
