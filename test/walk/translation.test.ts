import { expect, test } from 'vitest';
import type { Chain, Statement } from '../../src/nft/ruleset.ts';
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
  match,
  natOutput,
  natPostrouting,
  natPrerouting,
  node,
  originalDaddr,
  originalDport,
  outcomesOf,
  packet,
  ruleset,
  saddr,
  tcpDport,
  thDport,
} from './support.ts';

function dnat(address: string, port: number): Statement {
  return { kind: 'dnat', protocol: 'tcp', address, port };
}

function fateOf(chains: readonly Chain[], from: Packet = packet('172.30.0.1', 80)): string[] {
  return outcomesOf(walkPacket(ruleset(chains), from, node));
}

test('a translation ends the hook for NAT chains, and only for them', () => {
  const chains = [
    chain('first', [[dnat('10.0.1.1', 8080)], [drop]], natPrerouting),
    chain('second', [[dnat('10.0.2.2', 8080)]], hook('nat', 'prerouting', -90)),
  ];
  expect(fateOf(chains)).toEqual(['translated 10.0.1.1:8080 1/1']);
  expect(fateOf([...chains, chain('third', [[drop]], hook('filter', 'prerouting', 0))])).toEqual([
    'dropped 10.0.1.1:8080 1/1',
  ]);
});

test('a NAT chain that does nothing leaves the decision to the next', () => {
  const chains = [
    chain('first', [[match(thDport, 81), dnat('10.0.1.1', 8080)]], natPrerouting),
    chain('second', [[dnat('10.0.2.2', 8080)]], hook('nat', 'prerouting', -90)),
  ];
  expect(fateOf(chains)).toEqual(['translated 10.0.2.2:8080 1/1']);
});

test('NAT chains are called at the priority of NAT, whatever they declare', () => {
  const chains = [
    chain('nat', [[dnat('10.0.1.1', 8080)]], hook('nat', 'prerouting', -50)),
    chain('filter', [[match(daddr, '10.0.1.1'), drop]], hook('filter', 'prerouting', -60)),
  ];
  expect(fateOf(chains)).toEqual(['dropped 10.0.1.1:8080 1/1']);
});

test('a translation is for its own protocol', () => {
  const chains = [chain('nat', [[dnat('10.0.1.1', 8080)]], natPrerouting)];
  expect(fateOf(chains, packet('172.30.0.1', 80, { protocol: 'udp' }))).toEqual(['untouched 172.30.0.1:80 1/1']);
});

test('after translation rules see both destinations', () => {
  const chains = (statement: Statement): Chain[] => [
    chain('nat', [[dnat('10.0.1.1', 8080)]], natPrerouting),
    chain('base', [[isTranslated, statement, drop]], filterForward),
  ];
  for (const statement of [
    match(daddr, '10.0.1.1'),
    match(tcpDport, 8080),
    match(originalDaddr, '172.30.0.1'),
    match(originalDport, 80),
  ]) {
    expect(fateOf(chains(statement))).toEqual(['dropped 10.0.1.1:8080 1/1']);
  }
});

test('a translation to the same address and port does not count for conntrack', () => {
  const chains = [
    chain('nat', [[dnat('192.168.0.2', 80)]], natPrerouting),
    chain('base', [[isTranslated, drop]], hook('filter', 'input', 0)),
  ];
  expect(fateOf(chains, packet('192.168.0.2', 80))).toEqual(['translated 192.168.0.2:80 1/1']);
});

test('NAT decides once: not again over lo', () => {
  const chains = [
    chain('out', [[match(thDport, 80), dnat('192.168.0.2', 8080)]], natOutput),
    chain('in', [[dnat('10.0.9.9', 9090)]], natPrerouting),
  ];
  const own = (port: number): Packet => packet('172.30.0.1', port, { source: '127.0.0.1' });
  expect(fateOf(chains, own(80))).toEqual(['translated 192.168.0.2:8080 1/1']);
  expect(fateOf(chains, { ...own(81), destination: '192.168.0.3' })).toEqual(['untouched 192.168.0.3:81 1/1']);
});

test('a packet that comes back over lo after masquerading has the first address of the node', () => {
  const chains = [
    chain('post', [[{ kind: 'masquerade' }]], natPostrouting),
    chain('in', [[isNew, match(saddr, '192.168.0.2'), drop]], hook('filter', 'prerouting', 0)),
  ];
  const own = packet('192.168.0.2', 80, { source: '192.168.0.3' });
  expect(fateOf(chains, own)).toEqual(['dropped 192.168.0.2:80 1/1 masqueraded']);
});
