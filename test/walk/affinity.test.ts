import { expect, test } from 'vitest';
import type { FilledSet, Ruleset, Statement } from '../../src/nft/ruleset.ts';
import type { Memory, PacketOutcome } from '../../src/walk/fate.ts';
import { walkPacket } from '../../src/walk/walk-packet.ts';
import {
  chain,
  daddr,
  drop,
  goto,
  hook,
  isNew,
  isTranslated,
  jump,
  l4proto,
  match,
  natPrerouting,
  node,
  numgen,
  originalDaddr,
  originalDport,
  outcomesOf,
  packet,
  ruleset,
  saddr,
  set,
  tcpDport,
} from './support.ts';

const pinKey = [saddr, originalDaddr, originalDport];
const pin = { set: 'tcp-pins', key: pinKey, value: [daddr, tcpDport] } as const;
const pinned = { set: 'tcp-pinned', key: [...pinKey, daddr, tcpDport] } as const;

/** One sticky cluster IP, 172.30.0.1:80, with a pin that is written after DNAT. */
function flat(endpoints: readonly string[], size = 100): Ruleset {
  const dynamic = { flags: ['dynamic', 'timeout'], size } as const;
  const sets: FilledSet[] = [
    set('tcp-pins', { key: ['address', 'address', 'port'], value: 'endpoint', ...dynamic }),
    set('tcp-pinned', { key: ['address', 'address', 'port', 'address', 'port'], ...dynamic }),
    set('tcp-sticky-600', {
      key: ['address', 'port', 'address', 'port'],
      elements: endpoints.map((address) => ({ key: `172.30.0.1 . 80 . ${address} . 8080` })),
    }),
    set('tcp-endpoints', {
      key: ['address', 'port', 'index'],
      protocol: 'tcp',
      value: 'endpoint',
      elements: endpoints.map((address, index) => ({
        key: `172.30.0.1 . 80 . ${index}`,
        value: { address, port: 8080 },
      })),
    }),
  ];
  const pick = [daddr, tcpDport, numgen(endpoints.length)];
  const chains = [
    chain('pick', [[{ kind: 'dnat-map', protocol: 'tcp', key: pick, map: 'tcp-endpoints' }]]),
    chain('sticky', [
      [{ kind: 'dnat-map', protocol: 'tcp', key: [saddr, daddr, tcpDport], map: 'tcp-pins' }],
      [goto('pick')],
    ]),
    chain('pin-tcp', [
      [
        match(l4proto, 'tcp'),
        { kind: 'match-set', key: [originalDaddr, originalDport, daddr, tcpDport], set: 'tcp-sticky-600' },
        { kind: 'update', ...pin, timeoutSeconds: 600 },
        { kind: 'update', ...pinned, timeoutSeconds: 600 },
        { kind: 'return' },
      ],
      [
        match(l4proto, 'tcp'),
        { kind: 'match-set', key: pinned.key, set: pinned.set },
        { kind: 'delete', ...pin },
        { kind: 'delete', ...pinned },
        drop,
      ],
    ]),
    chain('nat', [[goto('sticky')]], natPrerouting),
    chain('pin', [[isNew, isTranslated, jump('pin-tcp')]], hook('filter', 'prerouting', -99)),
  ];
  return ruleset(chains, sets);
}

function walk(rules: Ruleset, memory?: Memory, source = '203.0.113.9'): readonly PacketOutcome[] {
  return walkPacket(rules, packet('172.30.0.1', 80, { source }), node, memory).outcomes;
}

test('a pinned client has one endpoint left, and every other client has all', () => {
  const rules = flat(['10.0.1.1', '10.0.2.1', '10.0.3.1']);
  const first = walk(rules);
  expect(first.map(({ probability }) => probability)).toEqual([1 / 3, 1 / 3, 1 / 3]);
  const second = first[1]?.memory;
  expect(outcomesOf({ outcomes: walk(rules, second) })).toEqual(['translated 10.0.2.1:8080 1/1']);
  expect(walk(rules, second, '203.0.113.8')).toHaveLength(3);
});

test('pins have their lifetime', () => {
  const memory = walk(flat(['10.0.1.1']))[0]?.memory;
  expect(memory?.get('tcp-pins')?.get('203.0.113.9 . 172.30.0.1 . 80')).toEqual({
    key: '203.0.113.9 . 172.30.0.1 . 80',
    value: { address: '10.0.1.1', port: 8080 },
    timeoutSeconds: 600,
  });
  expect(memory?.get('tcp-pinned')?.has('203.0.113.9 . 172.30.0.1 . 80 . 10.0.1.1 . 8080')).toBe(true);
});

