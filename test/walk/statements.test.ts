import { expect, test } from 'vitest';
import type { Rule, Statement } from '../../src/nft/ruleset.ts';
import type { Packet } from '../../src/walk/fate.ts';
import { walkPacket } from '../../src/walk/walk-packet.ts';
import {
  chain,
  daddr,
  drop,
  filterForward,
  hook,
  isNew,
  isTranslated,
  l4proto,
  match,
  node,
  numgen,
  originalDaddr,
  originalDport,
  outcomesOf,
  packet,
  reject,
  ruleset,
  saddr,
  set,
  tcpDport,
  tcpReset,
  thDport,
  udpDport,
} from './support.ts';

const sent = packet('10.0.1.1', 80, { inputInterface: 'eth0' });
const iifname = { kind: 'iifname' } as const;
const sets = [
  set('hosts', { key: ['address'], flags: ['interval'], elements: [{ key: '10.0.1.0/24' }, { key: '10.9.9.9' }] }),
  set('ports', { key: ['port'], protocol: 'tcp', elements: [{ key: '80' }] }),
];

/** Whether a packet that passes through the forward hook is dropped by a rule that ends with drop. */
function holds(statements: readonly Statement[], from: Packet = sent): boolean {
  const fate = walkPacket(ruleset([chain('base', [[...statements, drop]], filterForward)], sets), from, node);
  return fate.outcomes[0]?.verdict === 'dropped';
}

test.each<[string, boolean, Statement]>([
  ['an address', true, match(saddr, '203.0.113.9')],
  ['another address', false, match(saddr, '203.0.113.8')],
  ['not another address', true, match(saddr, '203.0.113.8', true)],
  ['a range', true, match(daddr, '10.0.0.0/8')],
  ['outside of a range', false, match(daddr, '10.0.2.0/24')],
  ['not in a range', false, match(daddr, '10.0.0.0/8', true)],
  ['a protocol', true, match(l4proto, 'tcp')],
  ['another protocol', false, match(l4proto, 'udp')],
  ['a port', true, match(thDport, 80)],
  ['a port of the protocol', true, match(tcpDport, 80)],
  ['a port of another protocol', false, match(udpDport, 80)],
  ['not a port of another protocol', false, match(udpDport, 81, true)],
  ['an interface', true, match(iifname, 'eth0')],
  ['the beginning of an interface', true, match(iifname, 'et*')],
  ['an interface that begins like another', false, match(iifname, 'eth')],
  ['not the beginning of an interface', false, match(iifname, 'eth*', true)],
  ['the state new', true, isNew],
  ['the state established', false, match({ kind: 'ct-state' }, 'established')],
  ['translated, when it is not', false, isTranslated],
  ['not translated, when it is not', true, match({ kind: 'ct-status' }, 'dnat', true)],
  ['from the node, when it is not', false, match({ kind: 'fib-type', field: 'saddr' }, 'local')],
  ['not for the node', true, match({ kind: 'fib-type', field: 'daddr' }, 'local', true)],
  ['the address asked for', true, match(originalDaddr, '10.0.0.0/16')],
  ['the port asked for', true, match(originalDport, 80)],
  ['a set that holds it', true, { kind: 'match-set', key: [daddr], set: 'hosts' }],
  ['a set that does not', false, { kind: 'match-set', key: [saddr], set: 'hosts' }],
  ['not in a set', true, { kind: 'match-set', key: [saddr], negated: true, set: 'hosts' }],
  ['a bit of the mark', false, { kind: 'match-mark', mark: 1 }],
])('match: %s', (_name, expected, statement) => {
  expect(holds([statement])).toBe(expected);
});

test('a key with a port of another protocol ends the rule, negated or not', () => {
  const notIn: Statement = { kind: 'match-set', key: [tcpDport], negated: true, set: 'ports' };
  expect(holds([notIn], { ...sent, port: 81 })).toBe(true);
  expect(holds([notIn], { ...sent, port: 81, protocol: 'udp' })).toBe(false);
});

