import { expect, test } from 'vitest';
import type { Statement } from '../../src/nft/ruleset.ts';
import { walkPacket } from '../../src/walk/walk-packet.ts';
import { chain, daddr, goto, match, natPrerouting, node, outcomesOf, packet, ruleset, saddr, set } from './support.ts';

test('IPv6 with a chain and a set per endpoint', () => {
  const hosts = ['fd00:1::1', 'fd00:2::1'];
  const sets = hosts.map((host) =>
    set(`pinned-${host}`, { key: ['address'], flags: ['dynamic', 'timeout'], timeoutSeconds: 10_800 }),
  );
  const endpoints = hosts.map((host) =>
    chain(`endpoint-${host}`, [
      [{ kind: 'update', set: `pinned-${host}`, key: [saddr] }],
      [{ kind: 'dnat', protocol: 'tcp', address: host, port: 8080 }],
    ]),
  );
  const service = chain('service', [
    ...hosts.map((host): Statement[] => [
      { kind: 'match-set', key: [saddr], set: `pinned-${host}` },
      goto(`endpoint-${host}`),
    ]),
    [{ kind: 'random-goto', chains: hosts.map((host) => `endpoint-${host}`) }],
  ]);
  const base = chain('nat', [[match(daddr, 'fd00:30::1'), goto('service')]], natPrerouting);
  const rules = ruleset([...endpoints, service, base], sets, 'ip6');
  const sent = packet('fd00:30::1', 80, { source: '2001:db8::9' });
  const first = walkPacket(rules, sent, node);
  expect(outcomesOf(first)).toEqual(['translated [fd00:1::1]:8080 1/2', 'translated [fd00:2::1]:8080 1/2']);
  const again = walkPacket(rules, sent, node, first.outcomes[1]?.memory);
  expect(outcomesOf(again)).toEqual(['translated [fd00:2::1]:8080 1/1']);
  expect(again.outcomes[0]?.memory.get('pinned-fd00:2::1')?.get('2001:db8::9')).toEqual({
    key: '2001:db8::9',
    timeoutSeconds: 10_800,
  });
});
