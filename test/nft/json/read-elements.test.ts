import { describe, expect, test } from 'vitest';
import { readOneSet } from './read-one-set.ts';

describe('declarations', () => {
  const comment = 'test';

  test.each([
    ['a flag alone', { type: 'ipv4_addr', flags: 'interval' }, { key: ['address'], flags: ['interval'] }],
    [
      'dynamic that is not printed',
      { type: 'ipv4_addr', flags: ['timeout'] },
      { key: ['address'], flags: ['dynamic', 'timeout'] },
    ],
    [
      'dynamic that is printed',
      { type: 'ipv4_addr', flags: ['timeout', 'dynamic'] },
      { key: ['address'], flags: ['dynamic', 'timeout'] },
    ],
    [
      'a count',
      { type: ['inet_proto', 'inet_service'], count: 7, size: 9, timeout: 60 },
      { key: ['protocol', 'port'], size: 9, timeoutSeconds: 60 },
    ],
    [
      'an example of one type',
      { type: { typeof: { ct: { key: 'ip daddr', dir: 'original' } } } },
      { key: ['address'] },
    ],
    [
      'an example with a protocol',
      { type: { typeof: { payload: { protocol: 'udp', field: 'dport' } } } },
      { key: ['port'], protocol: 'udp' },
    ],
  ])('%s', (_, body, expected) => {
    const { set, deviations } = readOneSet('set', body);
    expect(set).toEqual({ name: 'a', comment, elements: [], ...expected });
    expect(deviations).toEqual([]);
  });

  test.each([
    ['ipv4_addr . inet_service'],
    [['ipv4_addr', 'inet_service']],
    [
      {
        typeof: {
          concat: [{ payload: { protocol: 'ip', field: 'daddr' } }, { payload: { protocol: 'tcp', field: 'dport' } }],
        },
      },
    ],
  ])('values %j are endpoint addresses', (map) => {
    const { set, deviations } = readOneSet('map', { type: 'ipv4_addr', map });
    expect(set).toEqual({ name: 'a', comment, key: ['address'], value: 'endpoint', elements: [] });
    expect(deviations).toEqual([]);
  });

  test.each([
    ['set', { type: 'ipv6_addr' }, 'type ipv6_addr'],
    ['set', {}, 'empty type'],
    ['set', { type: [] }, 'empty type'],
    ['set', { type: { typeof: { meta: { key: 'mark' } } } }, 'type typeof'],
    ['map', { type: 'ipv4_addr' }, 'type ipv4_addr without a value type'],
    ['map', { type: 'ipv4_addr', map: 'inet_service . ipv4_addr' }, 'type ipv4_addr : inet_service . ipv4_addr'],
  ] as const)('%s %j is not understood', (kind, body, type) => {
    const { set, deviations } = readOneSet(kind, body);
    expect(set).toBeUndefined();
    expect(deviations).toEqual([{ message: `${kind} a: unexpected ${type}`, needsRebuild: true }]);
  });
});

describe('elements', () => {
  test('with numbers for protocols', () => {
    const elem = [{ concat: [6, 80] }, { concat: [17, 80] }, { concat: [132, 80] }, { concat: ['tcp', 81] }];
    const { set, deviations } = readOneSet('set', { type: ['inet_proto', 'inet_service'], elem });
    expect(set?.elements.map(({ key }) => key)).toEqual(['tcp . 80', 'udp . 80', 'sctp . 80', 'tcp . 81']);
    expect(deviations).toEqual([]);
  });

  test('with more than svc2nft writes', () => {
    const elem = [
      { elem: { val: '10.0.0.1', counter: { packets: 0, bytes: 0 }, comment: 'a' } },
      { elem: { val: '10.0.0.2', timeout: 60, expires: 50 } },
      { elem: { val: '10.0.0.3', counter: null } },
      ['10.0.0.4', { drop: null }],
    ];
    const { set, deviations } = readOneSet('set', { type: 'ipv4_addr', elem });
    expect(set?.elements).toEqual([
      { key: '10.0.0.1', comment: '' },
      { key: '10.0.0.2', comment: '' },
      { key: '10.0.0.3', comment: '' },
      { key: '10.0.0.4', comment: '' },
    ]);
    expect(deviations).toEqual([
      { message: 'set a: 2 elements have a counter (the first is 10.0.0.1)', needsRebuild: false },
      { message: 'set a: one element has a timeout (10.0.0.2)', needsRebuild: false },
      { message: 'set a: one element has a value that is not understood (10.0.0.4)', needsRebuild: false },
    ]);
  });

  test('that no command can name', () => {
    const elem = [
      null,
      { elem: {} },
      { concat: [{ concat: ['10.0.0.1'] }, 80] },
      'a b',
      { range: ['a', 'b', 'c'] },
      -1,
    ];
    const { set, deviations } = readOneSet('set', { type: ['ipv4_addr', 'inet_service'], elem });
    expect(set?.elements).toEqual([]);
    expect(deviations).toEqual([
      { message: 'set a: 6 elements have a key that cannot be written as nft text', needsRebuild: true },
    ]);
  });

  test('of an endpoint map, in any order, form lists up to a gap', () => {
    const endpoint = (address: string, index: number, port: number) => [
      { concat: [address, 80, index] },
      { concat: ['10.1.0.1', port] },
    ];
    const elem = [
      endpoint('10.0.0.1', 1, 8081),
      endpoint('10.0.0.2', 3, 8083),
      endpoint('10.0.0.2', 0, 8080),
      endpoint('10.0.0.1', 2, 8082),
      endpoint('10.0.0.3', 1, 8081),
      endpoint('10.0.0.2', 1, 8081),
      endpoint('10.0.0.1', 0, 8080),
    ];
    const type = ['ipv4_addr', 'inet_service', 'integer'];
    const { set, deviations } = readOneSet('map', { type, map: 'ipv4_addr . inet_service', elem });
    const endpointAddresses = [8080, 8081, 8082].map((port) => ({ address: '10.1.0.1', port }));
    expect(set?.lists).toEqual([
      { key: '10.0.0.2 . 80', endpointAddresses: endpointAddresses.slice(0, 2) },
      { key: '10.0.0.1 . 80', endpointAddresses },
    ]);
    expect(set?.elements).toEqual([
      { key: '10.0.0.3 . 80 . 1', value: { address: '10.1.0.1', port: 8081 } },
      { key: '10.0.0.2 . 80 . 3', value: { address: '10.1.0.1', port: 8083 } },
    ]);
    expect(deviations).toEqual([]);
  });
});
