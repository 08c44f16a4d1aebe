import { describe, expect, test } from 'vitest';
import type { Rule } from '../../../src/nft/ruleset.ts';
import { knownNames } from '../../../src/phases/5-plan/names.ts';
import { readNftJson } from './parse-nft-json.ts';

/** The rule that an `expr` reads as; a rule that is not understood is an empty list. */
function readOne(expr: unknown): Rule | undefined {
  const place = { family: 'ip', table: 'svc2nft' };
  const objects = [{ chain: { ...place, name: 'a' } }, { rule: { ...place, chain: 'a', expr } }];
  const { ruleset } = readNftJson({ nftables: objects }, { family: 'ip', table: 'svc2nft' }, knownNames);
  return ruleset.chains[0]?.rules[0];
}

const daddr = { payload: { protocol: 'ip', field: 'daddr' } };
const tcpDport = { payload: { protocol: 'tcp', field: 'dport' } };
const numgen = { numgen: { mode: 'random', mod: 2, offset: 0 } };
const mark = { meta: { key: 'mark' } };
const match = (op: string, left: unknown, right: unknown) => ({ match: { op, left, right } });

describe('a rule', () => {
  test('with numbers for names, which `nft -n` and systems without /etc/protocols print', () => {
    expect(
      readOne([
        match('in', { ct: { key: 'state' } }, 8),
        match('in', { ct: { key: 'status' } }, 32),
        match('==', { fib: { result: 'type', flags: ['saddr'] } }, 2),
        match('==', { meta: { key: 'l4proto' } }, 132),
        { reject: { type: 'icmp', expr: 3 } },
      ]),
    ).toEqual([
      { kind: 'match', left: { kind: 'ct-state' }, right: 'new' },
      { kind: 'match', left: { kind: 'ct-status' }, right: 'dnat' },
      { kind: 'match', left: { kind: 'fib-type', field: 'saddr' }, right: 'local' },
      { kind: 'match', left: { kind: 'l4proto' }, right: 'sctp' },
      { kind: 'reject' },
    ]);
  });

  test('with a bit that is set, that is not set, and that is compared with all others', () => {
    const status = { ct: { key: 'status' } };
    const isDnat = { kind: 'match', left: { kind: 'ct-status' }, right: 'dnat' };
    for (const dnat of ['dnat', 32]) {
      expect(readOne([match('in', status, dnat)])).toEqual([isDnat]);
      expect(readOne([match('!', status, dnat)])).toEqual([{ ...isDnat, negated: true }]);
      expect(readOne([match('!=', status, dnat)])).toEqual([]);
      expect(readOne([match('==', status, dnat)])).toEqual([]);
    }
    expect(readOne([match('!', status, 'snat')])).toEqual([]);
    expect(readOne([match('!', { ct: { key: 'state' } }, 'new')])).toEqual([]);
    expect(readOne([match('!', daddr, '10.0.0.1')])).toEqual([]);
  });

  test('with lists of one flag as lists or not, as versions of nft do', () => {
    for (const flags of ['fully-random', ['fully-random']]) {
      expect(readOne([{ masquerade: { flags } }])).toEqual([{ kind: 'masquerade' }]);
    }
    for (const flags of ['daddr', ['daddr']]) {
      expect(readOne([match('==', { fib: { result: 'type', flags } }, 'local')])).toEqual([
        { kind: 'match', left: { kind: 'fib-type', field: 'daddr' }, right: 'local' },
      ]);
    }
  });

  test('matches its protocol where the compiler does, whether nft prints the match or not', () => {
    const asked = match('==', { meta: { key: 'l4proto' } }, 'tcp');
    const pinned = { dnat: { family: 'ip', addr: { map: { key: { concat: [daddr, tcpDport] }, data: '@tcp-pins' } } } };
    const picked = { dnat: { addr: { map: { key: { concat: [tcpDport, numgen] }, data: '@tcp-endpoints' } } } };
    const dport = { kind: 'dport', protocol: 'tcp' };
    for (const expr of [[pinned], [asked, pinned]]) {
      expect(readOne(expr)).toEqual([
        { kind: 'match', left: { kind: 'l4proto' }, right: 'tcp' },
        { kind: 'dnat-map', protocol: 'tcp', key: [{ kind: 'address', field: 'daddr' }, dport], map: 'tcp-pins' },
      ]);
    }
    for (const expr of [[picked], [asked, picked]]) {
      expect(readOne(expr)).toEqual([
        { kind: 'dnat-map', protocol: 'tcp', key: [dport, { kind: 'numgen', modulus: 2 }], map: 'tcp-endpoints' },
      ]);
    }
  });

  test('resets TCP, whether nft prints the match of the protocol or not', () => {
    const reset = { reject: { type: 'tcp reset' } };
    const protocolIs = (name: string | number) => match('==', { meta: { key: 'l4proto' } }, name);
    for (const expr of [[reset], [protocolIs('tcp'), reset], [protocolIs(6), reset]]) {
      expect(readOne(expr)).toEqual([{ kind: 'tcp-reset' }]);
    }
    const dropped = { kind: 'match-set', key: [{ kind: 'address', field: 'daddr' }], set: 'a' };
    expect(readOne([match('==', daddr, '@a'), protocolIs('tcp'), reset])).toEqual([dropped, { kind: 'tcp-reset' }]);
    // Neither matches any packet, but both are as they were written.
    expect(readOne([protocolIs('udp'), reset])).toHaveLength(2);
    expect(readOne([match('!=', { meta: { key: 'l4proto' } }, 'tcp'), reset])).toHaveLength(2);
  });

  test('changes maps in text or in JSON', () => {
    const value = { concat: [daddr, tcpDport] };
    const expected = [
      {
        kind: 'update',
        set: 'pins',
        key: [{ kind: 'address', field: 'saddr' }, { kind: 'ct-original-dport' }],
        value: [
          { kind: 'address', field: 'daddr' },
          { kind: 'dport', protocol: 'tcp' },
        ],
        timeoutSeconds: 93784,
      },
    ];
    const key = {
      concat: [{ payload: { protocol: 'ip', field: 'saddr' } }, { ct: { key: 'proto-dst', dir: 'original' } }],
    };
    const elem = { elem: { val: key, timeout: 93784 } };
    expect(readOne([{ map: { op: 'update', elem, data: value, map: '@pins' } }])).toEqual(expected);
    for (const timeout of ['1d2h3m4s', '93784s', '26h3m4s']) {
      const text = `update @pins { ip saddr . ct original proto-dst timeout ${timeout} : ip daddr . tcp dport }`;
      expect(readOne([text])).toEqual(expected);
    }
  });

  test.each([
    ['no statement', []],
    ['no list', { drop: null }],
    ['an unknown statement', [{ queue: null }]],
    ['two statements in one', [{ drop: null, accept: null }]],
    ['an unknown detail', [{ dnat: { addr: '10.0.0.1', port: 80, flags: ['random'] } }]],
    ['dnat without a protocol', [{ dnat: { addr: '10.0.0.1', port: 80 } }]],
    [
      'dnat into another family',
      [match('==', { meta: { key: 'l4proto' } }, 'tcp'), { dnat: { family: 'ip6', addr: '::1', port: 80 } }],
    ],
    ['an address of another family', [match('==', { payload: { protocol: 'ip6', field: 'daddr' } }, '::1')]],
    ['a comparison of another kind', [match('<', daddr, '10.0.0.1')]],
    ['a state and no other', [match('==', { ct: { key: 'state' } }, 'new')]],
    ['a route that more decides', [match('==', { fib: { result: 'type', flags: ['saddr', 'iif'] } }, 'local')]],
    ['several states', [match('in', { ct: { key: 'state' } }, ['new', 'established'])]],
    ['two bits of nothing', [match('!=', { '&': [mark, 3, 4] }, 0)]],
    ['a mark without a bit', [match('==', { '&': [mark, 4] }, 0)]],
    ['a mark as a network of two bits', [match('!=', mark, { prefix: { addr: 0, len: 2 } })]],
    ['a number that is not random', [{ vmap: { key: { numgen: { mode: 'inc', mod: 2 } }, data: '@a' } }]],
    [
      'random numbers with a gap',
      [
        {
          vmap: {
            key: numgen,
            data: {
              set: [
                [0, { goto: { target: 'a' } }],
                [2, { goto: { target: 'a' } }],
              ],
            },
          },
        },
      ],
    ],
    ['an update with a counter', [{ set: { op: 'update', elem: daddr, set: '@a', stmt: [{ counter: null }] } }]],
    ['an addition', [{ set: { op: 'add', elem: daddr, set: '@a' } }]],
    ['half a second', ['update @a { ip saddr timeout 500ms : ip daddr . tcp dport }']],
    ['no time', ['update @a { ip saddr timeout  : ip daddr . tcp dport }']],
    ['a quote that is never closed', ['update @a { "ip saddr : ip daddr . tcp dport }']],
    ['more than one statement in text', ['update @a { ip saddr : ip daddr . tcp dport } drop']],
    ['another statement in text', ['drop']],
    ['a network as mask', [match('!=', { '&': [mark, '0x4000'] }, 0)]],
    ['a key of nothing', [match('==', { concat: [] }, '@a')]],
    ['an unknown field in text', ['update @a { ip saddr : tcp sport }']],
    ['another rejection', [{ reject: { type: 'icmp', expr: 'host-unreachable' } }]],
    ['the rejection of the other family', [{ reject: { type: 'icmpv6', expr: 'port-unreachable' } }]],
    ['a reset with a code', [{ reject: { type: 'tcp reset', expr: 3 } }]],
    ['a reset of something else', [{ reject: { type: 'tcp' } }]],
    ['the rejection of the other family', [{ reject: { type: 'icmpv6', expr: 'port-unreachable' } }]],
    ['a masquerade of another kind', [{ masquerade: { flags: ['fully-random', 'persistent'] } }]],
  ])('with %s is not understood', (_, expr) => {
    expect(readOne(expr)).toEqual([]);
    expect(readOne([{ drop: null }])).toEqual([{ kind: 'drop' }]);
  });
});