test('a walk does not change the memory that it gets', () => {
  const memory: Memory = new Map();
  walk(flat(['10.0.1.1']), memory);
  expect(memory.size).toBe(0);
});

test('a pin to a removed endpoint is lost with one packet', () => {
  const before = walk(flat(['10.0.1.1']))[0]?.memory;
  const after = flat(['10.0.2.1', '10.0.3.1']);
  const lost = walk(after, before);
  expect(outcomesOf({ outcomes: lost })).toEqual(['dropped 10.0.1.1:8080 1/1']);
  expect(lost[0]?.memory.get('tcp-pins')?.size).toBe(0);
  expect(outcomesOf({ outcomes: walk(after, lost[0]?.memory) })).toEqual([
    'translated 10.0.2.1:8080 1/2',
    'translated 10.0.3.1:8080 1/2',
  ]);
});

test('a full set takes no more elements, and the rule ends there', () => {
  const rules = flat(['10.0.1.1', '10.0.2.1'], 1);
  const full = walk(rules, undefined, '203.0.113.1')[0]?.memory;
  const [outcome] = walk(rules, full);
  expect(outcome?.memory).toBe(full);
  const step = outcome?.steps.find(({ chain: name, statement }) => name === 'pin-tcp' && statement === 2);
  expect(step).toMatchObject({ rule: 0, passed: false });
  // An element that is already in the set is not refused.
  expect(outcomesOf({ outcomes: walk(rules, full, '203.0.113.1') })).toEqual(['translated 10.0.1.1:8080 1/1']);
});

test('an update of a map keeps the existing value', () => {
  const update: Statement = { kind: 'update', set: 'pins', key: [saddr], value: [daddr, tcpDport] };
  const rules = ruleset(
    [chain('base', [[update]], hook('filter', 'forward', 0))],
    [set('pins', { key: ['address'], value: 'endpoint', flags: ['dynamic', 'timeout'], timeoutSeconds: 30 })],
  );
  const once = walkPacket(rules, packet('10.0.1.1', 80), node).outcomes[0]?.memory;
  const twice = walkPacket(rules, packet('10.0.2.2', 90), node, once).outcomes[0]?.memory;
  expect(twice?.get('pins')?.get('203.0.113.9')).toEqual({
    key: '203.0.113.9',
    value: { address: '10.0.1.1', port: 80 },
    timeoutSeconds: 30,
  });
});

test('a delete of a missing element does nothing, and the rule continues', () => {
  const rules = ruleset(
    [chain('base', [[{ kind: 'delete', set: 'seen', key: [saddr] }, drop]], hook('filter', 'forward', 0))],
    [set('seen', { key: ['address'], flags: ['dynamic'] })],
  );
  const [outcome] = walkPacket(rules, packet('10.0.1.1', 80), node).outcomes;
  expect(outcome?.verdict).toBe('dropped');
  expect(outcome?.memory.size).toBe(0);
});

test('declared elements of a dynamic set can be deleted', () => {
  const rules = ruleset(
    [chain('base', [[{ kind: 'delete', set: 'seen', key: [saddr] }]], hook('filter', 'forward', 0))],
    [set('seen', { key: ['address'], flags: ['dynamic'], elements: [{ key: '203.0.113.9' }] })],
  );
  expect(walkPacket(rules, packet('10.0.1.1', 80), node).outcomes[0]?.memory.get('seen')?.size).toBe(0);
});

test('equal destinations with different memories are different outcomes', () => {
  const remember = (name: string): Statement => ({ kind: 'update', set: name, key: [saddr] });
  const rules = ruleset(
    [
      chain('one', [[remember('one')]]),
      chain('two', [[remember('two')]]),
      chain('base', [[{ kind: 'random-goto', chains: ['one', 'two'] }]], hook('filter', 'forward', 0)),
    ],
    ['one', 'two'].map((name) => set(name, { key: ['address'], flags: ['dynamic'] })),
  );
  const { outcomes } = walkPacket(rules, packet('10.0.1.1', 80), node);
  expect(outcomesOf({ outcomes })).toEqual(['untouched 10.0.1.1:80 1/2', 'untouched 10.0.1.1:80 1/2']);
  expect(outcomes.map(({ memory }) => [...memory.keys()])).toEqual([['one'], ['two']]);
});