test('an unknown interface does not match a name in a rule', () => {
  const unknown = packet('10.0.1.1', 80);
  expect(holds([match(iifname, 'e*')], unknown)).toBe(false);
  expect(holds([match(iifname, 'eth0', true)], unknown)).toBe(true);
});

test('the output hook has no input interface, and a packet that comes back has lo', () => {
  const named = { source: '192.168.0.2', inputInterface: 'eth0' };
  const fromNode = (name: 'output' | 'input', statement: Statement): string[] =>
    outcomesOf(
      walkPacket(
        ruleset([chain('base', [[statement, drop]], hook('filter', name, 0))]),
        packet('127.0.0.1', 80, named),
        node,
      ),
    );
  expect(fromNode('output', match(iifname, 'eth0'))).toEqual(['untouched 127.0.0.1:80 1/1']);
  expect(fromNode('output', match(iifname, 'eth0', true))).toEqual(['dropped 127.0.0.1:80 1/1']);
  expect(fromNode('input', match(iifname, 'lo'))).toEqual(['dropped 127.0.0.1:80 1/1']);
});

test('the mark is a number of 32 bits, and xor clears what or has set', () => {
  const top = 2 ** 31;
  const or = (mark: number): Statement => ({ kind: 'set-mark', operator: 'or', mark });
  const xor = (mark: number): Statement => ({ kind: 'set-mark', operator: 'xor', mark });
  const has = (mark: number): Statement => ({ kind: 'match-mark', mark });
  expect(holds([or(top), or(1), has(top), has(1)])).toBe(true);
  expect(holds([or(top), or(1), xor(top), has(1)])).toBe(true);
  expect(holds([or(top), or(1), xor(top), has(top)])).toBe(false);
});

test('the mark of a rule that fails later stays', () => {
  const rules: Rule[] = [
    [{ kind: 'set-mark', operator: 'or', mark: 2 }, match(thDport, 81)],
    [{ kind: 'match-mark', mark: 2 }, drop],
  ];
  const fate = walkPacket(ruleset([chain('base', rules, filterForward)]), sent, node);
  expect(fate.outcomes[0]?.verdict).toBe('dropped');
});

test('a number drawn in a match creates branches', () => {
  const rules: Rule[] = [
    [match(numgen(3), 0), drop],
    [match(numgen(2), 1, true), reject],
  ];
  expect(outcomesOf(walkPacket(ruleset([chain('base', rules, filterForward)]), sent, node))).toEqual([
    'dropped 10.0.1.1:80 1/3',
    'rejected 10.0.1.1:80 1/3',
    'untouched 10.0.1.1:80 1/3',
  ]);
});

test.each([
  ['tcp', ['rejected with tcp-reset']],
  ['udp', ['rejected with port-unreachable']],
  ['sctp', ['rejected with port-unreachable']],
] as const)('%s: a reset is for TCP, and a rejection of all else an ICMP error', (protocol, expected) => {
  const rules: Rule[] = [[tcpReset], [reject]];
  expect(answersOf(rules, protocol)).toEqual(expected);
});

test.each<[string, Rule[], string[]]>([
  ['the reset alone passes other protocols on', [[tcpReset]], ['untouched with undefined']],
  ['and a later rule may drop them', [[tcpReset], [drop]], ['dropped with undefined']],
  ['a match before it must hold, too', [[match(l4proto, 'udp'), tcpReset], [drop]], ['dropped with undefined']],
])('%s', (_name, rules, expected) => {
  expect(answersOf(rules, 'udp')).toEqual(expected);
});

test('a reset and an ICMP error are two outcomes', () => {
  const rules: Rule[] = [[match(numgen(2), 0), tcpReset], [reject]];
  expect(answersOf(rules, 'tcp')).toEqual(['rejected with tcp-reset', 'rejected with port-unreachable']);
});

function answersOf(rules: readonly Rule[], protocol: Packet['protocol']): string[] {
  const { outcomes } = walkPacket(ruleset([chain('base', rules, filterForward)]), { ...sent, protocol }, node);
  return outcomes.map(({ verdict, rejectedWith }) => `${verdict} with ${rejectedWith}`);
}
