import { expect, test } from 'vitest';
import { indexRuleset } from '../../src/walk/index-ruleset.ts';
import { walkPacket } from '../../src/walk/walk-packet.ts';
import { flatRuleset } from './flat-ruleset.ts';
import { node, outcomesOf, packet } from './support.ts';

const indexed = indexRuleset(flatRuleset);
const pod = '10.0.1.1';
const own = '192.168.0.2';
const three = ['10.0.1.1', '10.0.2.1', '10.0.3.1'].map((host) => `translated ${host}:8080 1/3`);
const masqueraded = (outcomes: readonly string[]): string[] => outcomes.map((outcome) => `${outcome} masqueraded`);

test.each([
  ['a pod of another node to a cluster IP keeps its source', '10.0.9.9', '172.30.0.1', 80, three],
  ['outside to a cluster IP is masqueraded', '203.0.113.9', '172.30.0.1', 80, masqueraded(three)],
  ['the node to a cluster IP is masqueraded', own, '172.30.0.1', 80, masqueraded(three)],
  [
    'a pod that reaches itself is masqueraded, and only then',
    pod,
    '172.30.0.1',
    80,
    [`${three[0]} masqueraded`, three[1], three[2]],
  ],
  ['outside to an external IP is masqueraded', '203.0.113.9', '5.5.5.6', 80, masqueraded(three)],
  [
    'outside to a Local external IP gets the local endpoint',
    '203.0.113.9',
    '5.5.5.5',
    80,
    ['translated 10.0.1.1:8080 1/1'],
  ],
  ['a pod to a Local external IP gets all, unchanged', '10.0.9.9', '5.5.5.5', 80, three],
  ['the node to a Local external IP gets all, masqueraded', own, '5.5.5.5', 80, masqueraded(three)],
  ['outside to a Local external IP without local endpoints', '203.0.113.9', '5.5.5.8', 80, ['dropped 5.5.5.8:80 1/1']],
  ['a pod to a Local external IP without local endpoints', '10.0.9.9', '5.5.5.8', 80, three],
  ['a source in the ranges', '203.0.113.9', '5.5.5.7', 80, masqueraded(three)],
  ['a source that is a range of one address', '198.51.100.7', '5.5.5.7', 80, masqueraded(three)],
  ['a source beside the ranges', '198.51.100.8', '5.5.5.7', 80, ['dropped 5.5.5.7:80 1/1']],
  ['the node is held to the ranges, too', own, '5.5.5.7', 80, ['dropped 5.5.5.7:80 1/1']],
  ['no endpoints', '10.0.9.9', '172.30.0.2', 80, ['rejected 172.30.0.2:80 1/1']],
  ['no endpoints, from the node', own, '172.30.0.2', 80, ['rejected 172.30.0.2:80 1/1']],
  ['a wrong port of a live cluster IP', '10.0.9.9', '172.30.0.1', 81, ['rejected 172.30.0.1:81 1/1']],
  ['an unassigned address of the range', '10.0.9.9', '172.30.7.7', 80, ['dropped 172.30.7.7:80 1/1']],
  ['an address outside the range', '10.0.9.9', '172.31.0.1', 80, ['untouched 172.31.0.1:80 1/1']],
  [
    'a node port; what stays on the node has no postrouting and so no masquerading',
    '203.0.113.9',
    own,
    30080,
    ['translated 192.168.0.2:8080 1/2', 'translated 10.0.1.1:8080 1/2 masqueraded'],
  ],
  [
    'the node to its own node port, where even the loopback way has postrouting',
    own,
    own,
    30080,
    ['translated 192.168.0.2:8080 1/2 masqueraded', 'translated 10.0.1.1:8080 1/2 masqueraded'],
  ],
  ['a node port without endpoints', '203.0.113.9', own, 30081, ['rejected 192.168.0.2:30081 1/1']],
  ['the same from the node, which meets input over lo', '127.0.0.1', own, 30081, ['rejected 192.168.0.2:30081 1/1']],
  [
    'an address of the node without node ports',
    '203.0.113.9',
    '192.168.0.3',
    30080,
    ['untouched 192.168.0.3:30080 1/1'],
  ],
])('%s', (_name, source, destination, port, expected) => {
  expect(outcomesOf(walkPacket(indexed, packet(destination, port, { source }), node))).toEqual(expected);
});

test('another protocol is another Service', () => {
  const fate = walkPacket(indexed, packet('172.30.0.1', 80, { protocol: 'udp', source: pod }), node);
  expect(outcomesOf(fate)).toEqual(['rejected 172.30.0.1:80 1/1']);
});

test('an indexed ruleset and a plain one give the same fate', () => {
  const sent = packet('172.30.0.1', 80);
  expect(walkPacket(flatRuleset, sent, node)).toEqual(walkPacket(indexed, sent, node));
});

test('the steps name the elements that decided', () => {
  const [outcome] = walkPacket(indexed, packet('172.30.0.1', 80), node).outcomes;
  const found = outcome?.steps
    .filter(({ element }) => element)
    .map(({ chain, rule, key, element }) => [chain, rule, key, element?.comment]);
  expect(found).toEqual([
    ['services', 0, '172.30.0.1', undefined],
    ['services', 1, '172.30.0.1 . tcp . 80', 'shop/web:http'],
    ['tcp-cluster-3', 0, '172.30.0.1 . 80 . 0', undefined],
  ]);
});

test('the steps name the rules that did not hold', () => {
  const [outcome] = walkPacket(indexed, packet('172.31.0.1', 80), node).outcomes;
  const failed = outcome?.steps
    .filter(({ passed }) => !passed)
    .map(({ hook, chain, rule, statement }) => [hook, chain, rule, statement].join(' '));
  expect(failed).toEqual([
    'prerouting firewall-check 0 0',
    'prerouting services 0 1',
    'prerouting services 1 0',
    'prerouting services 2 0',
    'prerouting incoming-refusals 0 0',
    'prerouting incoming-refusals 1 0',
    'prerouting incoming-refusals 2 0',
    'prerouting incoming-refusals 3 0',
    'postrouting nat-postrouting 0 0',
    'postrouting nat-postrouting 1 0',
  ]);
});

test('an address that is not canonical, or of the other family, throws', () => {
  expect(() => walkPacket(indexed, packet('172.030.0.1', 80), node)).toThrow('172.030.0.1');
  expect(() => walkPacket(indexed, packet('fd00::1', 80), node)).toThrow('fd00::1');
});

test.each([
  ['no endpoints, from a pod', '10.0.9.9', '172.30.0.2', 80],
  ['no endpoints, from the node', own, '172.30.0.2', 80],
  ['a wrong port, from outside', '203.0.113.9', '172.30.0.1', 81],
  ['a node port without endpoints', '203.0.113.9', own, 30081],
])('refused with a reset: %s', (_name, source, destination, port) => {
  const [outcome, ...others] = walkPacket(indexed, packet(destination, port, { source }), node).outcomes;
  expect(outcome).toMatchObject({ verdict: 'rejected', rejectedWith: 'tcp-reset' });
  expect(others).toEqual([]);
});

test.each(['udp', 'sctp'] as const)('refused with an ICMP error: %s', (protocol) => {
  const { outcomes } = walkPacket(indexed, packet('172.30.0.1', 81, { protocol, source: pod }), node);
  expect(outcomes).toMatchObject([{ verdict: 'rejected', rejectedWith: 'port-unreachable' }]);
});
